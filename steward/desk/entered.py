"""Show what becomes of an entry, and send codes to its contact points until a run has it."""

from starlette.responses import Response

from steward.desk.cards import spelt_name
from steward.desk.confirming import Confirmable, confirmable
from steward.desk.entry import feed_of_entries
from steward.desk.met import record_of
from steward.desk.pages import Page
from steward.desk.scope import resource_of
from steward.desk.spooled import record_to_come
from steward.desk.visit import Visit, see_other
from store.opened import Row


def show_entered(visit: Visit) -> Response:
    """The entry while it waits for a run; then its customer."""
    entry_id = visit.request.path_params["entry_id"][:80]
    saved = visit.request.query_params.get("saved", "")[:20]
    record_id = f"{feed_of_entries(visit).source}:{entry_id}"
    with visit.desk.snapshots.reading() as snapshot:
        known = record_of(snapshot, record_id)
    if known is not None and visit.may("see", resource_of([known])):
        return see_other(f"/customers/{known['customer_id']}{'?saved=' + saved if saved else ''}")
    record = None if known is not None else record_to_come(visit, record_id)
    if record is not None and not visit.may("create", resource_of([record])):
        record = None
    return visit.page(
        "entered.html",
        entry_id=entry_id,
        saved=saved,
        name=_name(record),
        points=_points(visit, record),
    )


def _points(visit: Visit, record: Row | None) -> list[tuple[Confirmable, bool]]:
    """Each contact point to which a code can be sent, and whether it is confirmed."""
    if record is None:
        return []
    told = visit.state.told.about([record["record_id"]])
    known = {one.subject["digest"] for one in told if one.kind == "confirm" and one.holds}
    return [(one, one.digest in known) for one in confirmable(visit, [record])]


def _name(record: Row | None) -> str:
    if record is None:
        return ""
    return spelt_name({field: str(text) for field, text in record.items() if text is not None})


PAGES = (Page("/customers/entered/{entry_id}", show_entered, "create"),)
