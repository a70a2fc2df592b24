"""The run ledger: which runs began, which stages they finished, and by which rules."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import polars as pl

from flows.run import Counts, Run
from store.warehouse import Warehouse
from transforms.resolve import Resolved, state_of


class Cost(NamedTuple):
    """What a stage cost: wall and CPU seconds, and the most memory the process held (MiB)."""

    seconds: float
    cpu_seconds: float
    peak_mb: int


class Begun(NamedTuple):
    """A run as the ledger knows it."""

    run_id: str
    now: datetime
    kind: str
    last_decision: int


def unfinished(warehouse: Warehouse) -> Begun | None:
    """The run that began and did not end, if there is one."""
    found = warehouse.read(
        "select run_id, now, kind, last_decision from ledger.runs where state = 'running'"
    )
    return Begun(*found.row(0)) if found.height else None


def begin(warehouse: Warehouse, run: Begun, model: str) -> None:
    """Note that a run begins, before it does anything."""
    with warehouse.transaction():
        warehouse.execute(
            f"""
            insert into ledger.runs (run_id, kind, now, state, started_at, model, last_decision)
            values ('{run.run_id}', '{run.kind}', '{run.now.isoformat()}', 'running',
                current_timestamp, '{model}', {run.last_decision})"""
        )


def turn_into_rebuild(warehouse: Warehouse, run: Begun) -> Begun:
    """Let an unfinished run make everything anew: the rules were changed since it was cut short."""
    with warehouse.transaction():
        warehouse.execute(f"delete from ledger.steps where run_id = '{run.run_id}'")
        warehouse.execute(f"update ledger.runs set kind = 'rebuild' where run_id = '{run.run_id}'")
    return run._replace(kind="rebuild")


def finish(warehouse: Warehouse, run_id: str, digests: dict[str, str]) -> None:
    """Note that a run ended, and by which rules its tables are as they are."""
    with warehouse.transaction():
        warehouse.execute(
            "update ledger.runs set state = 'finished', finished_at = current_timestamp "
            f"where run_id = '{run_id}'"
        )
        warehouse.execute("delete from ledger.digests")
        warehouse.insert(
            "ledger.digests",
            pl.DataFrame({"name": list(digests), "digest": list(digests.values())}),
        )


def forget(warehouse: Warehouse, runs: Sequence[str]) -> None:
    """Forget runs that ended long ago, but never the last that did."""
    last = "(select max(run_id) from ledger.runs where state = 'finished')"
    gone = f"run_id in (select unnest({list(runs)})) and run_id < {last}"
    with warehouse.transaction():
        for table in ("steps", "runs"):
            warehouse.execute(f"delete from ledger.{table} where {gone}")


def last_run_number(warehouse: Warehouse) -> int:
    """The number of the last run that began: 4 for R0004, 0 when none did."""
    return warehouse.one(
        "select coalesce(max(cast(substr(run_id, 2) as bigint)), 0) from ledger.runs"
    )


def last_now(warehouse: Warehouse) -> datetime | None:
    """The time of the latest run that began."""
    found = warehouse.read("select max(now) as now from ledger.runs")["now"].item()
    return found if isinstance(found, datetime) else None


def said_before(warehouse: Warehouse, run: Run) -> Resolved:
    """What held after the decisions that the last finished run obeyed."""
    last = warehouse.one("select max(last_decision) from ledger.runs where state = 'finished'")
    known = run.decisions.filter(pl.col("decision_id") <= last)
    return run.said if known.height == run.decisions.height else state_of(known)


def counts_of(warehouse: Warehouse, run_id: str, stage: str) -> Counts | None:
    """What a finished stage counted; nothing if it is not finished."""
    found = warehouse.con.execute(  # all of it: a result that is not read to its end blocks others
        f"select counts from ledger.steps where run_id = '{run_id}' and stage = '{stage}'"
    ).fetchall()
    return dict(json.loads(found[0][0])) if found else None


def note_step(warehouse: Warehouse, run_id: str, stage: str, counts: Counts, cost: Cost) -> None:
    """Note, in the stage's own transaction, that it is finished."""
    warehouse.execute(
        f"""
        insert into ledger.steps values ('{run_id}', '{stage}', current_timestamp, {cost.seconds},
            {cost.cpu_seconds}, {cost.peak_mb}, '{json.dumps(counts)}')"""
    )


def cost_of(warehouse: Warehouse, run_id: str, stage: str) -> Cost | None:
    """What a finished stage cost; nothing if it is not finished."""
    found = warehouse.read(
        "select seconds, cpu_seconds, peak_mb from ledger.steps "
        f"where run_id = '{run_id}' and stage = '{stage}'"
    )
    return None if found.is_empty() else Cost(*found.row(0))


def last_digests(warehouse: Warehouse) -> dict[str, str]:
    """The digests of the rules by which the tables are as they are."""
    return dict(warehouse.read("select name, digest from ledger.digests").iter_rows())
