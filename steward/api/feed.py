"""Tell a program what the runs did to customers, page by page from a cursor."""

import base64
import binascii
import json
from typing import Any, NamedTuple

from steward.desk.scope import Scoped
from steward.problem import Problem
from store.reading import Row, Snapshot

MOST, USUAL = 1_000, 200
"""Changes on a page."""


class Cursor(NamedTuple):
    """The last change that was read: all that follow come after it in the order of the feed."""

    run_id: str = ""
    customer_id: str = ""
    change: str = ""
    other: str = ""

    def __str__(self) -> str:
        """As programs keep it."""
        return base64.urlsafe_b64encode(json.dumps(self).encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """The cursor that a text is; the empty one is the beginning."""
    if not text:
        return Cursor()
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if len(parts) == len(Cursor._fields) and all(isinstance(part, str) for part in parts):
            return Cursor(*parts)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        pass
    raise Problem("not_asked_so", "Give the `next` of an answer as since, or leave it out.")


def changes_after(
    snapshot: Snapshot, cursor: Cursor, most: int, scope: Scoped
) -> tuple[list[dict[str, Any]], Cursor, bool]:
    """Changes after the cursor, where to go on, and whether there are more now.

    A reader of some campaigns is told of customers all of whose records are in scope: that another
    campaign's record changed somebody is not theirs to know.
    """
    limits = (
        ""
        if scope.is_all
        else "and c.customer_id in (select r.customer_id from crosswalk r group by r.customer_id "
        f"having coalesce(bool_and(coalesce({scope.sql}, false)), false))"
    )
    rows = snapshot.rows(
        f"""
        select run_id, customer_id, change, fields, other_customer_id from changes c
        where (run_id, customer_id, change, coalesce(other_customer_id, ''))
            > ($run_id, $customer_id, $change, $other) {limits}
        order by run_id, customer_id, change, coalesce(other_customer_id, '')
        limit {most + 1}""",
        scope.values | cursor._asdict(),
    )
    told = [_told(row, scope) for row in rows[:most]]
    return told, _cursor(rows[:most], cursor), len(rows) > most


def _told(row: Row, scope: Scoped) -> dict[str, Any]:
    """One change; whom else it was about may be out of scope."""
    other = row["other_customer_id"] if scope.is_all else None
    return {**row, "fields": row["fields"] or [], "other_customer_id": other}


def _cursor(rows: list[Row], before: Cursor) -> Cursor:
    if not rows:
        return before
    last = rows[-1]
    other = last["other_customer_id"] or ""
    return Cursor(last["run_id"], last["customer_id"], last["change"], other)
