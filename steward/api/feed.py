"""Tell a program what the runs did to customers, page by page from a cursor."""

from typing import Any

from steward.problem import Problem
from store.changes import ORDER, Cursor, ForgottenError, refuse_gap
from store.opened import Row, Snapshot
from store.scoped import Scoped

MOST, USUAL = 1_000, 200
"""Changes on a page."""


def read_cursor(text: str) -> Cursor:
    """The cursor that a text is; the empty one is the beginning."""
    try:
        return Cursor.read(text)
    except ValueError as error:
        says = "Give the `next` of an answer as since, or leave it out."
        raise Problem("not_asked_so", says) from error


def changes_after(
    snapshot: Snapshot, cursor: Cursor, most: int, scope: Scoped
) -> tuple[list[dict[str, Any]], Cursor, bool]:
    """Changes after the cursor, where to go on, and whether there are more now.

    A reader of some campaigns is told of customers all of whose records are in scope: that another
    campaign's record changed somebody is not theirs to know.
    """
    _refuse_gap(snapshot, cursor)
    limits = (
        ""
        if scope.is_all
        else "and c.customer_id in (select r.customer_id from crosswalk r group by r.customer_id "
        f"having coalesce(bool_and(coalesce({scope.sql}, false)), false))"
    )
    rows = snapshot.rows(
        f"""
        select run_id, customer_id, change, fields, other_customer_id from changes c
        where ({ORDER}) > ($run_id, $customer_id, $change, $other) {limits} order by {ORDER}
        limit {most + 1}""",
        scope.values | cursor._asdict(),
    )
    told = [_told(row, scope) for row in rows[:most]]
    last = Cursor.at(rows[:most][-1]) if rows else cursor
    return told, last, len(rows) > most


def _refuse_gap(snapshot: Snapshot, cursor: Cursor) -> None:
    try:
        refuse_gap(lambda query, values: _values(snapshot.rows(query, dict(values))), cursor)
    except ForgottenError as error:
        says = (
            f"What the runs up to {error.until} did is not kept any more: start anew from a "
            "snapshot (all customers), then ask without since, which tells the oldest that is kept."
        )
        raise Problem("changes_gone", says) from error


def _values(rows: list[Row]) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in rows]


def _told(row: Row, scope: Scoped) -> dict[str, Any]:
    """One change; whom else it was about may be out of scope."""
    other = row["other_customer_id"] if scope.is_all else None
    return {**row, "fields": row["fields"] or [], "other_customer_id": other}
