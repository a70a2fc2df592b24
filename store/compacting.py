"""Make files smaller that never shrink by themselves, when much of them is free.

What was deleted leaves room in a database's file, which later rows fill again. A file of tables is
copied beside itself and put in its own place by one rename; SQLite does the like by itself.
"""

import logging
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import duckdb
from sqlalchemy.engine import make_url

from store.errors import TouchstoneError
from store.files import remove_tree, sync_file, sync_folder
from store.settings import Settings
from store.warehouse import configure, explained, said_of

LOG = logging.getLogger("touchstone")
MUCH = 0.1
"""The share of a file that is free from which on it is worth copying."""
PATIENCE = 30.0
"""Seconds for which whoever decides is waited for."""
SMALL = 16 << 20
"""Bytes below which a file is left alone."""


def compact(settings: Settings, *, small: int = SMALL) -> dict[str, int]:
    """Compact the tables and the decision log; how many bytes each file is smaller.

    A file that cannot be compacted now, on a full disk or while somebody decides, stays as it is.
    """
    tried = {
        path: partial(_compact_tables, settings, path, compression, small)
        for path, compression in ((settings.warehouse, "uncompressed"), (settings.golden, "auto"))
    }
    url = make_url(settings.log_url)
    if url.get_backend_name() == "sqlite" and url.database:
        tried[Path(url.database)] = partial(_compact_sqlite, Path(url.database), small)
    won = {path.name: _won(path, work) for path, work in tried.items()}
    return {name: size for name, size in won.items() if size > 0}


def _won(path: Path, work: Callable[[], int]) -> int:
    try:
        return work()
    except (duckdb.Error, sqlite3.Error, OSError, TouchstoneError) as error:
        LOG.warning(
            "touchstone: %s is as large as it was (%s); the next audit tries again.",
            path.name,
            str(error).splitlines()[0],
        )
        return 0


def _compact_tables(settings: Settings, path: Path, compression: str, small: int) -> int:
    """Copy a file of tables without what is free in it; nothing where there is no room for that."""
    size = path.stat().st_size
    if size < small or shutil.disk_usage(path.parent).free < 2 * size or not _is_loose(path):
        return 0
    draft = settings.work / "R-compact" / path.name  # what begins with R there, the next run clears
    remove_tree(draft.parent)
    draft.parent.mkdir(parents=True, mode=0o700)
    with explained(), duckdb.connect() as con:
        configure(con, settings)
        con.execute("set preserve_insertion_order = true")
        con.execute(f"set force_compression = '{compression}'")
        for place in (f"{_quoted(path)} as old (read_only)", f"{_quoted(draft)} as new"):
            con.execute(f"attach {place}")
        con.execute("copy from database old to new")
        con.execute("detach new")  # what was written ahead is now in its place
    sync_file(draft)
    os.replace(draft, path)
    sync_folder(path.parent)
    remove_tree(draft.parent)
    return size - path.stat().st_size


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _is_loose(path: Path) -> bool:
    """Whether much of a file of tables is free, with all that was written ahead in its place."""
    with said_of(path), duckdb.connect(str(path)) as con:
        con.execute("checkpoint")
        total, free = con.sql(
            "select total_blocks, free_blocks from pragma_database_size()"
        ).fetchall()[0]
    return bool(free > MUCH * total)


def _compact_sqlite(path: Path, small: int) -> int:
    """Compact a database that others may have open; they wait."""
    size = path.stat().st_size if path.exists() else 0
    if size < small:
        return 0
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as con:
        (total,), (free,) = (
            con.execute(f"pragma {name}").fetchone() for name in ("page_count", "freelist_count")
        )
        if free <= MUCH * total:
            return 0
        con.execute("vacuum")
        con.execute("pragma wal_checkpoint(truncate)")
    return size - path.stat().st_size
