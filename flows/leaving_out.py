"""Name the value that a record says, as a decision to leave it out of matching names it."""

import duckdb
import polars as pl

from flows.evidence import Row
from rules.decision import IgnoredValue
from rules.lookups import Lookups
from store.errors import TouchstoneError
from store.rulebook import read_lookups
from store.settings import Settings
from store.snapshot import open_snapshot
from transforms.ignore import FIELDS, among, ignored_of, key_values, with_digests


def value_of(settings: Settings, record_id: str, field: str) -> IgnoredValue:
    """What a record of the current snapshot says in a field."""
    if field not in FIELDS:
        raise TouchstoneError(
            f"{field} cannot be left out of matching; choose from {', '.join(FIELDS)}."
        )
    with open_snapshot(settings) as con:
        said = _said(con, [record_id])
    if said.is_empty():
        raise TouchstoneError(f"The current snapshot has no record {record_id}.")
    values = with_digests(key_values(said, read_lookups(settings.rules / "lookups")))
    found = values.filter(field=field)
    if found.is_empty():
        raise TouchstoneError(f"{record_id} says nothing in {field} that records are matched by.")
    one = found.row(0, named=True)
    return IgnoredValue(contact=one["contact"], digest=one["digest"], records=(record_id,))


def left_out_of(con: duckdb.DuckDBPyConnection, records: list[str], lookups: Lookups) -> list[Row]:
    """What of records a snapshot left out of matching: record_id, field, and who said so."""
    if not con.sql("from duckdb_tables() where table_name = 'ignored_values'").fetchall():
        return []  # of an earlier version
    told: pl.DataFrame = con.sql("from ignored_values").pl()
    values = key_values(_said(con, records), lookups)
    found = among(values, ignored_of(told)).join(told, on=["contact", "digest"])
    rows = found.select("record", "field", "decision_id", "decided_by", "because").sort(pl.all())
    return list(rows.rename({"record": "record_id"}).iter_rows(named=True))


def _said(con: duckdb.DuckDBPyConnection, records: list[str]) -> pl.DataFrame:
    found: pl.DataFrame = con.sql(
        "select record_id as record, email, email_2, phone, phone_2, address, postcode, city, "
        "country from records where record_id in (select unnest($1))",
        params=[records],
    ).pl()
    return found
