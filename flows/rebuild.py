"""Make the tables anew beside the old ones, and put them in place when they are whole."""

import os
from contextlib import suppress
from pathlib import Path

import polars as pl

from flows import ledger
from flows.run import Run
from store.errors import UnreadableError
from store.files import sync_folder
from store.golden import open_any_golden, open_golden
from store.schema import WAREHOUSE
from store.settings import Settings
from store.warehouse import Warehouse


def start_anew(run: Run, begun: ledger.Begun | None = None) -> None:
    """Begin a warehouse and golden tables beside the old ones, unless they are begun already.

    The log of runs is no work of the line and cannot be worked out again: it is carried over.
    """
    if _is_begun(run):
        return
    for path in (run.warehouse, run.golden):
        path.unlink(missing_ok=True)
        _log_of(path).unlink(missing_ok=True)
    carried = _carried(run)
    with Warehouse(run.warehouse, run.settings, WAREHOUSE, compress=False) as warehouse:
        with warehouse.transaction():
            for table in ("ledger.runs", "ledger.steps"):
                warehouse.insert(table, carried[table])
        if begun is not None:
            warehouse.execute("update ledger.runs set state = 'abandoned' where state = 'running'")
            ledger.begin(warehouse, begun, run.rulebook.model.name)
    with (
        open_golden(run.golden, run.settings, run.rulebook.survivorship) as golden,
        golden.transaction(),
    ):
        for table in ("runs", "metrics", "changes"):
            golden.insert(table, carried.get(table, pl.DataFrame()))


def put_in_place(settings: Settings) -> None:
    """Put a finished rebuild in the place of the old tables.

    The golden tables go first. A crash between the two moves leaves the rebuilt warehouse under
    its own name, finished, and the next run moves it.
    """
    rebuilt = settings.warehouse.with_suffix(".rebuild.duckdb")
    if not rebuilt.exists():
        return
    whole = False
    with (
        suppress(UnreadableError),
        Warehouse(rebuilt, settings, WAREHOUSE, compress=False) as warehouse,
    ):
        whole = warehouse.one("select count(*) from ledger.digests") > 0
    if not whole:
        return
    golden = settings.golden.with_suffix(".rebuild.duckdb")
    if golden.exists():
        _log_of(settings.golden).unlink(missing_ok=True)
        os.replace(golden, settings.golden)
    _log_of(settings.warehouse).unlink(missing_ok=True)
    os.replace(rebuilt, settings.warehouse)
    sync_folder(settings.data)


def _is_begun(run: Run) -> bool:
    """Whether this very run has begun its rebuild, and was cut short."""
    if not run.warehouse.exists():
        return False
    with (
        suppress(UnreadableError),
        Warehouse(run.warehouse, run.settings, WAREHOUSE, compress=False) as warehouse,
    ):
        here = ledger.unfinished(warehouse)
        return here is not None and here.run_id == run.run_id
    return False


def _log_of(path: Path) -> Path:
    """The write-ahead log beside a file of tables; one that outlived its file would spoil a new."""
    return path.with_name(path.name + ".wal")


def _carried(run: Run) -> dict[str, pl.DataFrame]:
    """The log of runs from the old tables, as far as they can be read."""
    found = {"ledger.runs": pl.DataFrame(), "ledger.steps": pl.DataFrame()}
    settings = run.settings
    if settings.warehouse.exists():
        with (
            suppress(UnreadableError),
            Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse,
        ):
            for table in found:
                found[table] = warehouse.read(f"from {table}")
    if settings.golden.exists():
        with (
            suppress(UnreadableError),
            open_any_golden(settings.golden, settings, run.rulebook.survivorship) as golden,
        ):
            for table in ("runs", "metrics", "changes"):
                found[table] = golden.read(f"from {table}")
    return found
