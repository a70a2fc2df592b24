"""Records are put into groups by hand, and what the page shows of it is what the next run makes."""

import html
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flows.nightly import nightly
from rules.decision import Different
from steward.desk.cards import name_of, published_values
from steward.desk.groups import MOST_GROUPS, names_of, split_of
from steward.desk.words import spoken
from store.rulebook import read_rulebook
from store.settings import Settings
from store.snapshot import open_snapshot
from store.state.scope import Reader
from tests.flows.builders import night_time, quiet
from tests.steward.desks import Office, Person, office
from tests.steward.test_desk import follow, say

CARD = re.compile(
    r'<bdi>(.*?)</bdi></b> <span class="mono">(.*?)</span>.*?<p class="quiet">(\d+) records?: '
    r"(.*?)</p>(.*?)</div>",
    re.DOTALL,
)


@pytest.fixture
def desk(seeded: Settings) -> Iterator[Office]:
    with office(seeded) as started:
        yield started


def numbers_of(page: str) -> list[str]:
    """The records of a page's table."""
    return re.findall(r'name="group_(\d+)" value="1"', page)


class Card(NamedTuple):
    """A customer as the page shows it."""

    name: str
    customer_id: str
    record_count: int
    records: str
    contacts: list[str]
    is_active: bool
    fits_others: bool


def cards_of(part: str) -> list[Card]:
    """Each customer that is shown."""
    return [
        Card(
            html.unescape(name),
            customer_id,
            int(count),
            records,
            [
                html.unescape(re.sub("<.*?>", "", one))
                for one in re.findall(r"<p><bdi>(.*?)</bdi></p>", rest)
            ],
            ">active<" in rest,
            "Also fits" in rest,
        )
        for name, customer_id, count, records, rest in CARD.findall(part)
    ]


def asked(settings: Settings, query: str) -> list[dict[str, Any]]:
    with open_snapshot(settings) as con:
        return con.sql(query).pl().to_dicts()


def grouping(settings: Settings) -> list[str]:
    """Links and pairs with three records or more behind them, no two about one customer."""
    items = asked(
        settings,
        "select item_id, customer_ids, (select count(*) from crosswalk c "
        "where list_contains(i.customer_ids, c.customer_id)) as n from review_items i "
        "where kind in ('match', 'cluster') and coalesce(why, '') <> 'sample' "
        "and len(customer_ids) = 2 order by n desc, item_id",
    )
    known: set[str] = set()
    found = []
    for item in items:
        if item["n"] > 2 and known.isdisjoint(item["customer_ids"]):
            known |= set(item["customer_ids"])
            found.append(item["item_id"])
    return found


def split(person: Person, item_id: str, groups: dict[str, str]) -> None:
    page = follow(person, f"/items/{item_id}?view=cluster")
    assert say(person, page, "split", **groups).status_code == 303


def test_what_the_groups_show_is_what_the_next_run_publishes(
    night_before: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(night_before, data, symlinks=True)
    settings, chance = Settings(data=data, threads=1), random.Random(7)
    shown: list[tuple[dict[str, str], list[Card]]] = []
    with office(settings) as desk:
        ann, bob = (desk.person(name, "administrator") for name in ("ann", "bob"))
        for item_id in grouping(settings):
            page = follow(ann, f"/items/{item_id}?view=cluster").text
            named = numbers_of(page)
            groups = {f"group_{one}": str(chance.randint(1, 3)) for one in named}
            if len(set(groups.values())) > 1:
                part = ann.post(f"/items/{item_id}/groups", **groups).text
                shown.append((groups, cards_of(part)))
                split(ann, item_id, groups)
                if desk.desk.state.work.find(Reader(bob.name, None), item_id) is not None:
                    split(bob, item_id, groups)

    nightly(settings, night_time(2), quiet)

    assert len(shown) > 12
    rulebook = read_rulebook(settings.rules)
    customers = {
        row["customer_id"]: published_values(row, rulebook)
        for row in asked(settings, "from golden_values join "
                         "(select distinct founder, customer_id from crosswalk) using (founder)")
    }  # fmt: skip
    homes = {
        str(row["record_number"]): row["customer_id"] for row in asked(settings, "from crosswalk")
    }
    told = [
        (card, {one[6:] for one, group in groups.items() if group == number})
        for groups, made in shown
        for number, card in zip(sorted(set(groups.values())), made, strict=True)
    ]
    sure = [(card, records) for card, records in told if not card.fits_others]
    assert len(sure) > 0.9 * len(told)
    for card, records in sure:
        assert {homes[record] for record in records} == {card.customer_id}
        assert card.record_count == sum(home == card.customer_id for home in homes.values())
        assert card.is_active == (card.customer_id in customers)
        if card.is_active:
            values = customers[card.customer_id]
            assert card.name == name_of(values)
            assert card.contacts == [
                spoken(values[field].value) for field in ("email", "phone") if field in values
            ]


def test_there_are_as_many_groups_as_digits(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    item_id = grouping(desk.desk.settings)[0]
    page = follow(ann, f"/items/{item_id}?view=cluster").text
    first = numbers_of(page)[0]
    groups = {f"group_{one}": str(1 + at % 9) for at, one in enumerate(numbers_of(page))}

    offered = re.findall(rf'name="group_{first}" value="(\d)"', page)
    apart = cards_of(ann.post(f"/items/{item_id}/groups", **groups).text)
    wrong = ann.post(f"/items/{item_id}/groups", **(groups | {f"group_{first}": "10"})).text

    assert offered == [str(number) for number in range(1, MOST_GROUPS + 1)]
    assert [card.record_count for card in apart] == [1] * min(9, len(groups))
    assert "Put each record into a group" in wrong
    assert cards_of(wrong) == []


def test_without_a_choice_the_groups_are_the_two_customers_as_they_are(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    item_id = grouping(desk.desk.settings)[0]

    made = cards_of(ann.get(f"/items/{item_id}/groups").text)

    (item,) = asked(
        desk.desk.settings, f"select customer_ids from review_items where item_id = '{item_id}'"
    )
    assert sorted(card.customer_id for card in made) == sorted(item["customer_ids"])
    assert all("keeps the id" in card.records for card in made)


def test_what_is_judged_blind_and_what_has_no_records_is_not_grouped(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    items = asked(
        desk.desk.settings,
        "select kind, item_id from review_items where why = 'sample' or kind in "
        "('quarantine', 'conflict') order by kind, item_id",
    )

    answers = {ann.get(f"/items/{item['item_id']}/groups").status_code for item in items[:200:9]}

    assert answers == {404}


def rows(*homes: tuple[int, int]) -> list[dict[str, Any]]:
    """Records with the founders of their customers."""
    return [
        {
            "record_number": number,
            "founder": founder,
            "record_id": f"crm:{number}",
            "customer_id": f"C0-{founder}",
        }
        for number, founder in homes
    ]


def test_groups_of_whole_customers_are_only_kept_apart() -> None:
    one, two, three = rows((1, 1), (2, 1), (3, 3))

    decided = split_of({"1": [one, two], "2": [three]})

    assert decided.different == Different(groups=(("crm:1", "crm:2"), ("crm:3",)))
    assert decided.joined == ()


def test_a_part_of_a_customer_is_held_together_and_one_record_need_not_be() -> None:
    one, two, three, four = rows((1, 1), (2, 1), (3, 1), (4, 4))

    decided = split_of({"1": [one, three], "4": [two], "9": [four]})

    assert [same.records for same in decided.joined] == [("crm:1", "crm:3")]


def test_the_first_record_of_a_customer_takes_its_id_along() -> None:
    one, two, three, four = records = rows((1, 1), (2, 1), (3, 3), (4, 3))

    named = names_of({"1": [one, three], "2": [two], "3": [four]}, records)

    assert named == {
        "1": ("C0-1", True, ("C0-3",)),
        "2": ("C0-2", False, ()),
        "3": ("C0-4", False, ()),
    }


def test_where_the_first_record_is_gone_the_next_carries_the_id() -> None:
    two, three = records = rows((2, 1), (3, 1))

    named = names_of({"1": [three], "2": [two]}, records)

    assert named == {"1": ("C0-3", False, ()), "2": ("C0-1", True, ())}
