"""Show one customer: each golden value and why it is the one, and everything it stands on."""

from typing import Any, NamedTuple

from starlette.responses import Response

from steward.desk.around import (
    contact_points,
    decisions,
    events,
    items,
    links,
    related,
)
from steward.desk.behind import Behind, behind
from steward.desk.cards import name_of, title_of, values_of
from steward.desk.confirming import may_confirm
from steward.desk.finding import founder_of
from steward.desk.golden import Known, lines
from steward.desk.pages import Page
from steward.desk.refused import Refused, not_here
from steward.desk.scope import resource_of, scoped
from steward.desk.survivors import Values, stands
from steward.desk.visit import Visit, see_other
from steward.permission import may_ever
from store.opened import Row, Snapshot
from store.snapshot import kept_runs
from store.state.told import Told
from transforms.ignore import FIELDS


class Whole(NamedTuple):
    """A customer as the reader may see them, and what of the decision log is about them."""

    one: Behind
    values: Values
    told: list[Told]


def show_customer(visit: Visit) -> Response:
    """The golden record, as it is or as it was in an earlier snapshot that is kept."""
    founder = named_founder(visit)
    as_of = visit.request.query_params.get("as_of", "")
    with visit.desk.snapshots.reading() as snapshot:
        whole = known(visit, snapshot, founder)
        if whole is None:
            return _redirected(visit, snapshot, founder)
        visit.note("look", whole.one.customer_id, as_of[:10])
        if not as_of or as_of == snapshot.run_id:
            return _page(visit, snapshot, whole, snapshot)
        with visit.desk.snapshots.reading_old(as_of) as old:
            before = known(visit, old, founder)
            if before is None:
                raise Refused(
                    404,
                    "This customer was not there yet",
                    f"In the snapshot {as_of} there was no such customer for you.",
                    ("As it is now", f"/customers/{whole.one.customer_id}"),
                )
            return _page(visit, old, before._replace(told=[]), snapshot)


def named_founder(visit: Visit) -> int:
    """The founder of the customer that the address names."""
    founder = founder_of(visit.request.path_params["customer_id"])
    if founder is None:
        raise not_here()
    return founder


def known(visit: Visit, snapshot: Snapshot, founder: int) -> Whole | None:
    """The customer, unless none of the records is in the reader's scope."""
    scope = scoped(visit.actor, visit.desk.rights)
    one = behind(snapshot, [founder], scope).get(founder)
    if one is None:
        return None
    to_come = visit.state.entries.let_in_of(visit.reader.campaigns)
    told = decisions(snapshot, visit.state.told.about(one.ids), scope, frozenset(to_come))
    values = values_of(snapshot, {founder: one}, visit.desk.rulebook)[founder]
    return Whole(one, values, told)


def insist_known(visit: Visit, snapshot: Snapshot) -> Whole:
    """The customer that the address names; else there is nothing here for the reader."""
    whole = known(visit, snapshot, named_founder(visit))
    if whole is None:
        raise not_here()
    return whole


def _redirected(visit: Visit, snapshot: Snapshot, founder: int) -> Response:
    """Lead from an old name to the customer who has it now, if the reader may see that one."""
    asked = visit.request.path_params["customer_id"].strip().upper()
    row = snapshot.row(
        "select customer_id from redirects where old_customer_id = $asked", {"asked": asked}
    )
    target = founder_of(row["customer_id"]) if row else None
    if row is None or target is None or known(visit, snapshot, target) is None:
        raise not_here()
    return see_other(f"/customers/{row['customer_id']}?was={asked}")


def _page(visit: Visit, snapshot: Snapshot, whole: Whole, live: Snapshot) -> Response:
    one, rulebook = whole.one, visit.desk.rulebook
    scope = scoped(visit.actor, visit.desk.rights)
    points = contact_points(snapshot, one)
    by_value = {(row["kind"], row["value"]): row for row in points}
    resource = resource_of(one.records)
    waiting = items(snapshot, one, scope)
    since = snapshot.row("select max(started_at) as at from runs")
    facts: dict[str, Any] = {
        "one": one,
        "name": name_of(whole.values),
        "is_customer": stands(whole.values),
        "lines": lines(Known(one, whole.values, rulebook, by_value, whole.told)),
        "points": points,
        "held": links(snapshot, one, rulebook),
        "related": related(snapshot, one, scope, rulebook, points),
        "items": waiting,
        "waiting": {row["field"]: row for row in waiting if row["field"]},
        "events": events(snapshot, one, whole.told, rulebook),
        "pending": pending(whole.told, since),
        "old_ids": _old_ids(snapshot, one),
        "met_on": _met_on(one, points),
    }
    return visit.page(
        "customer.html",
        **facts,
        title_of=lambda source: title_of(source, rulebook),
        nights=_nights(visit, live),
        shown_run=snapshot.run_id,
        is_live=snapshot is live,
        was=visit.request.query_params.get("was", "")[:30],
        saved=visit.request.query_params.get("saved", "")[:20],
        started=visit.desk.runner.last() if visit.may("run", resource) else None,
        may={
            "run": snapshot is live and visit.may("run", resource),
            "open": may_ever(visit.actor, "comment", visit.desk.rights),
            "ignore": snapshot is live and visit.may("ignore", resource),
            "confirm": snapshot is live and may_confirm(visit) and visit.may("create", resource),
            "edit": snapshot is live and visit.may("create", resource),
            "unmerge": snapshot is live
            and len(one.records) > 1
            and one.is_whole
            and visit.may("unmerge", resource),
        },
    )


def pending(told: list[Told], since: Row | None) -> list[Told]:
    """What was decided and no run has obeyed yet."""
    if since is None or since["at"] is None:
        return []
    return [
        one for one in told if one.kind != "undo" and one.holds and one.decided_at > since["at"]
    ]


def _met_on(one: Behind, points: list[Row]) -> dict[tuple[str, str], tuple[str, str]]:
    """By kind and value, a record and field with a contact point that counts in matching."""
    said = {
        (contact, str(row[field])): (row["record_id"], field)
        for field, contact in FIELDS.items()
        for row in reversed(one.records)
        if row.get(field)
    }
    named = [(row["kind"], row["value"]) for row in points if row["usage"] != "ignored"]
    return {name: said[name] for name in named if name in said}


def _old_ids(snapshot: Snapshot, one: Behind) -> list[str]:
    """Names that lead here; whoever does not see all records is not told who else was joined."""
    if not one.is_whole:
        return []
    rows = snapshot.rows(
        "select old_customer_id from redirects where customer_id = $customer_id "
        "and why <> 'perhaps' order by old_customer_id",
        {"customer_id": one.customer_id},
    )
    return [row["old_customer_id"] for row in rows]


def _nights(visit: Visit, live: Snapshot) -> list[Row]:
    """The runs whose snapshots are kept, the newest first."""
    kept = kept_runs(visit.desk.settings)
    return live.rows(
        "select run_id, now from runs where run_id = any($kept) and run_id <= $live "
        "order by run_id desc",
        {"kept": kept, "live": live.run_id},
    )


PAGES = (Page("/customers/{customer_id}", show_customer, "see", is_search=True),)
