"""Read the records behind customers, no further than the reader's scope."""

from typing import NamedTuple

from steward.desk.scope import Scoped
from store.reading import Row, Snapshot
from store.schema import RECORD_FIELDS

_NAMED = "c.record_id, c.customer_id, c.source, c.source_key, c.campaign, c.is_active"


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
    """By founder, the records in scope; who has none is not there. `scope` is of rows r."""
    columns = set(snapshot.frame("select * from plain_values limit 0").columns)
    told = ", ".join(
        f"v.{field}" if field in columns else f"null as {field}" for field in RECORD_FIELDS
    )
    rows = snapshot.rows(
        f"""
        with c as (select * from crosswalk where founder = any($founders)),
        known as (
            select c.founder, c.record_number, {_NAMED}, v.received_at,
                {", ".join(f"v.{field}" for field in RECORD_FIELDS)}
            from (select * from record_values where founder = any($founders)) v
            join c using (founder, record_number)
            union all
            select c.founder, c.record_number, {_NAMED}, v.changed_at as received_at, {told}
            from (select * from plain_values where founder = any($founders) and is_one_record) v
            join c on c.founder = v.founder and c.record_number = v.record)
        select r.*, (select count(*) from c where c.founder = r.founder) as all_records
        from known r where {scope.sql} order by r.founder, r.record_number""",
        scope.values | {"founders": founders},
    )
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["founder"], []).append(row)
    return {
        founder: Behind(founder, some[0]["customer_id"], some, len(some) == some[0]["all_records"])
        for founder, some in found.items()
    }
