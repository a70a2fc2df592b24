"""Tell what became of each delivery, and let a held one in or refuse it.

A delivery mixes the records of its source. So somebody who is limited to campaigns sees those of
the sources all of whose records are in scope, and no others. Rows in quarantine are shown by their
shape.
"""

import re
from uuid import uuid4

from starlette.responses import Response

from rules.decision import Delivery, NewDecision
from rules.feed import FIELDS
from rules.quality import Check
from steward.desk.pages import Page
from steward.desk.refused import Refused, not_here
from steward.desk.scope import scoped
from steward.desk.visit import Visit, see_other
from steward.permission import Resource
from store.opened import Row, Snapshot
from store.scorecard import whole_sources
from transforms.mask import cells, plain_words

MOST = 200
EXAMPLES = 3
SHORTEST_REASON = 3
COUNTS = ("new", "changed", "unchanged", "deleted", "withdrawn", "quarantined")


def show_deliveries(visit: Visit) -> Response:
    """The newest deliveries, held ones first; and what is in quarantine, by reason."""
    with visit.desk.snapshots.reading() as snapshot:
        sources = sources_in_scope(visit, snapshot)
        rows = snapshot.rows(
            "select * from deliveries where $all or source = any($sources) "
            f"order by state <> 'held', received_at desc, delivery_number desc limit {MOST}",
            _limit(sources),
        )
        reasons = snapshot.rows(
            """
            select reason, source, count(*) as rows
            from (select unnest(reasons) as reason, source from quarantine
                where $all or source = any($sources))
            group by all order by rows desc, reason, source limit 100""",
            _limit(sources),
        )
    feeds = {source: feed.title for source, feed in visit.desk.rulebook.feeds.items()}
    told = [row | {"says": _check(visit, row["reason"]).says} for row in reasons]
    return visit.page("deliveries.html", rows=rows, reasons=told, feeds=feeds)


def show_delivery(visit: Visit) -> Response:
    """One delivery: its counts, the reasons for quarantine and a few rows by their shape."""
    return _page(visit)


def decide_delivery(visit: Visit) -> Response:
    """Release or refuse a held delivery."""
    verdict = visit.form.get("verdict", "")
    with visit.desk.snapshots.reading() as snapshot:
        row = _named(visit, snapshot)
        run_id = snapshot.run_id
    visit.insist("decide", Resource())
    if verdict not in {"release", "refuse"}:
        raise Refused(422, "Release or refuse?", "Choose one of the two.", _way(row))
    because = visit.form.get("because", "").strip()[:1_000]
    if len(because) < SHORTEST_REASON:
        return _page(visit, "Say why: the sender may ask.", 422)
    stored = visit.state.decisions.add(
        NewDecision(
            decided_by=visit.actor.name,
            kind="release" if verdict == "release" else "refuse",
            subject=Delivery(sha256=row["delivery_id"]),
            because=because.replace("\0", ""),
            snapshot_run_id=run_id,
            idempotency_key=f"desk-{visit.form.get('key') or uuid4()}"[:200],
        )
    )
    visit.note(verdict, row["delivery_id"][:12], f"decision {stored.decision_id}")
    return see_other(f"/deliveries/{row['delivery_number']}?saved=yes")


def sources_in_scope(visit: Visit, snapshot: Snapshot) -> list[str] | None:
    """The sources all of whose records the reader may see; none means: every source."""
    scope = scoped(visit.actor, visit.desk.rights)
    if scope.is_all:
        return None
    return whole_sources(snapshot.rows, scope)


def _page(visit: Visit, wrong: str = "", status: int = 200) -> Response:
    with visit.desk.snapshots.reading() as snapshot:
        row = _named(visit, snapshot)
        feed = visit.desk.rulebook.feeds.get(row["source"])
        known = frozenset(
            [*FIELDS, *(feed.columns if feed else ()), *(feed.ignore if feed else ())]
        )
        reasons = _reasons(visit, snapshot, row["delivery_id"], known)
    return visit.page(
        "delivery.html",
        status,
        row=row,
        feed=feed.title if feed else row["source"],
        owner=feed.owner if feed else "",
        counts=[(name, row[f"{name}_count"] or 0) for name in COUNTS],
        reason=plain_words(row["reason"], known) if row["reason"] else "",
        notes=[plain_words(note, known) for note in row["notes"] or ()],
        reasons=reasons,
        wrong=wrong,
        because=visit.form.get("because", ""),
        key=str(uuid4()),
        saved=visit.request.query_params.get("saved", ""),
        may_decide=row["state"] == "held" and visit.may("decide", Resource()),
    )


def _named(visit: Visit, snapshot: Snapshot) -> Row:
    number = visit.request.path_params["delivery_number"]
    if not re.fullmatch("[0-9]{1,9}", number):
        raise not_here()
    row = snapshot.row(
        "select * from deliveries where delivery_number = $number "
        "and ($all or source = any($sources))",
        _limit(sources_in_scope(visit, snapshot)) | {"number": int(number)},
    )
    if row is None:
        raise not_here()
    return row


def _limit(sources: list[str] | None) -> Row:
    return {"all": sources is None, "sources": sources or [""]}


def _reasons(
    visit: Visit, snapshot: Snapshot, delivery_id: str, known: frozenset[str]
) -> list[Row]:
    """Per reason: how many rows, what it means, what to do, and a few rows by their shape."""
    rows = snapshot.rows(
        f"""
        with those as (
            select unnest(reasons) as reason, row_number, left(raw, 20000) as raw
            from quarantine where delivery_id = $delivery_id)
        select reason, count(*) as rows,
            list(struct_pack(row_number, raw) order by row_number)[:{EXAMPLES}] as examples
        from those group by reason order by rows desc, reason""",
        {"delivery_id": delivery_id},
    )
    return [_reason(visit, row, known) for row in rows]


def _reason(visit: Visit, row: Row, known: frozenset[str]) -> Row:
    check = _check(visit, row["reason"])
    examples = [
        {"row_number": one["row_number"], "cells": cells(one["raw"] or "", known)}
        for one in row["examples"]
    ]
    return {"rows": row["rows"], "says": check.says, "do": check.do, "examples": examples}


def _check(visit: Visit, name: str) -> Check:
    quality = visit.desk.rulebook.quality
    unknown = Check(says=name.replace("_", " "), do="Ask what is meant.")
    return (quality.faults | quality.checks).get(name, unknown)


def _way(row: Row) -> tuple[str, str]:
    return ("Back to the delivery", f"/deliveries/{row['delivery_number']}")


PAGES = (
    Page("/deliveries", show_deliveries, "see"),
    Page("/deliveries/{delivery_number}", show_delivery, "see"),
    Page("/deliveries/{delivery_number}", decide_delivery, "decide", "POST"),
)
