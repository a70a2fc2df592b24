"""Measure phones and e-mails: ours against the libraries, value by value, and every difference.

.venv/bin/python bench/contacts.py [VALUES]
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from types import ModuleType
from typing import Any
from unittest.mock import patch

import phonenumbers
import polars as pl
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from transforms.standardise import emails, phones

VALUES = 200_000
REGIONS = ("GB", "FR", "DE", "US", "NL", "IN", "BR", "AU", "ES", "IT", "CA", "PL")
ABROAD = {"US": "011", "CA": "011", "AU": "0011"}
FIRST = (
    "ann",
    "bob",
    "carla",
    "david",
    "eve",
    "farid",
    "grace",
    "hugo",
    "ines",
    "jan",
    "karin",
    "lee",
    "maria",
    "nils",
    "olga",
    "paul",
)
LAST = (
    "smith",
    "jones",
    "meyer",
    "dubois",
    "rossi",
    "garcia",
    "kowalski",
    "de-vries",
    "o'neil",
    "patel",
    "silva",
    "nguyen",
)
BIG_DOMAINS = ("gmail.example.com", "yahoo.example.org", "post.example.net")
TOP_DOMAINS = ("com", "de", "co.uk", "fr", "it")
ODD_DOMAINS = ("x.test", "localhost", "bad_name.com", "münchen.de", "xn--mnchen-3ya.de")

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Contest:
    """What the same values cost both ways, in CPU seconds."""

    values: int
    first_call: float
    """Ours in a new process, which makes its tables first."""
    ours: float
    """Ours after that, the median of three."""
    library: float
    """The library, value by value, for the same columns."""
    library_bare: float
    """The library, value by value, for the normal form alone."""
    asked: int
    """Values that ours left to the library."""
    differences: int
    valid: float


def measure_phones(count: int = VALUES) -> Contest:
    """Compare on phone numbers of twelve countries, spelled in many ways."""
    values = _distinct(_phone, ["raw", "region"], count)
    return _compare(values, values.rows(), phones, phones.verify_phones, _phone_alone)


def measure_emails(count: int = VALUES) -> Contest:
    """Compare on e-mail addresses of a few large domains and many small ones."""
    values = _distinct(_email, ["raw"], count)
    bare = values.select(emails.bare_address(pl.col("raw"))).rows()
    return _compare(values, bare, emails, emails.verify_emails, _email_alone)


def _compare(
    values: pl.DataFrame,
    rows: Sequence[Row],
    module: ModuleType,
    verify: Callable[[pl.DataFrame], pl.DataFrame],
    alone: Callable[..., str | None],
) -> Contest:
    first, _ = _timed(lambda: verify(values))
    with patch.object(module, "ask_library", wraps=module.ask_library) as asked:
        found = verify(values)
    ours = median(_timed(lambda: verify(values))[0] for _ in range(3))
    library, expected = _timed(lambda: [module.ask_library(*row) for row in rows])
    bare, _ = _timed(lambda: [alone(*row) for row in rows])
    got = found.select(module.Verdict._fields).rows()
    differences = sum(tuple(a) != b for a, b in zip(expected, got, strict=True))
    valid = found.select((pl.col("verification") == "valid").mean()).item()
    return Contest(values.height, first, ours, library, bare, asked.call_count, differences, valid)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this process, and what came of it."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def _phone_alone(raw: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(raw, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _email_alone(address: str) -> str | None:
    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def _distinct(make: Callable[[random.Random], Row], names: list[str], count: int) -> pl.DataFrame:
    """`count` different values, always the same ones."""
    chance = random.Random(7)
    rows: dict[Row, None] = {}
    while len(rows) < count:
        rows.setdefault(make(chance))
    return pl.DataFrame(list(rows), schema=names, orient="row")


def _phone(chance: random.Random) -> Row:
    """A number like the region's example, nine times in ten a valid one, in some spelling."""
    region = chance.choice(REGIONS)
    kind = chance.choice([PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE])
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None  # each of these regions has both kinds
    national = phonenumbers.national_significant_number(example)
    kept = chance.choice([3, 4])
    digits = national[:kept] + "".join(chance.choice("0123456789") for _ in national[kept:])
    return _spell(chance, region, str(example.country_code), digits), region


def _spell(chance: random.Random, region: str, code: str, digits: str) -> str:
    trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
    home = trunk + digits
    mark = chance.choice([" ", " ", "-", ".", ""])
    spellings = {
        f"+{code}{digits}": 200,
        f"+{code} {_group(chance, digits, mark)}": 180,
        f"{ABROAD.get(region, '00')}{code}{_group(chance, digits, mark)}": 60,
        f"+{code} (0){_group(chance, digits, mark)}": 60,
        f"{trunk}{_group(chance, digits, mark)}": 250,
        f"({trunk}{digits[:3]}) {_group(chance, digits[3:], mark)}": 130,
        f"{code}{digits}": 30,
        home + chance.choice([" ext 12", " x304", "#12", " ext. 5"]): 25,
        digits[:-1]: 25,
        home + "7": 20,
        chance.choice(["n/a", "none", "see notes", "ask Ann", "-"]): 5,
        f"{digits} / {home}": 5,
        f"tel: {home}": 10,
    }
    return chance.choices(list(spellings), list(spellings.values()))[0]


def _group(chance: random.Random, digits: str, mark: str) -> str:
    groups = []
    while digits:
        size = chance.choice([2, 3, 4])
        groups.append(digits[:size])
        digits = digits[size:]
    return mark.join(groups)


def _email(chance: random.Random) -> Row:
    """An address, a few in a hundred of them with what people add or get wrong."""
    name = chance.choice(FIRST) + chance.choice(["_", ".", "-", ""]) + chance.choice(LAST)
    plain = f"{name}{chance.randrange(100_000)}@{_domain(chance)}"
    spellings = {
        plain: 825,
        plain.title(): 100,
        plain.upper(): 20,
        f" {plain} ": 10,
        f"Ann Lee <{plain}>": 5,
        f"mailto:{plain}": 5,
        plain.replace("@", " at "): 10,
        plain.replace("@", "@@"): 10,
        plain.replace("a", "ä", 1): 5,
        f"{plain}.": 5,
        f".{plain}": 5,
    }
    return (chance.choices(list(spellings), list(spellings.values()))[0],)


def _domain(chance: random.Random) -> str:
    """One in four from a large provider, a few odd ones, else one of 3,000 small ones."""
    draw = chance.random()
    if draw < 0.25:
        return chance.choice(BIG_DOMAINS)
    if draw < 0.253:
        return chance.choice(ODD_DOMAINS)
    number = chance.randrange(3000)
    return f"company{number}.{TOP_DOMAINS[number % len(TOP_DOMAINS)]}"
