"""Write a person down the way a source would: what it leaves out, confuses and misspells.

`rates.toml` says how often. A spelling is a dictionary of our own field names to text as the
source has it; `layouts.py` puts it into that source's columns.
"""

import tomllib
from datetime import date
from random import Random
from typing import Any

from demo.people import HERE, NAMES, PLACES, Person, e164, to_ascii

Spelling = dict[str, str]
RATES: dict[str, Any] = tomllib.loads((HERE / "rates.toml").read_text("utf-8"))

PLACEHOLDERS = {
    "first_name": ["N/A", "-", "unknown"],
    "email": ["test@test.com", "noemail@example.com", "n/a", "none"],
    "phone": ["0000000000", "1234567890", "n/a", "-"],
    "birth_date": ["1900-01-01"],
    "city": ["N/A", "xxx"],
    "company": ["N/A", "none", "-"],
}
"""What people type to get past a field that must be filled."""

WORK_SOURCES = ("expo_leads", "webinar")


def write_down(person: Person, source: str, rng: Random) -> Spelling:
    """One record of this person, as this source would have it."""
    rates = RATES[source]
    spelling = _names(person, rates, rng)
    spelling |= _contacts(person, source, rates, rng) | _address(person, source, rates, rng)
    if not _happens(rates["no"]["birth_date"], rng):
        spelling["birth_date"] = _birthday(person.birth_date, rates["date_slip"], rng)
    if person.company and person.job_title:
        spelling |= {"company": person.company.name, "job_title": person.job_title}
    spelling["title"] = rng.choice(PLACES[person.country]["titles"][person.gender])
    spelling["gender"] = person.gender[0].upper()
    for field, rate in rates["typo"].items():
        if field in spelling and _happens(rate, rng):
            spelling[field] = _typo(spelling[field], rng)
    return _with_placeholder(spelling, rates["placeholder"], rng)


def write_phone(national: str, country: str, abroad: bool, rng: Random) -> str:
    """One of the ways to write a number; from abroad it always carries its country."""
    code, trunk = PLACES[country]["code"], PLACES[country]["trunk"]
    plain = national.removeprefix(trunk) if trunk else national
    bare = "".join(sign for sign in plain if sign.isdigit())
    foreign = [f"+{code} {plain}", e164(national, country), f"+{code}-{bare[:3]}-{bare[3:]}"]
    if country != "US":
        foreign.append(f"00{code} {bare}")
    if trunk:
        foreign.append(f"+{code} ({trunk}){plain}")
    home = [national, national, "".join(sign for sign in national if sign.isdigit())]
    home.append(national.replace(" ", "-") if country != "US" else national.replace(") ", "-")[1:])
    return rng.choice(foreign if abroad or rng.random() < 0.35 else home)


def _names(person: Person, rates: dict[str, Any], rng: Random) -> Spelling:
    if _happens(rates["no"]["name"], rng):
        return {}
    last = person.last_names[0]
    if len(person.last_names) > 1 and _happens(rates["old"]["last_name"], rng):
        last = person.last_names[1]
    if person.country == "ES" and _happens(0.2, rng):
        last = last.split()[0]
    first = person.first_name
    habits = rates["name"]
    if first in NAMES["nicknames"] and _happens(habits["nickname"], rng):
        first = rng.choice(NAMES["nicknames"][first])
    elif _happens(habits["initial"], rng):
        first = first[0] + rng.choice(["", "."])
    spelling = {"first_name": first, "last_name": last}
    if person.middle_name and _happens(0.5, rng):
        spelling["middle_name"] = person.middle_name
    for habit, change in (("plain", to_ascii), ("upper", str.upper), ("lower", str.lower)):
        if _happens(habits[habit], rng):
            spelling = {field: change(value) for field, value in spelling.items()}
    if _happens(habits["swapped"], rng):
        return spelling | {"first_name": spelling["last_name"], "last_name": spelling["first_name"]}
    return spelling


def _contacts(person: Person, source: str, rates: dict[str, Any], rng: Random) -> Spelling:
    spelling: Spelling = {}
    if not _happens(rates["no"]["email"], rng):
        spelling["email"] = _email_case(_email(person, source, rates["old"]["email"], rng), rng)
        if len(person.emails) > 1 and _happens(0.3, rng):
            spelling["email_2"] = rng.choice(person.emails)
    if _happens(rates["no"]["phone"], rng):
        return spelling
    country = person.country
    abroad = _happens(rates["no"]["country"], rng)
    phones = _phones(person, source, rates["old"]["phone"], rng)
    for field, phone in zip(("phone", "phone_2"), phones, strict=False):
        spelling[field] = write_phone(phone, country, abroad, rng)
    return spelling if abroad else spelling | {"country": country}


def _email(person: Person, source: str, old: float, rng: Random) -> str:
    if source in WORK_SOURCES and person.company and person.work_email and _happens(0.75, rng):
        return f"info@{person.company.domain}" if _happens(0.08, rng) else person.work_email
    return rng.choice(person.emails[1:]) if person.emails[1:] and _happens(old, rng) else (
        person.emails[0]
    )  # fmt: skip


def _phones(person: Person, source: str, old: float, rng: Random) -> list[str]:
    """At most two; at work often the office's, at home sometimes the one the family shares."""
    mobile = person.mobiles[-1 if _happens(old, rng) else 0] if person.mobiles else None
    office = person.company.office.landline if person.company else None
    if source in WORK_SOURCES and office and _happens(0.5, rng):
        return [office]
    landline = person.homes[0].landline
    order = [landline, mobile] if _happens(0.25, rng) else [mobile, landline]
    return [phone for phone in order if phone]


def _address(person: Person, source: str, rates: dict[str, Any], rng: Random) -> Spelling:
    known = {} if _happens(rates["no"]["country"], rng) else {"country": person.country}
    if _happens(rates["no"]["address"], rng):
        return known
    home = person.homes[-1 if _happens(rates["old"]["address"], rng) else 0]
    if source in WORK_SOURCES and person.company:
        home = person.company.office
    postcode = home.postcode.replace(" ", "") if _happens(0.15, rng) else home.postcode
    spelling = {"address": home.line1, "city": home.city, "region": home.region}
    spelling |= {"postcode": postcode.lower() if _happens(0.05, rng) else postcode}
    if _happens(rates["name"]["plain"], rng):
        spelling = {field: to_ascii(value) for field, value in spelling.items()}
    return spelling | {"country": person.country}


def _birthday(born: date, slip: float, rng: Random) -> str:
    """ISO text. A slip swaps day and month, or is one year or ten off."""
    if not _happens(slip, rng):
        return born.isoformat()
    if born.day <= 12 and _happens(0.7, rng):
        return born.replace(month=born.day, day=born.month).isoformat()
    return born.replace(year=born.year - rng.choice([1, 10]), day=min(born.day, 28)).isoformat()


def _email_case(email: str, rng: Random) -> str:
    spelled = rng.choices([email, email.upper(), email.title(), f" {email} "], [90, 3, 4, 3])
    return spelled[0]


def _typo(text: str, rng: Random) -> str:
    """One character left out, doubled, or changed places with the next; digits stay digits."""
    at = rng.randrange(max(1, len(text) - 1))
    swapped = text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]
    return rng.choice([text[:at] + text[at + 1 :], text[: at + 1] + text[at:], swapped]) or text


def _with_placeholder(spelling: Spelling, rate: float, rng: Random) -> Spelling:
    """Sometimes one field is only filled to get on, never the only name or contact."""
    if len({"email", "phone", "last_name"} & set(spelling)) < 2 or not _happens(rate, rng):
        return spelling
    field = rng.choice(list(PLACEHOLDERS))
    return spelling | {field: rng.choice(PLACEHOLDERS[field])}


def _happens(rate: float, rng: Random) -> bool:
    return rng.random() < rate
