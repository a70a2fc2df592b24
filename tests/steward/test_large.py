"""A link with too many records behind it is the administrators'; of many the weakest come first."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import steward.desk.cluster
from rules.queues import Large
from steward.desk.cluster import held_by
from steward.desk.seen import Seen
from store.queueing import queue_of, show_queue
from store.rulebook import read_rulebook
from store.settings import Settings
from store.snapshot import current_run, open_snapshot
from store.state.scope import Reader
from tests.steward.desks import Office, Person, office
from tests.steward.test_desk import follow, say
from tests.steward.test_groups import asked, grouping, numbers_of

MOST = 4
CAMPAIGNS = ("desk", "spring-2026", "loyalty", "insurance", "expo-2026", "renewals", "webinar-2026")
SAM = Reader("sam", frozenset(CAMPAIGNS))
SIZES = """
    select item_id, (select count(*) from crosswalk c
        where list_contains(i.customer_ids, c.customer_id)) as size
    from review_items i where kind = 'cluster' order by item_id"""


def show_with(settings: Settings, most: int) -> None:
    """Show the queue of the live run as it is where more records than these are too many."""
    rulebook = read_rulebook(settings.rules)
    queues = rulebook.queues.model_copy(update={"large": Large(records=most)})
    run_id = current_run(settings)
    assert run_id is not None
    with open_snapshot(settings) as con:
        items = queue_of(con, rulebook.feeds, queues)
    show_queue(settings, items, run_id, datetime.now(UTC), queues)


@pytest.fixture
def desk(seeded: Settings) -> Iterator[Office]:
    show_with(seeded, MOST)
    with office(seeded) as started:
        yield started


@pytest.fixture
def sam(desk: Office) -> Person:
    return desk.person("sam", "editor", CAMPAIGNS, ("data_steward",))


def large(desk: Office) -> list[str]:
    """The links in Sam's scope with more records behind them."""
    every = asked(desk.desk.settings, SIZES)
    queue = desk.desk.state.queue
    return [one["item_id"] for one in every
            if one["size"] > MOST and queue.is_in_scope(SAM, one["item_id"])]  # fmt: skip


def waiting(desk: Office, reader: Reader) -> set[str]:
    return {item.item_id for item in desk.desk.state.work.waiting(reader, ("cluster",), 500)}


def test_too_many_records_wait_for_administrators_alone(desk: Office) -> None:
    theirs, everybodys = waiting(desk, SAM), waiting(desk, Reader("ann", None))

    assert len(large(desk)) > 2
    assert theirs
    assert theirs.isdisjoint(large(desk))
    assert everybodys >= set(large(desk)) | theirs


def test_a_steward_is_told_why_and_led_to_the_value_that_many_share(
    desk: Office, sam: Person
) -> None:
    pages = {one: sam.get(f"/items/{one}") for one in large(desk)}
    leads = [one for one, page in pages.items() if "/left-out/new?record=" in page.text]

    assert {page.status_code for page in pages.values()} == {200}
    assert all("Too many records for one answer" in page.text for page in pages.values())
    assert leads
    assert not [one for one in pages if desk.desk.state.queue.holders().get(one)]


def test_an_administrator_works_it_as_any_other(desk: Office) -> None:
    ann = desk.person("ann", "administrator")

    page = follow(ann, f"/items/{large(desk)[0]}")

    assert "so it is the administrators" in page.text
    assert say(ann, page, "different").status_code == 303


def test_who_had_it_when_it_grew_decides_nothing(desk: Office, sam: Person) -> None:
    show_with(desk.desk.settings, 200)
    item_id = large(desk)[0]
    page = follow(sam, f"/items/{item_id}")

    show_with(desk.desk.settings, MOST)

    assert say(sam, page, "different").status_code == 409
    assert desk.desk.state.work.given(item_id) == []


def test_what_is_large_no_more_is_everybodys_and_what_was_escalated_stays_so(desk: Office) -> None:
    first, second, *_ = large(desk)
    desk.desk.state.queue.escalate(Reader("ann", None), second)

    show_with(desk.desk.settings, 200)

    assert first in waiting(desk, SAM)
    assert second not in waiting(desk, SAM)


def test_what_is_not_in_scope_is_not_told_of(desk: Office) -> None:
    eve = desk.person("eve", "editor", ("expo-2026",), ("data_steward",))

    reader = Reader("eve", frozenset({"expo-2026"}))
    answers = {
        eve.get(f"/items/{one}").status_code
        for one in large(desk)
        if not desk.desk.state.queue.is_in_scope(reader, one)
    }

    assert answers == {404}


def test_of_many_records_the_weakly_held_come_first_in_each_group(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steward.desk.cluster, "MOST", 3)
    ann = desk.person("ann", "administrator")
    shown = [
        follow(ann, f"/items/{one}?view=cluster").text for one in grouping(desk.desk.settings)[:9]
    ]
    long = [page for page in shown if len(numbers_of(page)) > 3 and "Held by" in page]

    assert long
    for page in long:
        for body in page.split("<tbody>")[1:2]:
            weights = weights_of(body)
            assert weights == sorted(weights, key=lambda one: (one[0], one[1]))


def weights_of(body: str) -> list[tuple[str, float]]:
    """Group and weight of each row of a table, without those that are asked about."""
    found = []
    for row in body.split("<tr ")[1:]:
        if 'class="asked"' not in row and "data-row" in row:
            told = row.split('data-l="Held by">')[-1].split("</td>")[0]
            group = row.split(" checked")[0][-2]
            weight = -1e9 if told == "no link" else float(told.replace("\u2212", "-"))
            found.append((group, weight))
    return found


def test_a_record_is_held_by_its_strongest_link_to_its_own_customer() -> None:
    homes = {1: "C0-1", 2: "C0-1", 3: "C0-3", 4: "C0-1"}
    records = [{"record_number": number, "customer_id": home} for number, home in homes.items()]
    pairs: list[dict[str, Any]] = [
        {"record_a": 1, "record_b": 2, "match_weight": 3.0},
        {"record_a": 1, "record_b": 4, "match_weight": -2.0},
        {"record_a": 1, "record_b": 3, "match_weight": 9.0},
    ]

    assert held_by(Seen({}, records, pairs, {})) == {1: 3.0, 2: 3.0, 4: -2.0}
