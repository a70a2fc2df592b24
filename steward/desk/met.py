"""Know the values of records that can be left out of matching, and whom that reaches."""

from typing import NamedTuple

import polars as pl

from steward.desk.behind import said_by
from steward.desk.scope import resource_of
from steward.permission import Resource
from store.opened import Row, Snapshot
from store.rulebook import Rulebook
from transforms.ignore import FIELDS, key_values, with_digests

CALLED = {"email": "e-mail address", "phone": "phone number", "address": "address"}


class Said(NamedTuple):
    """A value where somebody met it."""

    record: Row
    field: str
    contact: str
    digest: str
    text: str

    @property
    def called(self) -> str:
        """What kind of value it is, in words."""
        return CALLED[self.contact]


def values_said(records: list[Row], rulebook: Rulebook) -> list[Said]:
    """The values of records that can be left out of matching."""
    by_id = {row["record_id"]: row for row in records}
    columns = (*FIELDS, "postcode", "city", "country")
    rows = [
        {"record": row["record_id"]} | {name: row.get(name) for name in columns} for row in records
    ]
    schema = dict.fromkeys(("record", *columns), pl.String)
    values = with_digests(key_values(pl.DataFrame(rows, schema=schema), rulebook.lookups))
    return [
        Said(by_id[row["record"]], row["field"], row["contact"], row["digest"], _text(by_id, row))
        for row in values.iter_rows(named=True)
    ]


def record_of(snapshot: Snapshot, record_id: str) -> Row | None:
    """A record with what it says."""
    named = snapshot.row("select * from crosswalk where record_id = $id", {"id": record_id})
    if named is None:
        return None
    said = said_by(snapshot, [named["founder"]]).get(named["record_number"])
    return None if said is None else named | said


def holders(snapshot: Snapshot, said: Said) -> list[int]:
    """The founders of all customers who have the value, spelt like this."""
    if said.contact == "address":
        rows = snapshot.rows(
            "select distinct founder from records where address = $address "
            "and postcode is not distinct from $postcode order by founder",
            {name: said.record.get(name) for name in ("address", "postcode")},
        )
    else:
        rows = snapshot.rows(
            "select distinct founder from contact_values where kind = $kind and value = $value "
            "order by founder",
            {"kind": said.contact, "value": said.text},
        )
    return [row["founder"] for row in rows]


def reach(snapshot: Snapshot, said: Said) -> Resource:
    """All that leaving the value out reaches: the campaigns of everybody who has it."""
    rows = snapshot.rows(
        "select distinct campaign, source from crosswalk where founder = any($founders)",
        {"founders": holders(snapshot, said)},
    )
    return resource_of(rows)


def _text(by_id: dict[str, Row], value: Row) -> str:
    row = by_id[value["record"]]
    fields = ("address", "postcode", "city") if value["field"] == "address" else (value["field"],)
    return ", ".join(str(row[name]) for name in fields if row.get(name))
