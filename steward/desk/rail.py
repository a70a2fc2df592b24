"""The list beside the work: what waits, most urgent first, and the last decision with its undo."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from steward.desk.finding import founder_of
from steward.desk.sections import SECTIONS, Section
from steward.desk.seen import name_of
from steward.desk.visit import Visit
from steward.desk.words import how_long, plain
from steward.permission import may_ever
from store.reading import Row, Snapshot
from store.state.scope import Reader
from store.state.work import Given, Waiting, Work

LISTED = 14
NEAR = 40
"""So many of those that wait are looked at: the list, and what those beside have before them."""
MOST = 100
MOST_KNOWN = 20_000
SECOND, LATE, ASKED = "second", "late", "asked"
TABS: dict[str, Callable[[Work, Reader, tuple[str, ...], int], list[Waiting]]] = {
    SECOND: Work.second_looks,
    LATE: Work.past_due,
    ASKED: Work.asked,
}
"""The lists beside that of all that waits, by the word in the address."""


class Entry(NamedTuple):
    """One item of the list."""

    item_id: str
    title: str
    about: str
    age: str
    is_late: bool
    is_escalated: bool
    """Whether it was taken to an administrator because it is late."""
    priority: float
    """Impact times uncertainty, and what waiting has added."""
    share: int
    """The priority in hundredths of the highest that is listed."""
    holder: str | None
    """Who else has it before them."""
    until: datetime | None
    """When that ends, unless they do something."""
    is_current: bool


class Last(NamedTuple):
    """The last verdict of the one who asks, which they can take back."""

    given: Given
    title: str
    age: str


class Rail(NamedTuple):
    """The list as it is shown."""

    section: Section
    tab: str
    open_count: int
    second_count: int
    late_count: int
    asked_count: int
    """How many wait for an answer of the customer."""
    entries: list[Entry]
    batches: list[tuple[str, int]]
    """Answers to many that wait for a second person, and to how many."""
    last: Last | None
    done_today: int
    before: str | None
    after: str | None
    """The neighbours of the current item that nobody else has."""
    soon: list[str]
    """The items that will be handed out next, to anybody."""


def section_of(kind: str) -> Section:
    """Where items of a kind are worked."""
    return next(section for section in SECTIONS if kind in section.kinds)


def rail(visit: Visit, snapshot: Snapshot, section: Section, tab: str, current: str = "") -> Rail:
    """The list of a section around the current item."""
    work, kinds = visit.state.work, section.kinds
    waiting = work.waiting(visit.reader, kinds, NEAR)
    counts = visit.waiting()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    aside = work.aside(visit.reader, kinds, midnight, MOST)
    listed = _around(
        TABS[tab](work, visit.reader, kinds, MOST) if tab in TABS else waiting, current
    )
    last = work.last_given(visit.actor.name, kinds)
    names = [item.item_id for item in listed] + ([last.item_id] if last else [])
    titles = titles_of(snapshot, names, [item.item_id for item in waiting])
    now = datetime.now(UTC)
    entries = _entries(listed, titles, visit, current, now)
    at = next((at for at, entry in enumerate(entries) if entry.is_current), None)
    free = [entry if entry.holder is None else None for entry in entries]
    return Rail(
        section,
        tab,
        sum(counts.get(kind, 0) for kind in kinds),
        aside.second,
        aside.late,
        aside.asked,
        entries,
        work_at_once(visit, section, tab),
        Last(last, titles[last.item_id][0], _age(last.said_at, now)) if last else None,
        aside.given,
        _first([] if at is None else free[:at][::-1]),
        _first(free if at is None else free[at + 1 :]),
        [item.item_id for item in waiting if item.holder is None],
    )


def work_at_once(visit: Visit, section: Section, tab: str) -> list[tuple[str, int]]:
    """The answers to many of this section that wait for the second look of the one who asks."""
    is_theirs = tab == SECOND and "match" in section.kinds
    if not is_theirs or not may_ever(visit.actor, "bulk", visit.desk.rights):
        return []
    return visit.state.bulk.waiting(visit.reader, LISTED)


def titles_of(
    snapshot: Snapshot, item_ids: list[str], soon: list[str]
) -> dict[str, tuple[str, str]]:
    """What items are called in a list: who or what, and what is asked about them.

    One look into the tables costs about the same for many items as for one: where one is not known,
    those that will be listed `soon` are looked up with it.
    """
    if len(snapshot.known) > MOST_KNOWN:
        snapshot.known.clear()
    if not snapshot.known.keys() >= set(item_ids):
        new = [item_id for item_id in {*item_ids, *soon} if item_id not in snapshot.known]
        snapshot.known.update(_titles(snapshot, new))
    return {item_id: snapshot.known.get(item_id, (item_id, "settled")) for item_id in item_ids}


def _titles(snapshot: Snapshot, item_ids: list[str]) -> dict[str, tuple[str, str]]:
    items = snapshot.rows(
        "select item_id, kind, field, why, record_ids[1] as record_id, customer_ids, delivery_id, "
        "row_number from review_items where item_id = any($ids)",
        {"ids": item_ids},
    )
    names = _names(snapshot, items)
    files = _files(snapshot, [item["delivery_id"] for item in items if item["delivery_id"]])
    return {item["item_id"]: (_who(item, names, files), _about(item)) for item in items}


def _names(snapshot: Snapshot, items: list[Row]) -> dict[str, str]:
    """By record, the name of the first record of each item."""
    wanted = {item["record_id"] for item in items if item["record_id"]}
    founders = sorted(
        {founder_of(one) or 0 for item in items for one in item["customer_ids"] or ()}
    )
    if not wanted:
        return {}
    asked = {"founders": founders}
    named = snapshot.rows(
        "select founder, record_number, record_id from crosswalk where founder = any($founders)",
        asked,
    )
    fields = "first_name, last_name, company, email, phone"
    kept = snapshot.rows(
        f"select record_number, {fields} from record_values where founder = any($founders)", asked
    )
    images = snapshot.rows(
        f"select record, {fields} from plain_values where founder = any($founders) "
        "and is_one_record",
        asked,
    )
    said = {row["record_number"]: row for row in kept} | {row["record"]: row for row in images}
    return {
        row["record_id"]: name_of(said[row["record_number"]] | row)
        for row in named
        if row["record_id"] in wanted
    }


def _files(snapshot: Snapshot, delivery_ids: list[str]) -> dict[str, str]:
    if not delivery_ids:
        return {}
    rows = snapshot.rows(
        "select delivery_id, file_name from deliveries where delivery_id = any($ids)",
        {"ids": delivery_ids},
    )
    return {row["delivery_id"]: str(row["file_name"]).rpartition("/")[2] for row in rows}


def _who(item: Row, names: dict[str, str], files: dict[str, str]) -> str:
    if item["record_id"]:
        return names.get(item["record_id"], str(item["record_id"]))
    return files.get(item["delivery_id"], "delivery")


def _about(item: Row) -> str:
    if item["kind"] == "conflict":
        return plain(str(item["field"]))
    if item["kind"] == "quarantine":
        return f"row {item['row_number']}"
    if item["kind"] == "delivery":
        return "held delivery"
    if item["kind"] == "cluster":
        return plain(str(item["why"]))
    return "pair"


def _around(items: list[Waiting], current: str) -> list[Waiting]:
    """The first of the list, and the current one with them."""
    at = next((at for at, item in enumerate(items) if item.item_id == current), 0)
    start = max(0, at - LISTED + 4)
    return items[start : start + LISTED]


def _entries(
    items: list[Waiting],
    titles: dict[str, tuple[str, str]],
    visit: Visit,
    current: str,
    now: datetime,
) -> list[Entry]:
    order = visit.desk.rulebook.queues.order
    found = [max(order.priority_at(item.urgency, now), 0.0) for item in items]
    highest = max(found, default=1.0) or 1.0
    return [
        Entry(
            item.item_id,
            *titles[item.item_id],
            _age(item.opened_at, now),
            item.due_at < now,
            item.escalated_to == "administrator",
            priority,
            round(100 * priority / highest),
            None if item.holder == visit.actor.name else item.holder,
            item.until,
            item.item_id == current,
        )
        for item, priority in zip(items, found, strict=True)
    ]


def _age(since: datetime, now: datetime) -> str:
    return how_long((now - since).total_seconds())


def _first(entries: list[Entry | None]) -> str | None:
    return next((entry.item_id for entry in entries if entry is not None), None)
