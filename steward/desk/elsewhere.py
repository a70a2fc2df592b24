"""Say on an empty page where there is work, and when more will come."""

from datetime import UTC, datetime
from typing import NamedTuple

from steward.desk.leaving_out import HERE as LEFT_OUT
from steward.desk.leaving_out import waiting_for
from steward.desk.rail import ASKED, LATE, MOST, SECOND, Rail
from steward.desk.sections import sections_of
from steward.desk.visit import Visit
from store.nights import next_night
from store.opened import Snapshot


class Place(NamedTuple):
    """Where items wait that the one who asks may answer."""

    path: str
    waiting: int
    is_more: bool
    """Whether there are more than were counted."""
    says: str
    """What they are, after the number."""


class Elsewhere(NamedTuple):
    """What there is beside an empty list."""

    places: list[Place]
    skipped: int
    """Items of this section that the one who asks does not want for an hour."""
    next_night: datetime | None
    """None: nobody has said when nights begin."""
    last_night: datetime | None


def elsewhere(visit: Visit, snapshot: Snapshot, listed: Rail) -> Elsewhere:
    """The other lists of this section and the other sections, as far as something is there."""
    row = snapshot.row("select max(now) as at from runs")
    hour = visit.desk.settings.nightly_at
    return Elsewhere(
        [
            place
            for place in [*_beside(listed), *_sections(visit, listed), _left_out(visit, snapshot)]
            if place.waiting
        ],
        visit.state.work.skipped_count(visit.reader, listed.section.kinds, MOST),
        next_night(hour, datetime.now(UTC)) if hour else None,
        row["at"] if row else None,
    )


def _beside(listed: Rail) -> list[Place]:
    """The lists of the same section."""
    path = listed.section.path
    lists = (
        ("", listed.open_count, "open"),
        (SECOND, listed.second_count, "for a second look"),
        (LATE, listed.late_count, "past due"),
        (ASKED, listed.asked_count, "with customers"),
    )
    shown = [one for one in lists if one[0] != listed.tab]
    if not listed.tab:
        shown = [one for one in shown if one[0] == ASKED]  # what is open has the others in it
    return [
        Place(f"{path}?tab={tab}" if tab else path, count, bool(tab) and count >= MOST, says)
        for tab, count, says in shown
    ]


def _left_out(visit: Visit, snapshot: Snapshot) -> Place:
    """What somebody else wants to leave out of matching."""
    waiting = waiting_for(visit, snapshot)
    return Place(LEFT_OUT, waiting, is_more=False, says="to leave out of matching")


def _sections(visit: Visit, listed: Rail) -> list[Place]:
    return [
        Place(one.path, one.waiting or 0, is_more=False, says=f"in {one.title}")
        for one in sections_of(visit)
        if one.path != listed.section.path
    ]
