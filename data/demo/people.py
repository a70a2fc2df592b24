"""Say what a made-up person is, and hand out names, homes, phones and e-mail addresses.

Nobody here lives. Every phone comes from a range set apart for films or from libphonenumber's
example ranges, and every e-mail domain is reserved, so that nothing can reach anyone.
"""

import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from unicodedata import normalize

T = TypeVar("T")

HERE = Path(__file__).parent
NAMES: dict[str, Any] = tomllib.loads((HERE / "names.toml").read_text("utf-8"))
PLACES: dict[str, Any] = tomllib.loads((HERE / "streets.toml").read_text("utf-8"))
COUNTRIES = [name for name in PLACES if name != "companies"]


@dataclass(frozen=True)
class Home:
    """An address, and the landline that everyone there shares, if there is one."""

    line1: str
    city: str
    region: str
    postcode: str
    landline: str | None


@dataclass(frozen=True)
class Company:
    """An employer. Its phone and its info@ address belong to nobody and to everybody."""

    name: str
    domain: str
    country: str
    office: Home


@dataclass(frozen=True)
class Person:
    """One person. Of names, homes, e-mails and mobiles the first is today's, the rest were true."""

    entity_id: str
    household_id: str
    country: str
    gender: str
    first_name: str
    middle_name: str | None
    last_names: tuple[str, ...]
    birth_date: date
    homes: tuple[Home, ...]
    emails: tuple[str, ...]
    mobiles: tuple[str, ...]
    company: Company | None = None
    job_title: str | None = None
    work_email: str | None = None


class Register:
    """Hands out what only one person may have, and never the same thing twice."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._emails: set[str] = set()
        self._phones: dict[tuple[str, str], Iterator[str]] = {}

    def phone(self, country: str, kind: str) -> str | None:
        """Hand out a number in its national spelling, or none when the range is used up."""
        pool = self._phones.setdefault((country, kind), self._numbers(country, kind))
        return next(pool, None)

    def email(self, local: str, domain: str) -> str:
        """`local@domain`, with a number after it when that is taken."""
        address = f"{local}@{domain}"
        while address in self._emails:
            address = f"{local}{self._rng.randint(2, 999)}@{domain}"
        self._emails.add(address)
        return address

    def _numbers(self, country: str, kind: str) -> Iterator[str]:
        templates: list[str] = PLACES[country][kind]
        sizes = [10 ** template.count("#") for template in templates]
        ends = list(accumulate(sizes))
        for at in self._rng.sample(range(ends[-1]), ends[-1]):
            which = bisect_right(ends, at)
            number = at - ends[which] + sizes[which]
            yield fill(templates[which], f"{number:0{templates[which].count('#')}}")


def e164(national: str, country: str) -> str:
    """Write a number as the whole world dials it."""
    digits = "".join(sign for sign in national if sign.isdigit())
    return f"+{PLACES[country]['code']}{digits.removeprefix(PLACES[country]['trunk'])}"


def to_ascii(text: str) -> str:
    """Write a name as on a keyboard without accents."""
    spelled = text.replace("ß", "ss").replace("ı", "i").replace("ø", "o")
    return normalize("NFKD", spelled).encode("ascii", "ignore").decode()


def fill(template: str, digits: str) -> str:
    """Replace each # of the template by the next digit."""
    left = iter(digits)
    return "".join(next(left) if sign == "#" else sign for sign in template)


def common(values: Sequence[T], rng: Random) -> T:
    """One of the values, the early ones more often."""
    return rng.choices(values, [1 / (at + 4) for at in range(len(values))])[0]


def move(country: str, register: Register, rng: Random) -> Home:
    """Find a new home in that country; four in ten have a landline."""
    place = PLACES[country]
    city: dict[str, str] = common(place["cities"], rng)
    line1 = place["line"].format(number=rng.randint(1, 180), street=common(place["streets"], rng))
    landline = register.phone(country, "landline") if rng.random() < 0.4 else None
    return Home(line1, city["city"], city["region"], _postcode(city["postcode"], rng), landline)


def new_email(person: Person, register: Register, rng: Random) -> str:
    """Another private e-mail address, made from the name as most are."""
    first, last = local_part(person.first_name), local_part(person.last_names[0])
    year = str(person.birth_date.year)
    styles = [
        f"{first}.{last}",
        f"{first}{last}",
        f"{first[0]}.{last}",
        f"{first}{year[2:]}",
        f"{last}.{first}{year}",
        f"{first}_{last}",
    ]
    return register.email(common(styles, rng), common(PLACES[person.country]["mail"], rng))


def local_part(name: str) -> str:
    """Spell a name as it stands before the @."""
    return "".join(sign for sign in to_ascii(name).lower() if sign.isalnum())


def _postcode(template: str, rng: Random) -> str:
    letters = "".join(rng.choice("ABDEFGHJLNPRSTUWXYZ") if s == "?" else s for s in template)
    return fill(letters, "".join(rng.choice("123456789") for _ in range(letters.count("#"))))
