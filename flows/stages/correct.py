"""Correct: let rows in quarantine that a person has put right enter as they should have come.

A correction belongs to its row, which enters at its own place in its own delivery: what came after
it still comes after it, and a rebuild makes the same of it. A night lets in what was corrected
since the last one where nothing came after it; what reaches further back makes it a rebuild.
"""

import json
from typing import NamedTuple

import polars as pl

from flows.run import Run
from flows.stages.digests import with_digests
from rules.feed import Feed
from store.warehouse import Warehouse
from transforms.classify import ARRIVALS
from transforms.conform import conform
from transforms.resolve import ROW, Resolved

FAILS = "correction_mends_the_row"
"""The reason beside the others of a row that was corrected and still fails."""

_CELLS = ("row_number", "field", "value", "decision_id", "raw")


class Mended(NamedTuple):
    """Rows that could not enter, once what a person said of them is applied."""

    rows: pl.DataFrame
    """Those that can now, as `with_digests` gives rows."""
    quarantined: pl.DataFrame
    """The others."""
    cells: pl.DataFrame
    """What was applied: row_number, field, value, decision_id, raw."""


def mend(
    warehouse: Warehouse,
    quarantined: pl.DataFrame,
    delivered: pl.DataFrame,
    cells: pl.DataFrame,
    feed: Feed,
) -> Mended:
    """Apply `cells`, the corrections of this delivery, to rows that could not be read or known.

    quarantined: row_number, reasons, raw; delivered: all rows of the delivery that could be read.
    """
    said = _as_seen(warehouse, cells, quarantined.select("row_number", "raw"))
    numbers = said["row_number"].unique()
    base = conform(delivered.filter(pl.col("row_number").is_in(numbers.implode())), feed)
    base = quarantined.select("row_number", "raw").join(base, on="row_number", how="left")
    base = base.filter(pl.col("row_number").is_in(numbers.implode())).sort("row_number")
    raws = base.select("row_number", "raw")
    rows = with_digests(warehouse, corrected(base.drop("raw"), said, "row_number"), raws, feed)
    is_known = pl.col("source_key").is_not_null()
    unknown = rows.filter(~is_known)["row_number"]
    fails = pl.concat_list(pl.lit("row_has_a_source_key"), pl.lit(FAILS))
    rest = quarantined.filter(
        ~pl.col("row_number").is_in(numbers.implode())
        | pl.col("row_number").is_in(unknown.implode())
    ).with_columns(
        reasons=pl.when(pl.col("row_number").is_in(unknown.implode()))
        .then(fails)
        .otherwise("reasons")
    )
    return Mended(rows.filter(is_known), rest, said)


def seen_again(warehouse: Warehouse, texts: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """The corrections of rows that enter; texts: their cells, as quarantine would have them."""
    some = texts.filter(pl.col("row_number").is_in(cells["row_number"].implode()))
    return _as_seen(warehouse, cells, some.select("row_number", raw=raw_text()))


def raw_text() -> pl.Expr:
    """The row of a version as quarantine keeps it."""
    return pl.struct(pl.exclude("arrival")).struct.json_encode()


def corrected(rows: pl.DataFrame, cells: pl.DataFrame, key: str = "arrival") -> pl.DataFrame:
    """Rows of our columns with what a person said in place; cells: the key, field, value."""
    for field in cells["field"].unique().sort():
        said = cells.filter(pl.col("field") == field).select(key, _said="value", _is_said=True)
        before = pl.col(field) if field in rows.columns else pl.lit(None, pl.String)
        text = pl.when(pl.col("_said").str.strip_chars() != "").then("_said")
        value = pl.when(pl.col("_is_said")).then(text).otherwise(before)
        rows = (
            rows.join(said, on=key, how="left", maintain_order="left")
            .with_columns(value.alias(field))
            .drop("_said", "_is_said")
        )
    return rows


def enter_corrected(run: Run, warehouse: Warehouse, resolved: Resolved) -> int:
    """Let in the rows that failed their checks and were corrected since; how many."""
    if run.is_rebuild or resolved.corrections.is_empty():
        return 0
    found = warehouse.read(f"{_CORRECTED} where {_IS_LAST}", corrections=resolved.corrections)
    rows = found.unique("arrival", maintain_order=True)
    for (number,), some in rows.group_by("delivery_number", maintain_order=True):
        texts = pl.DataFrame([json.loads(raw) for raw in some["raw"]], infer_schema_length=None)
        known = some.select("arrival", "record_number", "received_at", "source")
        cells = texts.drop("record_number", "received_at", "source")
        strings = [pl.col(name).cast(pl.String) for name in cells.columns if name != "row_number"]
        pl.concat([known, cells.with_columns(strings)], how="horizontal").write_ipc(
            run.work / f"landed_{number:06d}_corrected.arrow",
            compat_level=pl.CompatLevel.newest(),
        )
    gone = rows.select("arrival")
    for table in ("std.records", "quarantine.records"):
        warehouse.execute(f"delete from {table} where arrival in (from gone)", gone=gone)
    warehouse.insert("change.versions", gone)
    keep_applied(warehouse, found)
    return rows.height


def keep_applied(warehouse: Warehouse, cells: pl.DataFrame) -> None:
    """Remember what was applied; cells: arrival, field, value, decision_id, raw."""
    columns = ("arrival", "field", "value", "decision_id", "raw")
    warehouse.insert("ingest.corrections", cells.select(columns))


def reaches_back(warehouse: Warehouse, before: Resolved, now: Resolved) -> bool:
    """Whether corrections changed since in a way that only a rebuild can follow.

    That is where one was taken back or added to, where its row could not be read at all, and where
    another version of its record has come since.
    """
    said, known = now.corrections, before.corrections
    if known.join(said, on=known.columns, how="anti").height:
        return True
    new = said.join(known, on=known.columns, how="anti")
    if new.join(known, on=list(ROW), how="semi").height:
        return True
    query = f"{_CORRECTED} where not coalesce({_IS_LAST}, false)"
    return warehouse.read(query, corrections=new).height > 0


_CORRECTED = f"""
select q.arrival, q.record_number, q.source, d.received_at, d.delivery_number, c.field, c.value,
    c.decision_id, q.raw
from (from corrections order by all) c join ingest.deliveries d on d.delivery_id = c.sha256
join quarantine.records q on q.arrival = d.delivery_number * {ARRIVALS} + c.row_number
    and sha256(q.raw) = c.seen and q.arrival not in (select arrival from ingest.corrections)
left join ingest.records r using (record_number)"""

_IS_LAST = "r.arrival = q.arrival"


def _as_seen(warehouse: Warehouse, cells: pl.DataFrame, raws: pl.DataFrame) -> pl.DataFrame:
    """The corrections of rows that are what the person saw, with the row as it came."""
    return warehouse.read(
        f"select {', '.join(_CELLS)} from cells join raws using (row_number) "
        "where sha256(raw) = seen order by all",
        cells=cells,
        raws=raws,
    )
