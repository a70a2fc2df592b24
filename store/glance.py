"""Look into a file of tables for a moment.

DuckDB takes longer to begin a database than most looks take, so one that holds nothing is begun
once for a process, and files are looked into beside it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from pathlib import Path

import duckdb

_NUMBERS = count()


@contextmanager
def glance(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads the file at `path` and nothing else; whatever it gives is fetched.

    One look at a file at a time: who has the file open in this process is not asked for it.
    """
    name = f"looked_{next(_NUMBERS)}"
    place = str(path).replace("'", "''")
    con = _nothing(os.getpid()).cursor()
    try:
        con.execute(f"attach '{place}' as {name} (read_only)")
        try:
            con.execute(f"use {name}")
            yield con
        finally:
            con.execute("use memory")
            con.execute(f"detach {name}")
    finally:
        con.close()


@lru_cache(maxsize=1)
def _nothing(_process: int) -> duckdb.DuckDBPyConnection:
    """The database that holds nothing; a process that was forked begins its own."""
    return duckdb.connect(":memory:")
