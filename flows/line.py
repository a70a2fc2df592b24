"""The line: its stages in order, each one transaction that can be run twice."""

import resource
import time
from collections.abc import Callable

from flows import ledger
from flows.run import Counts, Run
from flows.stages.cluster import cluster_records
from flows.stages.ingest import ingest
from flows.stages.match import match_records
from flows.stages.publish import publish_records
from flows.stages.review import review_records
from flows.stages.standardise import standardise_records
from flows.stages.survive import survive_records
from flows.stages.validate import validate_records
from store.schema import WAREHOUSE
from store.warehouse import Warehouse

STAGES: dict[str, Callable[[Run, Warehouse], Counts]] = {
    "ingest": ingest,
    "standardise": standardise_records,
    "validate": validate_records,
    "match": match_records,
    "cluster": cluster_records,
    "survive": survive_records,
    "review": review_records,
    "publish": publish_records,
}
"""Every stage by its word, in order."""


def perform(run: Run, stage: str) -> Counts:
    """Run one stage; a stage that this run has finished is not run again."""
    with open_warehouse(run) as warehouse:
        done = ledger.counts_of(warehouse, run.run_id, stage)
        if done is not None:
            return done
        wall, cpu = time.perf_counter(), _cpu_seconds()
        with warehouse.transaction():
            counts = STAGES[stage](run, warehouse)
            cost = (round(time.perf_counter() - wall, 3), round(_cpu_seconds() - cpu, 3))
            ledger.note_step(warehouse, run.run_id, stage, counts, cost)
        return counts


def open_warehouse(run: Run) -> Warehouse:
    """The warehouse that `run` writes."""
    return Warehouse(run.warehouse, run.settings, WAREHOUSE, compress=False)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
