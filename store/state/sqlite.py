"""Connections to a state database in SQLite, which writes ahead."""

import sqlite3
import time
from pathlib import Path
from typing import cast

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection

from store.errors import DecisionLogError
from store.state.turns import begin_writing

WAITING = ("PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 1000")
NOTING = ("PRAGMA synchronous = NORMAL", "PRAGMA wal_autocheckpoint = 0")
"""How SQLite commits: what is acknowledged is on the disk; what is noted is written, and whoever
notes never stops to move what was written ahead into the database."""

NO_WAL = "The decision log needs a local disk: SQLite cannot write ahead on this file system."


def connect_sqlite(url: URL, wait_ms: int) -> sa.Engine:
    """Connections that wait so many milliseconds for their turn to write."""
    try:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DecisionLogError(
            f"The folder of the decision log {url.database} cannot be made ({error.strerror});"
            " make it, or give this user the right to."
        ) from error
    engine = sa.create_engine(url, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: object) -> None:
        connection.isolation_level = None  # or Python's driver begins where it sees fit
        connection.execute(f"PRAGMA busy_timeout = {wait_ms}")
        _write_ahead(connection, time.monotonic() + wait_ms / 1_000)
        connection.execute("PRAGMA synchronous = FULL")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if not options.get("is_writing", False):
            connection.exec_driver_sql("BEGIN")
            return
        for pragma in NOTING if options.get("is_noting", False) else WAITING:
            connection.exec_driver_sql(pragma)
        begin_writing(cast(sqlite3.Connection, connection.connection.dbapi_connection), wait_ms)

    return engine


def _write_ahead(connection: DBAPIConnection, deadline: float) -> None:
    """Switch to write-ahead mode. SQLite does not wait its turn for that, so we do."""
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                raise DecisionLogError(NO_WAL)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
