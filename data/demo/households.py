"""Invent the people, household by household: couples, twins, namesakes, flatmates, colleagues."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from demo.people import (
    COUNTRIES,
    NAMES,
    PLACES,
    Company,
    Home,
    Person,
    Register,
    common,
    local_part,
    move,
    new_email,
)

HOUSEHOLDS = {"single": 42, "couple": 24, "family": 13, "twins": 4, "namesakes": 4, "flatmates": 8}
"""How often each kind of household occurs."""


def make_people(count: int, register: Register, rng: Random) -> list[Person]:
    """Invent that many people, one household after the other."""
    companies = [_company(row, register, rng) for row in PLACES["companies"]["list"]]
    people: list[Person] = []
    number = 0
    while len(people) < count:
        number += 1
        people += _household(f"H{number:05}", len(people), register, companies, rng)
    return people[:count]


def _household(
    household_id: str, known: int, register: Register, companies: list[Company], rng: Random
) -> list[Person]:
    country = rng.choices(COUNTRIES, [PLACES[name]["weight"] for name in COUNTRIES])[0]
    home = move(country, register, rng)
    kind = rng.choices(list(HOUSEHOLDS), list(HOUSEHOLDS.values()))[0]
    people = [
        _with_contacts(replace(person, entity_id=f"P{known + at:06}"), register, companies, rng)
        for at, person in enumerate(_members(kind, household_id, country, home, rng), start=1)
    ]
    family_mail = len(people) > 1 and kind != "flatmates" and rng.random() < 0.2
    return _share_mail(people, register, rng) if family_mail else people


def _members(kind: str, household_id: str, country: str, home: Home, rng: Random) -> list[Person]:
    """Invent those who live there; parents are at least 22 years older than their children."""
    stranger = Person(
        "", household_id, country, "", "", None, (), date(1970, 1, 1), (home,), (), ()
    )  # fmt: skip
    year = rng.randint(1938, 2004)
    elder = _someone(stranger, year, rng)
    if kind == "single":
        return [elder]
    if kind == "flatmates":
        mates = [_someone(stranger, year + rng.randint(-3, 3), rng) for _ in range(2)]
        return [elder, *mates[: rng.randint(1, 2)]]
    elder = replace(elder, birth_date=_birthday(min(year, 1980), rng))
    spouse = _married(_someone(stranger, elder.birth_date.year, rng), elder, rng)
    if kind == "couple":
        return [elder, spouse]
    child = _child(elder, rng)
    if kind == "twins":
        twin = replace(_child(elder, rng), birth_date=child.birth_date)
        while twin.first_name == child.first_name:
            twin = replace(twin, first_name=common(NAMES[country][twin.gender], rng))
        return [elder, child, twin]
    if kind == "namesakes":
        child = replace(child, gender=elder.gender, first_name=elder.first_name)
    return [elder, spouse, child]


def _someone(stranger: Person, born: int, rng: Random) -> Person:
    gender = rng.choice(["female", "male"])
    return replace(
        stranger,
        gender=gender,
        first_name=common(NAMES[stranger.country][gender], rng),
        middle_name=_middle(stranger.country, rng),
        last_names=(_last_name(stranger.country, rng),),
        birth_date=_birthday(born, rng),
    )


def _child(elder: Person, rng: Random) -> Person:
    child = _someone(elder, elder.birth_date.year + rng.randint(22, 27), rng)
    return replace(child, last_names=elder.last_names[:1])


def _middle(country: str, rng: Random) -> str | None:
    has_one = country in ("GB", "US") and rng.random() < 0.3
    return rng.choice("ABCDEGHJLMPRST") if has_one else None


def _married(spouse: Person, elder: Person, rng: Random) -> Person:
    takes_name = spouse.country not in ("ES", "BR") and rng.random() < 0.7
    if not takes_name:
        return spouse
    return replace(spouse, last_names=(elder.last_names[0], *spouse.last_names))


def _with_contacts(
    person: Person, register: Register, companies: list[Company], rng: Random
) -> Person:
    emails = [new_email(person, register, rng) for _ in range(1 + (rng.random() < 0.35))]
    mobiles = [register.phone(person.country, "mobile") for _ in range(1 + (rng.random() < 0.25))]
    homes = list(person.homes)
    if rng.random() < 0.2:
        homes.append(move(person.country, register, rng))
    person = replace(
        person, emails=tuple(emails), mobiles=tuple(filter(None, mobiles)), homes=tuple(homes)
    )
    employers = [company for company in companies if company.country == person.country]
    if person.birth_date.year < 1956 or rng.random() < 0.45:
        return person
    company = rng.choice(employers)
    local = f"{local_part(person.first_name)}.{local_part(person.last_names[-1])}"
    return replace(
        person,
        company=company,
        job_title=common(PLACES["companies"]["jobs"], rng),
        work_email=register.email(local, company.domain),
    )


def _share_mail(people: list[Person], register: Register, rng: Random) -> list[Person]:
    first = people[0]
    domain = common(PLACES[first.country]["mail"], rng)
    shared = register.email(f"family.{local_part(first.last_names[0])}", domain)
    return [replace(person, emails=(shared, *person.emails)) for person in people]


def _company(row: tuple[str, str, str], register: Register, rng: Random) -> Company:
    name, domain, country = row
    office = replace(move(country, register, rng), landline=register.phone(country, "landline"))
    return Company(name, domain, country, office)


def _last_name(country: str, rng: Random) -> str:
    names: list[str] = NAMES[country]["last"]
    last = common(names, rng)
    if country == "ES":
        return f"{last} {common(names, rng)}"
    if country == "BR":
        return rng.choice([last, f"da {last}", f"{common(names, rng)} {last}"])
    if rng.random() < 0.6:
        return "".join(rng.choice(part) for part in NAMES[country]["rare"])
    return last


def _birthday(year: int, rng: Random) -> date:
    return date(year, 1, 1) + timedelta(days=rng.randrange(365))
