"""Validate: send good records on and the others to quarantine."""

import polars as pl

from flows.run import Counts, Run
from flows.stages.correct import FAILS, raw_text
from flows.stages.deliverability import look_up_domains
from flows.stages.ignored import touch_holders
from rules.schemas import RECORD
from store.warehouse import Warehouse
from transforms.classify import ARRIVALS
from transforms.validate import is_active, validate


def validate_records(run: Run, warehouse: Warehouse) -> Counts:
    """Judge the versions that this run brought; note which records it changed."""
    columns = ", ".join(dict.fromkeys([*RECORD.columns, "source", "campaign"]))
    records = warehouse.read(
        f"select {columns} from std.records semi join change.versions using (arrival)"
    )
    verdict = validate(records, RECORD)
    _write_quarantine(run, warehouse, verdict.quarantined)
    _write_repeats(run, warehouse)
    active = verdict.passed.select(
        "record_number", "arrival", "source", "campaign", is_active=is_active(verdict.passed)
    )
    _write_versions(warehouse, active)
    touch_holders(run, warehouse)
    looked_up = look_up_domains(run, warehouse)
    return {
        "records_valid": verdict.passed.height,
        "records_quarantined": verdict.quarantined.height,
        "records_active": int(active["is_active"].sum()),
        "records_changed": warehouse.one("select count(*) from change.records"),
        **looked_up,
    }


def _write_quarantine(run: Run, warehouse: Warehouse, bad: pl.DataFrame) -> None:
    """Keep each bad record with its row as it was delivered."""
    if bad.is_empty():
        return
    wanted = bad.select("arrival", "record_number", "reasons")
    raw = [
        pl.read_ipc(path)
        .join(wanted, on="arrival", how="semi")
        .select("arrival", "source", raw=raw_text())
        for path in sorted(run.work.glob("landed_*.arrow"))
    ]
    came = warehouse.read("select distinct arrival, raw as came from ingest.corrections")
    is_corrected = pl.col("came").is_not_null()
    fails = pl.when(is_corrected).then(pl.concat_list("reasons", pl.lit(FAILS)))
    rows = wanted.join(pl.concat(raw), on="arrival").join(came, on="arrival", how="left")
    rows = rows.with_columns(
        reasons=fails.otherwise("reasons"), raw=pl.coalesce("came", "raw")
    ).drop("came")
    rows = rows.with_columns(
        delivery_number=pl.col("arrival") // ARRIVALS, row_number=pl.col("arrival") % ARRIVALS
    )
    warehouse.insert("quarantine.records", rows)


def _write_repeats(run: Run, warehouse: Warehouse) -> None:
    """A row that says once more what a bad row said is in quarantine for the same reasons."""
    for path in sorted(run.work.glob("repeated_*.arrow")):
        warehouse.execute(
            """
            insert into quarantine.repeats
            select r.arrival, max(v.arrival) as repeated
            from repeats r join ingest.versions v using (record_number)
            where v.arrival < r.arrival
                and r.record_number in (select record_number from quarantine.records)
            group by r.arrival
            having max(v.arrival) in (select arrival from quarantine.records)""",
            repeats=pl.read_ipc(path),
        )


def _write_versions(warehouse: Warehouse, active: pl.DataFrame) -> None:
    """Good versions and withdrawals join the history; the latest good one is the record."""
    warehouse.execute(
        """
        insert into valid.versions
        select v.arrival, v.record_number, v.received_at, v.is_withdrawn
        from ingest.versions v join change.versions using (arrival)
        where v.is_withdrawn or arrival in (select arrival from active)""",
        active=active.select("arrival"),
    )
    warehouse.execute("delete from change.records")
    warehouse.execute(
        "insert into change.records select distinct record_number from valid.versions "
        "where arrival in (from change.versions)"
    )
    if active["record_number"].n_unique() < active.height:
        active = active.sort("arrival").unique("record_number", keep="last", maintain_order=True)
    warehouse.replace("valid.records", active, "record_number")
