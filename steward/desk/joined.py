"""Show what joined customers by itself in the last run: what contradicted nothing, and was not
asked about, and what a rule chose.

Told are customers of whom the reader sees every record: what a run changed follows from all.
"""

from datetime import datetime
from typing import NamedTuple

from starlette.responses import Response

from steward.desk.behind import Behind, behind
from steward.desk.cards import name_of, values_of
from steward.desk.golden import TITLES, WHY, sources
from steward.desk.numbered import shown
from steward.desk.pages import Page
from steward.desk.scope import scoped
from steward.desk.survivors import Values, as_text
from steward.desk.visit import Visit
from steward.desk.words import plain, yes_or_no
from store.opened import Snapshot

MOST = 300
"""Customers that are looked through."""
STEWARD = "steward"
_WHY = WHY | {"only_value": "its source says so now"}


class Joined(NamedTuple):
    """A value that a customer has since the last run."""

    customer_id: str
    name: str
    title: str
    value: str
    sources: list[str]
    before: str
    """What stood there; empty where nothing did."""
    why: str
    """Which rule chose it where something stood there."""


class Night(NamedTuple):
    """What joined in the last run."""

    run_id: str
    additions: list[Joined]
    replaced: list[Joined]
    is_more: bool
    """Whether there were more customers than are looked through."""


def show_joined(visit: Visit) -> Response:
    """All that joined in the last run."""
    with visit.desk.snapshots.reading() as snapshot:
        night, run_id = joined(visit, snapshot), snapshot.run_id
        return visit.page("joined.html", night=night, most=MOST, run_id=run_id)


def joined(visit: Visit, snapshot: Snapshot) -> Night:
    """What joined in the last run, as far as the reader may know."""
    ran = snapshot.row("select now from runs where run_id = $run", {"run": snapshot.run_id})
    if ran is None:
        return Night(snapshot.run_id, [], [], is_more=False)
    changed, points = _changed(snapshot), _points(snapshot, ran["now"])
    founders = sorted({*changed, *points})
    scope = scoped(visit.actor, visit.desk.rights)
    seen = behind(snapshot, founders[:MOST], scope)
    known = {founder: one for founder, one in seen.items() if one.is_whole}
    values = values_of(snapshot, known, visit.desk.rulebook)
    before = _before(snapshot, list(known), ran["now"])
    found = []
    for founder, one in known.items():
        said = values[founder]
        for field in changed.get(founder, ()):
            if field in said and said[field].decided_by != STEWARD:
                was = before.get((founder, field), "")
                found.append(_told(visit, one, said, (field, said[field].value, was)))
        for kind, value in points.get(founder, ()):
            found.append(_told(visit, one, said, (kind, value, "")))
    return Night(
        snapshot.run_id,
        [one for one in found if not one.before],
        [one for one in found if one.before],
        is_more=len(founders) > MOST,
    )


def _told(visit: Visit, one: Behind, said: Values, found: tuple[str, str, str]) -> Joined:
    """found: the field, its value, and what stood before."""
    field, value, before = found
    fields = (field, f"{field}_2")
    rows = [row for row in one.records if value in {as_text(row.get(name)) for name in fields}]
    title = TITLES.get(field, plain(field).capitalize())
    kinds = visit.desk.rulebook.number_kinds
    by = said[field].decided_by if field in said else ""
    return Joined(
        one.customer_id,
        name_of(said),
        title,
        shown(field, yes_or_no(value), kinds),
        sources(rows, visit.desk.rulebook),
        shown(field, yes_or_no(before), kinds),
        _WHY.get(by, plain(by)) if before else "",
    )


def _changed(snapshot: Snapshot) -> dict[int, list[str]]:
    """By founder, the golden fields that came out otherwise than before."""
    rows = snapshot.rows(
        "select x.founder, c.fields from changes c join (select distinct founder, customer_id "
        "from crosswalk) x using (customer_id) where c.run_id = $run and c.change = 'changed' "
        f"order by x.founder limit {MOST + 1}",
        {"run": snapshot.run_id},
    )
    return {row["founder"]: row["fields"] for row in rows}


def _points(snapshot: Snapshot, since: datetime) -> dict[int, list[tuple[str, str]]]:
    """By founder, further e-mail addresses and numbers of customers who were there before."""
    rows = snapshot.rows(
        "select c.founder, c.kind, c.value from contact_values c join golden_values g "
        "using (founder) where c.first_seen_at >= $since and not c.is_primary "
        f"and g.first_seen_at < $since order by c.founder, c.kind, c.value limit {MOST + 1}",
        {"since": since},
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(row["founder"], []).append((row["kind"], row["value"]))
    return found


def _before(snapshot: Snapshot, founders: list[int], since: datetime) -> dict[tuple[int, str], str]:
    """By founder and field, the value that stood until this run."""
    rows = snapshot.rows(
        "select founder, field, value from closed_periods where founder = any($founders) "
        "and valid_to >= $since order by valid_to",
        {"founders": founders, "since": since},
    )
    return {(row["founder"], row["field"]): row["value"] for row in rows}


PAGES = (Page("/joined", show_joined, "decide_conflict"),)
