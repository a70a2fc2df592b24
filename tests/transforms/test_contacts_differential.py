"""The ways round the libraries against the libraries, value by value, in every column.

The texts are made by a seeded generator: example numbers of every kind and country, as people
write them and with what goes wrong, and addresses with what goes wrong.
"""

import random
from collections.abc import Iterator

import phonenumbers
import polars as pl
import pytest
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from transforms.standardise import emails, numbering, phones

KINDS = [
    *("general_desc", "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost"),
    *("voip", "personal_number", "pager", "uan", "voicemail"),
]
MARKS = [
    *"0123456789 -./()[],;:xX#~*+_\t\n'e²½é",
    *"\u00a0\u2013\u200b\u3000\uff0b\u0664\uff11\ufeff",
    *("ext", "ext.", "anexo", "int", "доб", ";ext=", ";phone-context=", "tel:"),
    *("(0)", "+44", "ABC", "E+11", ".0"),
]
SIGNS = [
    *"aZ09@@@..-_+'\"\\()<> ,;:[]`{|}~\t\x00\x7füßİΣ例。א١＠\u0301\u0338\u200b",
    *("xn--", ".test", ".local", "localhost", "mailto:", "gmail.com", "[127.0.0.1]"),
]


def changed(text: str, marks: list[str], chance: random.Random) -> str:
    """Drop, add or replace one part of a text."""
    place = chance.randrange(len(text) + 1)
    rest = text[place + chance.choice([0, 1]) :]
    return text[:place] + chance.choice(["", *chance.sample(marks, 2)]) + rest


def grouped(digits: str, chance: random.Random) -> str:
    separator = chance.choice(["", " ", "-", ".", "/", " - ", "\u00a0", "\u2013"])
    size = chance.choice([2, 3, 4])
    return separator.join(digits[at : at + size] for at in range(0, len(digits), size))


def spelled(code: int, number: str, plan: PhoneMetadata, chance: random.Random) -> str:
    trunk, local = plan.national_prefix or "", grouped(number, chance)
    abroad = chance.choice(["00", "00 ", "011", "0011", "810", "119", "0015", "+", "++"])
    extension = chance.choice([" ext. 12", " x1", "#44", ", ext 9", "/x12", " x1234567890"])
    ways = [
        f"+{code}{number}",
        f"+{code} {local}",
        f"+{code} (0){local}",
        f"+{code} {trunk}{local}",
        f"{abroad}{code}{local}",
        f"{code}{number}",
        f"{trunk}{number}",
        f"{trunk}{local}",
        f"({trunk}{number[:3]}) {number[3:]}",
        f"(0){local}",
        f"Tel. {trunk}{local}.",
        f"{trunk}{local}{extension}",
    ]
    return chance.choice(ways)


def numbers_of_all_plans(chance: random.Random) -> Iterator[tuple[str, str | None]]:
    everywhere = [*sorted(phonenumbers.SUPPORTED_REGIONS), "ZZ", None]
    for code, regions in COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            plan = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
            assert plan is not None
            for kind in KINDS:
                example = getattr(getattr(plan, kind), "example_number", None) or "12345678"
                for number in (example, changed(example, list("0123456789"), chance)):
                    home = region if chance.random() < 0.8 else chance.choice(everywhere)
                    yield spelled(code, number, plan, chance), home


def compare_phones(rows: list[tuple[str, str | None]], monkeypatch: pytest.MonkeyPatch) -> int:
    """Hold the fast way to the library, and count the values it left to the library."""
    rows = list(dict.fromkeys(rows))
    asked: list[tuple[str, str | None]] = []
    truth = dict(zip(rows, (phones.ask_library(*row) for row in rows), strict=True))

    def remembered(raw: str, region: str | None) -> phones.Verdict:
        asked.append((raw, region))
        return truth[raw, region]

    monkeypatch.setattr(phones, "ask_library", remembered)
    monkeypatch.setattr(numbering, "SMALLEST_PLAN", 1)
    frame = pl.DataFrame(rows, schema={"raw": pl.String, "region": pl.String}, orient="row")
    verdicts = phones.verify_phones(frame).iter_rows()
    differing = [row for row in verdicts if row[2:] != tuple(truth[row[0], row[1]])]
    assert not differing
    return len(asked)


def test_numbers_of_every_plan_are_judged_as_the_library_judges_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = list(numbers_of_all_plans(random.Random(20)))

    left_to_the_library = compare_phones(rows, monkeypatch)

    assert left_to_the_library < 0.1 * len(rows)


def test_texts_of_all_sorts_are_read_as_the_library_reads_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = random.Random(21)
    rows: list[tuple[str, str | None]] = []
    for _ in range(4000):
        text = chance.choice(
            [
                "020 7946 0958",
                "+44 7912 345678",
                "(212) 555-2368",
                "+39 06 698 12345",
                "011 3456-7890",
            ]
        )
        for _ in range(chance.randrange(1, 4)):
            text = changed(text, MARKS, chance)
        rows.append((text, chance.choice(["GB", "US", "IT", "BR", "AR", "gb", None])))

    left_to_the_library = compare_phones(rows, monkeypatch)

    assert left_to_the_library < 0.8 * len(rows)


def test_a_plan_with_many_numbers_is_judged_as_one_with_few() -> None:
    chance = random.Random(22)
    rows = [(f"020 7946 {chance.randrange(10_000):04}", "GB") for _ in range(500)]
    frame = pl.DataFrame(rows, schema=["raw", "region"], orient="row")

    verdicts = phones.verify_phones(frame)

    assert [row[2:] for row in verdicts.iter_rows()] == [phones.ask_library(*row) for row in rows]


def test_addresses_are_judged_as_the_library_judges_them(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(23)
    seeds = [
        "ann.lee@example.com",
        "Bob@Mail.Example.co.uk",
        "Ann Lee <ann@example.org>",
        "info@xn--mnchen-3ya.de",
        "ä@müller.de",
        "x" * 240 + "@example.com",
        "a@" + "c" * 63 + ".net",
        "a@" + ".".join(["d" * 60] * 4) + ".com",
    ]
    texts = set(seeds)
    while len(texts) < 3000:
        text = chance.choice(seeds)
        for _ in range(chance.randrange(1, 4)):
            text = changed(text, SIGNS, chance)
        texts.add(text)
    frame = pl.DataFrame({"raw": sorted(texts)})
    bare = frame.select(emails.bare_address(pl.col("raw"))).to_series()
    truth = {address: emails.ask_library(address) for address in bare}

    verdicts = emails.verify_emails(frame)

    rows = zip(bare, verdicts.select(emails.Verdict._fields).iter_rows(), strict=True)
    assert [(address, row) for address, row in rows if row != tuple(truth[address])] == []


def test_each_domain_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask = emails.ask_library

    def noted(address: str) -> emails.Verdict:
        asked.append(address)
        return ask(address)

    monkeypatch.setattr(emails, "ask_library", noted)
    domains = ("b.com", "C.com", "c_")
    frame = pl.DataFrame({"raw": [f"ann{n}@{domain}" for n in range(50) for domain in domains]})

    verdicts = emails.verify_emails(frame)

    assert sorted(asked) == ["a@b.com", "a@c.com", "a@c_"]
    assert verdicts["verification"].to_list() == ["valid", "valid", "invalid"] * 50
