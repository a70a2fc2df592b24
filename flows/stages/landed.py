"""Write what became of a delivery and of each of its rows."""

from typing import NamedTuple

import polars as pl

from flows.run import Counts, Run
from flows.stages.correct import keep_applied
from store.archive import Delivery
from store.warehouse import Warehouse
from transforms.classify import ARRIVALS


class Outcome(NamedTuple):
    """What became of a delivery."""

    state: str
    """taken_in, held or refused."""
    reason: str | None
    counts: Counts
    notes: list[str]


class Landed(NamedTuple):
    """A delivery as it was taken in."""

    rows: pl.DataFrame
    """Versions that are new: arrival, record_number, our columns as text."""
    withdrawn: pl.DataFrame
    quarantined: pl.DataFrame
    repeats: pl.DataFrame
    """Rows that say what the version before them says: arrival, record_number."""
    corrections: pl.DataFrame | None
    """What persons said of its rows: row_number, field, value, decision_id, raw."""
    counts: Counts


def write_landed(
    run: Run, warehouse: Warehouse, delivery: Delivery, landed: Landed, part: int
) -> None:
    """Write versions, the records' current state and quarantine; leave the text for standardise."""
    number = delivery.delivery_number
    _leave(run, landed, f"{number:06d}_{part:06d}")
    if landed.corrections is not None:
        arrival = pl.lit(number * ARRIVALS, pl.Int64) + pl.col("row_number")
        keep_applied(warehouse, landed.corrections.with_columns(arrival=arrival))
    _write_versions(warehouse, delivery, landed)
    _write_state(warehouse, delivery, landed)
    warehouse.insert(
        "quarantine.records",
        landed.quarantined.with_columns(
            arrival=pl.lit(number * ARRIVALS, pl.Int64) + pl.col("row_number"),
            source=pl.lit(delivery.source),
            delivery_number=pl.lit(number, pl.Int64),
        ),
    )


def write_outcome(warehouse: Warehouse, run: Run, delivery: Delivery, outcome: Outcome) -> None:
    """Write what became of the delivery as a whole."""
    feed = run.rulebook.feeds.get(delivery.source)
    row = {
        "delivery_number": delivery.delivery_number,
        "delivery_id": delivery.delivery_id,
        "source": delivery.source,
        "channel": feed.channel if feed else None,
        "file_name": delivery.file_name,
        "received_at": delivery.received_at,
        "run_id": delivery.run_id,
        "state": outcome.state,
        "reason": outcome.reason,
        "byte_count": delivery.byte_count,
        "row_count": outcome.counts.get("rows"),
        **{
            f"{kind}_count": outcome.counts.get(kind)
            for kind in ("new", "changed", "unchanged", "deleted", "withdrawn", "quarantined")
        },
        "notes": outcome.notes,
    }
    schema: dict[str, pl.DataType] = {
        "notes": pl.List(pl.String),
        "reason": pl.String(),
        "channel": pl.String(),
    }
    warehouse.insert(
        "ingest.deliveries", pl.DataFrame([row], schema_overrides=schema, orient="row")
    )


def texts_of(rows: pl.DataFrame) -> pl.DataFrame:
    """The texts of new versions, as standardise takes them."""
    return rows.filter(~pl.col("is_withdrawn")).drop("is_withdrawn", "content_hash", "kind")


def _leave(run: Run, landed: Landed, name: str) -> None:
    """Leave for later stages what the new versions say, and which rows repeat others."""
    newest = pl.CompatLevel.newest()
    texts_of(landed.rows).write_ipc(run.work / f"landed_{name}.arrow", compat_level=newest)
    if landed.repeats.height:
        landed.repeats.write_ipc(run.work / f"repeated_{name}.arrow", compat_level=newest)


def _write_versions(warehouse: Warehouse, delivery: Delivery, landed: Landed) -> None:
    withdrawn = landed.withdrawn.select(
        "arrival",
        "record_number",
        received_at=pl.lit(delivery.received_at),
        is_withdrawn=pl.lit(value=True),
    )
    came = landed.rows.select("arrival", "record_number", "received_at", "is_withdrawn")
    versions = pl.concat([came, withdrawn], how="vertical_relaxed")
    warehouse.insert("ingest.versions", versions)
    warehouse.insert("change.versions", versions.select("arrival"))


def _write_state(warehouse: Warehouse, delivery: Delivery, landed: Landed) -> None:
    """Each record as its last version here left it."""
    columns = ["record_number", "source_key", "arrival", "content_hash", "is_withdrawn"]
    withdrawn = landed.withdrawn.with_columns(is_withdrawn=pl.lit(value=True))
    state = (
        pl.concat([landed.rows.select(columns), withdrawn.select(columns)])
        .sort("arrival")
        .unique("record_number", keep="last", maintain_order=True)
        .with_columns(source=pl.lit(delivery.source))
    )
    first = landed.rows.filter(pl.col("kind") == "new")["record_number"]
    is_new = pl.col("record_number").is_in(first.implode())
    warehouse.insert("ingest.records", state.filter(is_new))
    warehouse.replace("ingest.records", state.filter(~is_new), "record_number")
