"""The line: its stages in order, each one transaction that can be run twice."""

import os
import re
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

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
from store.errors import NoRoomError
from store.schema import WAREHOUSE
from store.settings import USUAL_MEMORY
from store.warehouse import Warehouse, explained

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

_FEW = 50_000
"""Rows that are few beside the records of a large warehouse."""
_LEAST = 256 << 20
"""Bytes that each database has at least."""
_BYTES_USUALLY = 10**9
"""As `USUAL_MEMORY` says it."""
_CONTAINER = Path("/sys/fs/cgroup/memory.max")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B")


def perform(run: Run, stage: str, opened: Warehouse) -> Counts:
    """Run one stage; a stage that this run has finished is not run again."""
    run = _with_memory(run, opened)
    spared = spare_memory(run, opened)
    _fit(opened, spared)
    if spared is not run:
        try:
            return _perform(spared, stage, opened)
        except NoRoomError:  # little has changed and it takes much; it has all there is after all
            _fit(opened, run)
    return _perform(run, stage, opened)


def _fit(opened: Warehouse, run: Run) -> None:
    limit = run.settings.memory_limit
    if (opened.settings.memory_limit or USUAL_MEMORY) != limit:
        opened.reopen(limit)


def _perform(run: Run, stage: str, opened: Warehouse) -> Counts:
    with explained(), opened.session() as warehouse:
        done = ledger.counts_of(warehouse, run.run_id, stage)
        if done is not None:
            return done
        began = _start_meter()
        with warehouse.transaction():
            counts = STAGES[stage](run, warehouse)
            ledger.note_step(warehouse, run.run_id, stage, counts, _read_meter(began))
        return counts


def _with_memory(run: Run, opened: Warehouse) -> Run:
    """The run with a limit of memory; where none is set, one that grows with the warehouse.

    DuckDB does not put everything aside that it has no memory for: what five million records take
    was not to be had of a gigabyte.
    """
    if run.settings.memory_limit is not None:
        return run
    limit = memory_for(opened.path.stat().st_size, _machine_bytes())
    return run._replace(settings=run.settings.model_copy(update={"memory_limit": limit}))


def memory_for(warehouse_bytes: int, machine_bytes: int) -> str:
    """What each database of a run may take, where warehouse and machine are so large.

    Two are open at a time, and the run itself takes as much.
    """
    grown = min(warehouse_bytes // 2, machine_bytes // 4)
    return f"{grown}B" if grown > _BYTES_USUALLY else USUAL_MEMORY


def _machine_bytes() -> int:
    """The memory of the machine, or of the container where that has less."""
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no container, or one without a limit
        most = min(most, int(_CONTAINER.read_text(encoding="ascii")))
    return most


def spare_memory(run: Run, opened: Warehouse) -> Run:
    """The run with less memory for each of its databases, where little of a large one changes.

    A database keeps what it has read for as long as it may. Whoever looks at few rows of many
    reads no quicker for it: what was read before lies in the system's memory as well.
    """
    limit = _bytes_of(run.settings.memory_limit or USUAL_MEMORY)
    if run.is_rebuild or run.changed or limit is None or not opened.is_large:
        return run
    came = ledger.counts_of(opened, run.run_id, "ingest")
    least = max(opened.path.stat().st_size // 3, _LEAST)
    if came is None or came["rows"] > _FEW or least >= limit:
        return run
    settings = run.settings.model_copy(update={"memory_limit": f"{least}B"})
    return run._replace(settings=settings)


def _bytes_of(size: str) -> int | None:
    """A size as DuckDB is told it, in bytes; none where it is told otherwise."""
    found = _SIZE.fullmatch(size.strip().upper())
    if found is None:
        return None
    thousand = 1024 if found[3] else 1000
    return int(float(found[1]) * thousand ** " KMGT".index(found[2] or " "))


def open_warehouse(run: Run) -> Warehouse:
    """The warehouse that `run` writes."""
    return Warehouse(run.warehouse, run.settings, WAREHOUSE, compress=False)


def _start_meter() -> tuple[float, float]:
    """Wall and CPU seconds so far; the kernel's mark of the most memory begins anew."""
    with suppress(OSError):  # not every container lets a process do so; then the mark only rises
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return time.perf_counter(), _cpu_seconds()


def _read_meter(began: tuple[float, float]) -> ledger.Cost:
    wall, cpu = began
    return ledger.Cost(
        round(time.perf_counter() - wall, 3), round(_cpu_seconds() - cpu, 3), _peak_mb()
    )


def _peak_mb() -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
