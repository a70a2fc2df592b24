"""Tell a steward why a refused link is not theirs: too many records are behind it."""

from starlette.responses import Response

from steward.desk.cluster import shared_values
from steward.desk.seen import name_of, see_item
from steward.desk.visit import Visit


def large_page(visit: Visit, item_id: str) -> Response:
    """What the usual cause is, and the values that could be left out of matching."""
    with visit.desk.snapshots.reading() as snapshot:
        seen = see_item(snapshot, item_id, visit.actor, visit.desk.rulebook)
        one, other = seen.sides()
        return visit.page(
            "large.html",
            item_id=item_id,
            names=[name_of(row) for row in (one, other)],
            customers=[row["customer_id"] for row in (one, other)],
            limit=visit.desk.rulebook.queues.large.records,
            shared=shared_values(visit, snapshot, seen, one),
            may_ignore=visit.may("ignore", seen.resource()),
            run_id=snapshot.run_id,
        )
