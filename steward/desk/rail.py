"""The list beside the work: what waits, most urgent first, and the last decision with its undo."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from steward.desk.entry_item import entry_titles
from steward.desk.sections import SECTIONS, Section
from steward.desk.titles import titles_of
from steward.desk.visit import Visit
from steward.desk.words import how_long
from steward.permission import may_ever
from store.opened import Snapshot
from store.state.entries import ENTRY, is_entry
from store.state.given import Given
from store.state.scope import Reader
from store.state.work import Waiting, Work

LISTED = 14
NEAR = 40
"""So many of those that wait are looked at: the list, and what those beside have before them."""
MOST = 100
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
    staged = [item.item_id for item in waiting if not is_entry(item.item_id)]
    titles = titles_of(snapshot, [one for one in names if not is_entry(one)], staged)
    titles |= entry_titles(visit, names)
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
        [item.item_id for item in waiting if item.holder is None and item.kind != ENTRY],
    )


def work_at_once(visit: Visit, section: Section, tab: str) -> list[tuple[str, int]]:
    """The answers to many of this section that wait for the second look of the one who asks."""
    is_theirs = tab == SECOND and "match" in section.kinds
    if not is_theirs or not may_ever(visit.actor, "bulk", visit.desk.rights):
        return []
    return visit.state.bulk.waiting(visit.reader, LISTED)


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
