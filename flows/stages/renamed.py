"""Names that customers had while a row in quarantine had its key from a person, or had it not yet.

A record is numbered by its first row. A correction that gives a key to an earlier row, and one that
is taken back, make another row the first. What was then read is what a rebuild reads, so the older
number is found in the log of decisions and in the rows, and not in what a night remembers.
"""

import polars as pl

from flows.run import Run
from store.warehouse import Warehouse
from transforms.classify import ARRIVALS
from transforms.keyed import keys_said

NAMES = {
    "old": pl.Int64(),
    "record_number": pl.Int64(),
    "run_number": pl.Int64(),
    "why": pl.String(),
}


def renumbered(run: Run, warehouse: Warehouse) -> pl.DataFrame:
    """Numbers that records had before: `NAMES`, with the run in which each was the last time it.

    A key is obeyed by the first run after the snapshot on which it was given, and no longer by the
    one after the snapshot on which it was taken back.
    """
    keys = keys_said(run.decisions, run.said.corrections)
    if keys.is_empty():
        return pl.DataFrame(schema=NAMES)
    runs = run.decisions.select(
        decision="decision_id",
        run_number=pl.col("snapshot_run_id").str.slice(1).cast(pl.Int64).fill_null(0) + 1,
    )
    keys = keys.join(runs.rename({"decision": "decided", "run_number": "since"}), on="decided")
    keys = keys.join(
        runs.rename({"decision": "ended", "run_number": "until"}), on="ended", how="left"
    )
    return warehouse.read(_RENUMBERED, keys=keys)


_RENUMBERED = f"""
with given as (
    select d.delivery_number * {ARRIVALS} + k.row_number as arrival, r.record_number,
        greatest(k.since, cast(substr(d.run_id, 2) as bigint)) as since, k.until
    from keys k join ingest.deliveries d on d.delivery_id = k.sha256
    join ingest.records r on r.source = d.source and r.source_key = k.source_key),
rows as (
    from given union all
    select v.arrival, record_number, cast(substr(d.run_id, 2) as bigint), null
    from ingest.versions v
    join ingest.deliveries d on d.delivery_number = v.arrival // {ARRIVALS}
    semi join given using (record_number)
    anti join given using (arrival)),
moments as (
    select record_number, since as moment from rows union
    select record_number, until from rows where until is not null),
numbers as (
    select record_number, moment, min(arrival) as number
    from moments join rows using (record_number)
    where since <= moment and moment < coalesce(until, moment + 1)
    group by all)
select number as old, record_number, run_number, 'corrected' as why
from (
    from numbers select *, lead(moment) over (partition by record_number order by moment)
        as run_number)
where number <> record_number
qualify row_number() over (partition by number order by moment desc) = 1
order by old"""
