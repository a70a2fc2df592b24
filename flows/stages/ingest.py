"""Ingest: read each delivery that has arrived, and tell what each of its rows is."""

from itertools import chain

import polars as pl

from flows.erasing.deliveries import redact
from flows.erasing.returned import returned_rows, watch_for
from flows.reading import Spool, find_columns, read_through
from flows.run import Counts, Run
from flows.stages.cells import compare_cells, keep_cells
from flows.stages.correct import enter_corrected, mend, seen_again
from flows.stages.digests import with_digests
from flows.stages.landed import Landed, Outcome, texts_of, write_landed, write_outcome
from rules.feed import Feed
from store.archive import Archive, Delivery
from store.erasures import Erasures
from store.files import remove_tree
from store.readers import DeliveryRefused, Reading
from store.warehouse import Warehouse
from transforms.classify import (
    classify_rows,
    keys_in,
    lost_deletes,
    no_withdrawals,
    withdrawn,
)
from transforms.conform import conform, misshapen
from transforms.resolve import Resolved


def ingest(run: Run, warehouse: Warehouse) -> Counts:
    """Take in every kept delivery that is not in the warehouse yet, in order of arrival."""
    archive = Archive(run.settings.raw)
    resolved = run.said
    total: Counts = {"deliveries": 0, "held": 0, "rows": 0}
    warehouse.execute("delete from change.versions")
    remove_tree(run.work)  # a rebuild that was given up had the same number and left half its files
    run.work.mkdir(parents=True, exist_ok=True, mode=0o700)
    total["corrected"] = enter_corrected(run, warehouse, resolved)
    for delivery in _waiting(run, warehouse, archive, resolved):
        counts = _take_in(run, warehouse, delivery, resolved)
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    return total


def _waiting(
    run: Run, warehouse: Warehouse, archive: Archive, resolved: Resolved
) -> list[Delivery]:
    """Deliveries that are new, and held ones whose release was decided since, by number."""
    states = dict(warehouse.read("select delivery_id, state from ingest.deliveries").iter_rows())
    verdicts = dict(resolved.deliveries.select("sha256", "verdict").iter_rows())
    waiting = []
    for delivery in list(archive.deliveries()):
        state = states.get(delivery.delivery_id)
        verdict = verdicts.get(delivery.delivery_id)
        if state is None:
            waiting.append(delivery)
        elif state in {"held", "refused"} and verdict == "release":
            if not _can_enter(run, delivery):
                continue
            warehouse.execute(
                f"delete from ingest.deliveries where delivery_id = '{delivery.delivery_id}'"
            )
            waiting.append(archive.renumber(delivery, run.now, run.run_id))
        elif state in {"held", "refused"}:
            now = "refused" if verdict == "refuse" else "held"
            warehouse.execute(
                f"update ingest.deliveries set state = '{now}' "
                f"where delivery_id = '{delivery.delivery_id}' and state <> '{now}'"
            )
    return sorted(waiting, key=lambda delivery: delivery.delivery_number)


def _can_enter(run: Run, delivery: Delivery) -> bool:
    """Whether a released delivery can be read; until then it keeps its place and its reason."""
    try:
        feed = _feed_of(run, delivery)
        spool = read_through(delivery, feed, run.settings.limits, run.work / "reading")
        find_columns(spool, feed, run.rulebook)
    except DeliveryRefused:
        return False
    return True


def _take_in(run: Run, warehouse: Warehouse, delivery: Delivery, resolved: Resolved) -> Counts:
    verdicts = dict(resolved.deliveries.select("sha256", "verdict").iter_rows())
    verdict = verdicts.get(delivery.delivery_id)
    try:
        feed = _feed_of(run, delivery)
        spool = _read(run, warehouse, delivery, feed)
        cells = resolved.corrections.filter(sha256=delivery.delivery_id)
        withdrawn = _withdrawals(warehouse, delivery, feed, spool, cells)
        if not (delivery.is_released or delivery.has_entered):
            _check_expectations(warehouse, feed, spool, withdrawn)
            _check_verdict(verdict)
        compare_cells(warehouse, delivery, feed, spool)
    except DeliveryRefused as refusal:
        state = "refused" if verdict == "refuse" else "held"
        write_outcome(warehouse, run, delivery, Outcome(state, refusal.reason, {}, []))
        return {"deliveries": 1, "held": int(state == "held")}
    total: Counts = {}
    for number, reading in enumerate(spool.parts()):
        landed = _land(warehouse, delivery, feed, reading, cells)
        if number == spool.count - 1:
            landed = _with_withdrawals(landed, withdrawn)
        write_landed(run, warehouse, delivery, landed, number)
        for name, count in landed.counts.items():
            total[name] = total.get(name, 0) + count
    keep_cells(warehouse, delivery, spool)
    write_outcome(warehouse, run, delivery, Outcome("taken_in", None, total, spool.notes))
    return {"deliveries": 1, **total}


def _read(run: Run, warehouse: Warehouse, delivery: Delivery, feed: Feed) -> Spool:
    """Read a delivery to its end; the rows of those who were erased are taken out of it first."""
    folder, limits = run.work / "reading", run.settings.limits
    spool = read_through(delivery, feed, limits, folder)
    find_columns(spool, feed, run.rulebook)
    watch = watch_for(run.erasures, delivery, Erasures(run.settings.raw), warehouse)
    rows = returned_rows(watch, delivery, feed, spool, run.rulebook.lookups)
    if not rows:
        return spool
    return read_through(redact(delivery, spool, rows), feed, limits, folder)


def _with_withdrawals(landed: Landed, withdrawn: pl.DataFrame) -> Landed:
    counts = landed.counts | {"withdrawn": withdrawn.height}
    return landed._replace(withdrawn=withdrawn, counts=counts)


def _feed_of(run: Run, delivery: Delivery) -> Feed:
    feed = run.rulebook.feeds.get(delivery.source)
    if feed is None:
        raise DeliveryRefused(
            f"there is no feed for the source {delivery.source} any more; put its folder back"
        )
    return feed


def _check_verdict(verdict: str | None) -> None:
    if verdict == "refuse":
        raise DeliveryRefused("refused by a decision")


def _check_expectations(
    warehouse: Warehouse, feed: Feed, spool: Spool, withdrawn: pl.DataFrame
) -> None:
    """Hold a delivery whose counts no person would expect."""
    expect, count = feed.expect, spool.row_count
    if expect.rows and not expect.rows[0] <= count <= expect.rows[1]:
        low, high = expect.rows
        raise DeliveryRefused(
            f"{count:,} rows, where {low:,} to {high:,} are expected; if it is right, release it"
        )
    if count and spool.unreadable > max(2, expect.quarantined_share * count):
        raise DeliveryRefused(
            f"{spool.unreadable:,} of {count:,} rows cannot be read; ask for the file again"
        )
    if withdrawn.height:
        live = warehouse.one(
            "select count(*) from ingest.records "
            f"where source = '{feed.source}' and not is_withdrawn"
        )
        if withdrawn.height > max(2, expect.withdrawn_share * live):
            raise DeliveryRefused(
                f"{withdrawn.height} of {live} records would be withdrawn, more than the "
                f"feed's limit of {expect.withdrawn_share:.0%}"
            )


def _land(
    warehouse: Warehouse, delivery: Delivery, feed: Feed, reading: Reading, cells: pl.DataFrame
) -> Landed:
    """Tell new, changed and unchanged rows apart; unreadable rows go to quarantine."""
    rows, quarantined = _digested(warehouse, feed, reading)
    corrections = None
    if cells.height:
        mended = mend(warehouse, quarantined, reading.rows, cells, feed)
        quarantined, corrections = mended.quarantined, mended.cells
        rows = pl.concat([rows, mended.rows], how="diagonal").select(rows.columns)
    known = _known(warehouse, feed, rows.select("source_key").unique())
    lost = lost_deletes(rows, known)
    lost = lost.filter(lost.is_in(reading.rows["row_number"].implode()))
    if len(lost):
        rows = rows.filter(~pl.col("row_number").is_in(lost.implode()))
        lost_rows = quarantine_rows(lost, reading.rows, "row_deletes_a_known_record")
        quarantined = pl.concat([quarantined, lost_rows])
    versions = classify_rows(rows, known, delivery.delivery_number, delivery.received_at)
    counts = _count(versions, quarantined, reading.row_count)
    is_repeat = pl.col("kind") == "unchanged"
    repeats = versions.filter(is_repeat).select("arrival", "record_number")
    fresh = versions.filter(~is_repeat).with_columns(source=pl.lit(feed.source))
    if corrections is not None:
        other = cells.join(corrections, on="row_number", how="anti")
        again = seen_again(warehouse, texts_of(fresh), other)
        corrections = pl.concat([corrections, again])
    return Landed(fresh, no_withdrawals(), quarantined, repeats, corrections, counts)


def _digested(
    warehouse: Warehouse, feed: Feed, reading: Reading
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that can be known, with what they are known by; and the others, for quarantine."""
    odd = misshapen(reading.rows, feed)
    delivered = reading.rows.filter(~pl.col("row_number").is_in(odd.implode()))
    rows = with_digests(warehouse, conform(delivered, feed), delivered, feed)
    keyless = rows.filter(pl.col("source_key").is_null())
    quarantined = pl.concat(
        [
            reading.rejects.select("row_number", pl.concat_list("reason").alias("reasons"), "raw"),
            quarantine_rows(odd, reading.rows, "row_nests_as_agreed"),
            quarantine_rows(keyless["row_number"], reading.rows, "row_has_a_source_key"),
        ]
    )
    return rows.filter(pl.col("source_key").is_not_null()), quarantined


def _known(warehouse: Warehouse, feed: Feed, keys: pl.DataFrame) -> pl.DataFrame:
    """The records of this feed that these keys name."""
    if warehouse.is_empty(f"ingest.records where source = '{feed.source}'"):
        keys = keys.clear()
    return warehouse.read(
        "select r.* from ingest.records r join keys using (source_key) "
        f"where r.source = '{feed.source}'",
        keys=keys,
    )


def quarantine_rows(numbers: pl.Series, rows: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Rows of text as quarantine keeps them: row_number, reasons, raw (JSON of the cells)."""
    if rows.width == 1:  # of a delivery whose every row is rejected, nothing names a column
        rows = rows.clear().with_columns(pl.lit(None, pl.String).alias("cell"))
    return rows.filter(pl.col("row_number").is_in(numbers.implode())).select(
        "row_number",
        reasons=pl.concat_list(pl.lit(reason)),
        raw=pl.struct(pl.exclude("row_number")).struct.json_encode(),
    )


def _withdrawals(
    warehouse: Warehouse, delivery: Delivery, feed: Feed, spool: Spool, cells: pl.DataFrame
) -> pl.DataFrame:
    """The records that a full dump no longer has; a key that a person gave it is there too.

    The keys are put aside part by part, so that a dump need not fit into memory.
    """
    live = f"where source = '{feed.source}' and not is_withdrawn"
    if feed.mode != "full" or warehouse.is_empty(f"ingest.records {live}"):
        return no_withdrawals()
    given = cells.filter(field="source_key")["value"].drop_nulls()
    warehouse.execute("create or replace temp table present (source_key varchar)")
    texts = (keys_in(rejected) for rejected in spool.reject_texts())
    for keys in chain([given], spool.values("source_key"), texts):
        if len(keys):
            warehouse.insert("present", keys.alias("source_key").to_frame())
    absent = warehouse.read(
        "select record_number, source_key, content_hash "
        f"from ingest.records anti join present using (source_key) {live}"
    )
    warehouse.execute("drop table present")
    return withdrawn(absent, delivery.delivery_number)


def _count(versions: pl.DataFrame, quarantined: pl.DataFrame, row_count: int) -> Counts:
    """Count rows by what they are; they add up to the rows there were (law 1)."""
    kinds = dict(versions["kind"].value_counts().iter_rows())
    counts = {f"{kind}": kinds.get(kind, 0) for kind in ("new", "changed", "unchanged", "deleted")}
    counts["quarantined"] = quarantined.height
    if sum(counts.values()) != row_count:
        raise AssertionError(f"{row_count} rows were read and {sum(counts.values())} accounted for")
    return {"rows": row_count, **counts}
