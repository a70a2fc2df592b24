"""Who lives in the simulated year, and what arrives of them each night: chance with a seed."""

import random
import re
from typing import NamedTuple

from tests.flows.builders import Cells, Company, person

FIRST = re.findall(
    r"\S+",
    "Margaret Robert Emily Carla Jürgen Priya Tom Aoife Samuel Ingrid Mateo Fatima Oliver Hannah "
    "Kwame Yuki Leonie Patrick Zofia Andrei Bianca Declan Esther Felix Grace Hugo Imogen Jasper",
)
LAST = re.findall(
    r"\S+",
    "Miller Stone Großmann Sharma Baker O'Brien Whitfield Lindqvist Ortega Haddad Penrose Vogel "
    "Mensah Tanaka Fischer Gallagher Nowak Popescu Romano Byrne Adeyemi Kessler Thornbury "
    "Marchetti Underhill Xanthos Yardley Zimmer Quarrington Ravenscroft",
)
PLACES = (
    ("LS1 4AP", "Leeds"), ("M1 1AE", "Manchester"), ("YO1 7HH", "York"), ("BA1 1SU", "Bath"),
    ("EH1 1YZ", "Edinburgh"), ("CF10 1EP", "Cardiff"), ("TR1 2HN", "Truro"),
    ("NE1 4ST", "Newcastle"),
)  # fmt: skip
QUIET = 7
"""In every seventh night nothing arrives."""
DUMP = 5
"""In every fifth night all members are sent."""


class Someone(NamedTuple):
    """A person: what is true of them now, and where they are known."""

    number: int
    cells: Cells
    is_partners: bool
    is_member: bool


class World:
    """People who join, move, change their numbers and leave."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.people: list[Someone] = []
        self.day = 0

    def deliver(self, company: Company, night: int) -> None:
        """Drop what arrives before a night."""
        self.day = night
        if night % QUIET == 0:
            return
        joined = [self._join() for _ in range(self.chance.choice((1, 2, 2, 3)))]
        changed = [self._change() for _ in range(self.chance.choice((0, 1, 2)))]
        forms = [self._form(one) for one in [*joined, *changed] if self.chance.random() < 0.7]
        if self.chance.random() < 0.15:
            forms.append("one,cell,too,few")
        if forms:
            company.drop("forms", forms, name=f"{night}")
        self._partner(company, [one for one in [*joined, *changed] if one.is_partners])
        if night % DUMP == 0:
            rows = [{"no": f"M{one.number}"} | one.cells for one in self.people if one.is_member]
            company.drop("members", rows, name=f"{night}")

    def _join(self) -> Someone:
        number = len(self.people) + 1
        first, last = self.chance.choice(FIRST), self.chance.choice(LAST)
        postcode, city = self.chance.choice(PLACES)
        one = Someone(
            number,
            person(
                first, last, email=f"{first}.{last}{number}@mail{number % 9}.org".lower().replace(
                    "'", "").replace("ü", "ue").replace("ß", "ss"),
                phone=f"07911 {number + 123400:06d}",
                born=f"{1940 + number % 60}-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
                postcode=postcode, city=city, news=self.chance.choice(("yes", "no", "")),
            ),
            is_partners=self.chance.random() < 0.6,
            is_member=self.chance.random() < 0.35,
        )  # fmt: skip
        self.people.append(one)
        return one

    def _change(self) -> Someone:
        """Somebody moves, has another number, says less, or is a member no longer."""
        place = self.chance.randrange(len(self.people))
        one = self.people[place]
        postcode, city = self.chance.choice(PLACES)
        change: Cells = self.chance.choice(
            (
                {"postcode": postcode, "city": city},
                {"phone": f"07911 {self.chance.randrange(600000, 700000)}"},
                {"news": self.chance.choice(("yes", "no"))},
                {"last": self.chance.choice(LAST)},
                {"email": ""},
            )
        )
        still = one.is_member and self.chance.random() < 0.9
        self.people[place] = one._replace(cells=one.cells | change, is_member=still)
        return self.people[place]

    def _form(self, one: Someone) -> Cells:
        """What somebody writes into a form: not always everything."""
        left_out = self.chance.choice(("", "", "phone", "born", "postcode", "city"))
        cells = {name: cell for name, cell in one.cells.items() if name != left_out}
        return cells | {"sent": f"2026-{self.day % 12 + 1:02d}-{self.day % 28 + 1:02d}"}

    def _partner(self, company: Company, told: list[Someone]) -> None:
        rows = [{"op": "upsert", "id": f"P{one.number}"} | one.cells for one in told]
        if self.people and self.chance.random() < 0.2:
            rows.append({"op": "delete", "id": f"P{self.chance.choice(self.people).number}"})
        if rows:
            company.drop("partner", rows, name=f"{self.day}")
