"""Make the tables anew beside the old ones, and put them in place when they are whole."""

import os
from contextlib import suppress
from functools import partial
from pathlib import Path

import polars as pl

from flows import ledger
from flows.run import Run
from store.errors import OlderError, UnreadableError
from store.files import sync_folder
from store.golden import open_any_golden, open_beside
from store.schema import WAREHOUSE
from store.settings import Settings
from store.warehouse import Warehouse, is_older, read_older

OF_LEDGER = ("ledger.runs", "ledger.steps")
OF_GOLDEN = ("runs", "metrics", "changes", "forgotten")
"""The log of runs: what is no work of the line. Older versions have no `forgotten`."""


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
            for table in OF_LEDGER:
                warehouse.insert(table, _as_here(warehouse, table, carried[table]))
        if begun is not None:
            warehouse.execute("update ledger.runs set state = 'abandoned' where state = 'running'")
            ledger.begin(warehouse, begun, run.rulebook.model.name)
        with (
            open_beside(warehouse, run.golden, run.rulebook.survivorship) as golden,
            golden.transaction(),
        ):
            for table in OF_GOLDEN:
                golden.insert(table, _as_here(golden, table, carried[table]))


def begun_anew(settings: Settings) -> ledger.Begun | None:
    """The run that began to make the tables anew and did not end, if there is one."""
    rebuilt = settings.warehouse.with_suffix(".rebuild.duckdb")
    if rebuilt.exists():
        with (
            suppress(UnreadableError),
            Warehouse(rebuilt, settings, WAREHOUSE, compress=False) as warehouse,
        ):
            return ledger.unfinished(warehouse)
    return None


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
    for path in (settings.golden, settings.warehouse):
        _keep_older(settings, path)
    if golden.exists():
        _log_of(settings.golden).unlink(missing_ok=True)
        os.replace(golden, settings.golden)
    _log_of(settings.warehouse).unlink(missing_ok=True)
    os.replace(rebuilt, settings.warehouse)
    sync_folder(settings.data)


def _keep_older(settings: Settings, path: Path) -> None:
    """Keep what an earlier version wrote until a run has ended well; this may be begun twice."""
    if is_older(path):
        settings.before.mkdir(exist_ok=True, mode=0o700)
        os.replace(path, settings.before / path.name)
        sync_folder(settings.before)


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
    settings = run.settings
    found = {table: pl.DataFrame() for table in (*OF_LEDGER, *OF_GOLDEN)}
    opened = (
        (settings.warehouse, OF_LEDGER, partial(_open_warehouse, settings)),
        (settings.golden, OF_GOLDEN, partial(_open_golden, run)),
    )
    for path, tables, open_tables in opened:
        if not path.exists():
            continue
        try:
            with open_tables() as old:
                found |= {table: old.read(f"from {table}") for table in tables if old.has(table)}
        except OlderError:
            found |= {table: read_older(path, table) for table in tables}
        except UnreadableError:
            continue
    return found


def _as_here(target: Warehouse, table: str, carried: pl.DataFrame) -> pl.DataFrame:
    """Of what an earlier version wrote, the columns that there still are."""
    have = set(target.read(f"from {table} limit 0").columns)
    return carried.select(name for name in carried.columns if name in have)


def _open_warehouse(settings: Settings) -> Warehouse:
    return Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False)


def _open_golden(run: Run) -> Warehouse:
    return open_any_golden(run.settings.golden, run.settings, run.rulebook.survivorship)
