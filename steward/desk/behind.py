"""Read the records behind customers, no further than the reader's scope."""

from typing import NamedTuple

from store.opened import Row, Snapshot
from store.schema import RECORD_FIELDS
from store.scoped import Scoped


class Behind(NamedTuple):
    """The records of one customer that a reader may see."""

    founder: int
    customer_id: str
    records: list[Row]
    """As they stand, in order of arrival; never empty."""
    is_whole: bool
    """Whether these are all records of the customer."""

    @property
    def numbers(self) -> list[int]:
        """Their arrival numbers."""
        return [row["record_number"] for row in self.records]

    @property
    def ids(self) -> list[str]:
        """Their names."""
        return [row["record_id"] for row in self.records]


def behind(snapshot: Snapshot, founders: list[int], scope: Scoped) -> dict[int, Behind]:
    """By founder, the records in scope; who has none is not there. `scope` is of rows r.

    The tables are put together here and not in a query: each is asked for some founders, which is
    a look at a few of its pages, and a join of the views would read them whole.
    """
    named = crosswalk(snapshot, founders, scope)
    values = said_by(snapshot, list(named))
    found = {}
    for founder, rows in named.items():
        seen = [row for row in rows if row["in_scope"] and row["record_number"] in values]
        records = [{**row, **values[row["record_number"]]} for row in seen]
        if records:
            found[founder] = Behind(
                founder, records[0]["customer_id"], records, len(records) == len(rows)
            )
    return found


def crosswalk(snapshot: Snapshot, founders: list[int], scope: Scoped) -> dict[int, list[Row]]:
    """By founder, all records' names in order, each with whether it is in scope."""
    rows = snapshot.rows(
        f"""
        select r.*, {scope.sql} as in_scope from crosswalk r
        where r.founder = any($founders) order by r.founder, r.record_number""",
        scope.values | {"founders": founders},
    )
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["founder"], []).append(row | {"in_scope": bool(row["in_scope"])})
    return found


def said_by(snapshot: Snapshot, founders: list[int]) -> dict[int, Row]:
    """By record, what it says: itself, or the plain customer who is its image."""
    asked = {"founders": founders}
    kept = snapshot.rows("select * from record_values where founder = any($founders)", asked)
    images = snapshot.rows(
        "select * from plain_values where founder = any($founders) and is_one_record", asked
    )
    found = {row["record_number"]: row for row in kept}
    for row in images:
        said = {field: row.get(field) for field in RECORD_FIELDS}
        times = {"received_at": row["changed_at"], "updated_at": row.get("updated_at")}
        found[row["record"]] = times | said
    return found
