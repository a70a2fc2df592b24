"""Names that customers had because of what persons said, and have no longer.

A record is numbered by its first row. A correction that gives a key to an earlier row, and one that
is taken back, make another row the first. And whom a person keeps apart has a name, also if that
is taken back. Both are read from the log of decisions, as a rebuild reads it.
"""

import polars as pl

from flows.run import Run
from flows.stages.ignored import holders
from store.warehouse import Warehouse
from transforms.classify import ARRIVALS
from transforms.ignore import ignored_of
from transforms.said_once import keys_said, records_judged, turns_of, values_left_out

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
    runs = obeyed_in(run.decisions)
    keys = keys.join(runs.rename({"decision": "decided", "run_number": "since"}), on="decided")
    keys = keys.join(
        runs.rename({"decision": "ended", "run_number": "until"}), on="ended", how="left"
    )
    return warehouse.read(_RENUMBERED, keys=keys)


def parted(
    run: Run, warehouse: Warehouse, members: pl.DataFrame, found: pl.DataFrame
) -> pl.DataFrame:
    """Names of records in a customer of which a person judged two, or a value that one of them has
    was left out of matching: as `find_redirects` gives them.

    Until they were called the same, and while they were called different, the customer was several.
    Which of its records went with which, nothing tells any more, so the name of each leads to it:
    a name that never was led nobody astray. members and found are those of `find_redirects`.
    """
    judged, held = records_judged(run.decisions), _left_out(run, warehouse, members)
    if judged.is_empty() and held.is_empty():
        return found.clear()
    last = judged.join(obeyed_in(run.decisions), left_on="last", right_on="decision")
    return warehouse.read(_PARTED, judged=last, held=held, members=members, found=found)


def _left_out(run: Run, warehouse: Warehouse, members: pl.DataFrame) -> pl.DataFrame:
    """Members with a value that some run left out of matching: record_number, and the last run
    that did so or let it count again.
    """
    runs = obeyed_in(run.decisions).rename({"decision": "decision_id"})
    turned = turns_of(values_left_out(run.decisions).join(runs, on="decision_id"))
    lookups, numbers = run.rulebook.lookups, members.select("record_number")
    found = holders(warehouse, lookups, ignored_of(turned), numbers)
    return found.join(turned, on=["contact", "digest"]).select("run_number", record_number="record")


def obeyed_in(decisions: pl.DataFrame) -> pl.DataFrame:
    """The first run that could obey each decision: decision, run_number."""
    return decisions.select(
        decision="decision_id",
        run_number=pl.col("snapshot_run_id").str.slice(1).cast(pl.Int64).fill_null(0) + 1,
    )


_PARTED = """
with named as (
    select m.record_number, m.founder, r.source || ':' || r.source_key as record_id
    from members m join ingest.records r using (record_number)),
together as (
    select n.founder, j.decision_id, max(j.run_number) as run_number
    from judged j join named n using (record_id)
    group by all having count(distinct j.side) > 1
    union all
    select m.founder, null, max(h.run_number) from held h join members m using (record_number)
    group by all)
select m.record_number as old, m.founder, max(t.run_number) as run_number, 'decided' as why
from members m join together t using (founder)
where m.record_number <> m.founder and m.run_number < t.run_number
    and m.record_number not in (select old from found)
group by all order by all"""


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
