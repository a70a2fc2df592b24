"""Hypothesis strategies for the nights of the tiny company, and how such nights are lived through.

A row is three small numbers, so that a failing company shrinks to one that a person can read: who,
how badly written, and on which day. Ten people share what makes matching hard: a household's
phone, a family's mailbox, twins, a father and a son of one name.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from store.decisions import open_decisions
from tests.flows.builders import Cells, Company, person

MILLERS = {"postcode": "LS1 4AP", "city": "Leeds"}
STONES = {"postcode": "M1 1AE", "city": "Manchester"}
HOME_PHONE, HOME_MAIL = "0113 496 0000", "family@millers.org"
PEOPLE: tuple[Cells, ...] = (
    person(
        "Margaret", "Miller", email="margaret@millers.org", phone="07911 123401",
        born="1980-02-01", **MILLERS, news="yes",
    ),
    person(
        "Robert", "Miller", email="robert@millers.org", phone="07911 123402", born="1978-07-04",
        **MILLERS, news="no",
    ),
    person(
        "Robert", "Miller", email="rob.junior@mail.org", phone=HOME_PHONE, born="2004-09-12",
        **MILLERS,
    ),
    person("Emily", "Miller", email=HOME_MAIL, phone=HOME_PHONE, born="2006-01-30", **MILLERS),
    person(
        "Carla", "Stone", email="carla@stone.org", phone="0161 496 0001", born="1990-05-05",
        **STONES, news="yes",
    ),
    person(
        "Clara", "Stone", email="clara@stone.org", phone="0161 496 0001", born="1990-05-05",
        **STONES,
    ),
    person(
        "Jürgen", "Großmann", email="j.grossmann@post.de", phone="+49 30 901820",
        born="1969-11-09", postcode="10117", city="Berlin",
    ),
    person("Priya", "Sharma", email="priya.sharma@mail.org", phone="07911 123403"),
    person("Tom", "Baker", email="tom.baker@mail.org", born="1985-03-03", city="York"),
    person("Aoife", "O'Brien", phone="+353 1 800 0001", born="1972-12-24", city="Dublin"),
)  # fmt: skip
SHORT = {"Margaret": "Maggie", "Robert": "Bob", "Emily": "Em", "Carla": "Karla", "Tom": "Thomas"}
CORRECTIONS: tuple[Cells, ...] = (
    {"last_name": "Baker", "email": "tom.baker@mail.org"},
    {"first_name": "Maggie", "last_name": "Miller", "email": "m@millers.org", "source_key": "P7"},
    {"city": "Bath"},
    {"first_name": "Clara", "last_name": "Stone", "email": "", "source_key": "M5"},
    {"phone": "07911 123499", "source_key": "P99"},
)
KINDS = ("delivery", "answer", "answer", "same", "different", "value", "ignore", "undo")
"""What stewards do, as often as each is named."""
DAYS = ("2026-02-01", "2026-02-20", "2025-01-15")
WAYS = 14
"""How many ways there are in which a row may be written."""
Row = tuple[int, int, int]
RAGGED = "one,cell,too,few"


class Choice(NamedTuple):
    """What a steward does: a kind of decision, and two numbers that choose what about."""

    kind: str
    one: int
    other: int


class Planned(NamedTuple):
    """What arrives before one night and is decided after it."""

    forms: list[Row]
    partner: list[tuple[int, bool, Row]]
    """Key, whether it is a deletion, what the row says."""
    members: list[tuple[int, Row]] | None
    is_again: bool
    """Whether the first delivery of all arrives once more under another name."""
    choices: list[Choice]


def companies(nights: int) -> st.SearchStrategy[list[Planned]]:
    """Some nights, at least two."""
    row = st.tuples(st.integers(0, len(PEOPLE) - 1), st.integers(0, WAYS - 1), st.integers(0, 2))
    planned = st.builds(
        Planned,
        forms=st.lists(row, max_size=8),
        partner=st.lists(
            st.tuples(st.integers(1, 8), st.sampled_from([False, False, False, True]), row),
            max_size=8,
        ),
        members=st.none() | st.lists(st.tuples(st.integers(1, 6), row), max_size=7),
        is_again=st.booleans(),
        choices=st.lists(
            st.builds(
                Choice,
                st.sampled_from(KINDS),
                st.integers(0, 30),
                st.integers(0, 30),
            ),
            max_size=4,
        ),
    )
    return st.lists(planned, min_size=2, max_size=nights)


def some_company(seed: int) -> list[Planned]:
    """Three full nights, always the same for the same seed."""
    chance = random.Random(seed)

    def row() -> Row:
        way = chance.choice([0, 0, 0, *range(WAYS)])
        return (chance.randrange(len(PEOPLE)), way, chance.randrange(3))

    return [
        Planned(
            forms=[row() for _ in range(6)],
            partner=[(chance.randint(1, 8), chance.random() < 0.25, row()) for _ in range(6)],
            members=[(chance.randint(1, 6), row()) for _ in range(chance.randint(1, 6))],
            is_again=chance.random() < 0.3,
            choices=[
                Choice(chance.choice(KINDS), chance.randrange(31), chance.randrange(31))
                for _ in range(5)
            ],
        )
        for _ in range(3)
    ]


def live_through(
    company: Company, nights: list[Planned], check: Callable[[int], None] = lambda _: None
) -> None:
    """Run the nights one after the other, each followed by its decisions but for the last."""
    for number, planned in enumerate(nights, 1):
        deliver(company, number, planned)
        company.night(number)
        check(number)
        if number < len(nights):
            for choice in planned.choices:
                choose(company, choice)


def deliver(company: Company, number: int, planned: Planned) -> None:
    """Drop a night's deliveries."""
    if planned.forms:
        rows = [written(row) | {"sent": DAYS[row[2]]} for row in planned.forms]
        company.drop("forms", _broken(rows, planned.forms), name=f"{number}")
    if planned.partner:
        changes = [
            written(row) | {"id": f"P{key}", "op": "delete" if gone else "upsert"}
            | ({"changed": DAYS[row[2]]} if row[2] else {})
            for key, gone, row in planned.partner
        ]  # fmt: skip
        company.drop("partner", _keyless(changes, planned.partner), name=f"{number}")
    if planned.members is not None:
        members = [written(row) | {"no": f"M{key}"} for key, row in planned.members]
        company.drop("members", members, name=f"{number}")
    if planned.is_again:
        kept = sorted(company.settings.raw.glob("*/payload"))
        if kept:
            company.drop_file(f"forms/again{number}.csv", kept[0].read_text("utf-8"))


def written(row: Row) -> Cells:
    """Somebody as one of many ways of writing has it."""
    who, way, _ = row
    cells = dict(PEOPLE[who])
    if way in {1, 2, 3, 4}:
        cells.pop(("phone", "email", "born", "postcode")[way - 1], None)
    elif way == 5:
        cells["first"] = SHORT.get(cells["first"], cells["first"].upper())
    elif way == 6:
        cells |= {"postcode": "EH1 1YZ", "city": "Edinburgh"}
    elif way == 7:
        cells |= {"phone": HOME_PHONE, "email": HOME_MAIL}
    elif way == 8:
        cells = {"first": cells["first"], "last": cells["last"]}
    elif way == 9:
        cells = {"email": cells.get("email", HOME_MAIL)}
    elif way == 10:
        cells = {"city": cells.get("city", ""), "news": "no"}
    elif way == 11:
        cells |= {"first": "Test", "last": "Test", "email": "test@test.com"}
    elif way == 12:
        cells |= {"born": "1990-01-01", "last": cells["last"] + "s"}
    return cells


def choose(company: Company, choice: Choice) -> None:
    """Take a decision on what the current snapshot shows, if it shows anything to decide on."""
    if choice.kind in {"answer", "delivery"}:
        _answer(company, choice)
    elif choice.kind == "undo":
        last = decisions_so_far(company)
        if last:
            company.decide("undo", decision_id=choice.one % last + 1)
    elif choice.kind == "ignore":
        _ignore(company, choice)
    else:
        named = company.ask("select record_id from crosswalk order by 1")["record_id"].to_list()
        if len(named) > 1:
            one = named[choice.one % len(named)]
            other = named[(choice.one + 1 + choice.other % (len(named) - 1)) % len(named)]
            _say(company, choice, one, other)


def decisions_so_far(company: Company) -> int:
    """How many decisions the log has."""
    with open_decisions(company.settings.log_url) as log:
        return log.read().height


def _say(company: Company, choice: Choice, one: str, other: str) -> None:
    if choice.kind == "same":
        company.decide("same", records=[one, other])
    elif choice.kind == "different":
        company.decide("different", records=[one, other])
    else:
        field, value = (
            ("birth_date", "1975-05-05"),
            ("city", "Bath"),
            ("phone", "+442079460999"),
            ("consent_email", "false"),
        )[choice.other % 4]
        company.decide("value", records=[one], field=field, value=value)


def _ignore(company: Company, choice: Choice) -> None:
    """Leave what some record says in some field out of matching."""
    said = company.ask("select record_id as record, * from records order by record_id")
    values = company.values_of(said)
    if values.height:
        one = values.row(choice.one * 31 % values.height, named=True)
        company.decide("ignore", contact=one["contact"], digest=one["digest"],
                       records=[one["record"]])  # fmt: skip


def _answer(company: Company, choice: Choice) -> None:
    items = company.ask("from review_items order by item_id")
    if choice.kind == "delivery":
        items = items.filter(kind="delivery")
    if items.is_empty():
        return
    item = items.row(choice.one % items.height, named=True)
    yes = choice.other % 2 == 0
    if item["kind"] in {"match", "cluster"}:
        company.decide("same" if yes else "different", records=item["record_ids"])
    elif item["kind"] == "delivery":
        verdict = "refuse" if choice.other % 4 == 1 else "release"
        company.decide(verdict, sha256=item["delivery_id"])
    elif item["kind"] == "quarantine":
        _judge_row(company, item, choice.other)
    elif item["record_ids"][0] != item["record_ids"][1]:
        side = 0 if yes else 1
        company.decide(
            "value",
            records=item["record_ids"],
            field=item["field"],
            value=item["value"] if yes else item["rival_value"],
            record_id=item["record_ids"][side],
        )


def _judge_row(company: Company, item: dict[str, Any], other: int) -> None:
    """Leave a row in quarantine out, or say what it should have said, which may help or not."""
    row = {"sha256": item["delivery_id"], "row_number": item["row_number"]}
    if other % 4 == 0:
        company.decide("reject", **row)
    else:
        company.correct(item, **CORRECTIONS[other % len(CORRECTIONS)])


def _broken(rows: list[Cells], told: list[Row]) -> list[Cells | str]:
    """The rows, one of a kind in place of which a line stands that cannot be read."""
    return [RAGGED if way == 13 else cells for cells, (_, way, _) in zip(rows, told, strict=True)]


def _keyless(rows: list[Cells], told: list[tuple[int, bool, Row]]) -> list[Cells]:
    """The rows, those of one kind without their key."""
    return [
        cells | {"id": ""} if way == 13 else cells
        for cells, (_, _, (_, way, _)) in zip(rows, told, strict=True)
    ]
