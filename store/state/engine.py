"""Open the state database: decisions, people, queues and audit, on SQLite or PostgreSQL.

Writers take turns, on both databases and in every process, so that what one transaction looked at
is still true when it commits. Everything that is acknowledged is on the disk; looks alone are noted
first and put there soon after (decision 0018).
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    SQLAlchemyError,
)

from store.errors import DecisionLogError
from store.files import sync_file
from store.migrations import NewerDatabaseError, is_up_to_date, older_revision, upgrade
from store.state.sqlite import connect_sqlite
from store.state.turns import LineError, in_line

LONGEST_TURN = 0.1
"""Seconds that are left to others at most after each of many transactions."""
BEFORE = ".before-"
"""What the name of a copy says, with the revision that it has."""

UNREACHED = {"OperationalError", "InterfaceError"}
"""What drivers raise when there is no server."""
UNREACHABLE = "cannot be reached; check that the server runs and that the URL is right"
ADVICE: dict[int | str, str] = {
    sqlite3.SQLITE_BUSY: "is in use by another program; try again when that has finished",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that this user may write to its folder",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from the last backup",
    sqlite3.SQLITE_FULL: "has no room left on the disk; free some, then decide again",
    sqlite3.SQLITE_IOERR: "cannot be read or written; check the disk",
    sqlite3.SQLITE_NOTADB: "is not a database or is damaged; restore it from the last backup",
    sqlite3.SQLITE_PERM: "may not be used; give this user the right to its file and folder",
    sqlite3.SQLITE_READONLY: "may not be written; give this user the right to its file and folder",
    "42501": "may not be used; grant this database user the right to its tables",
    "53100": "has no room left on the disk; free some, then decide again",
    "55P03": "is in use by another program; try again when that has finished",
}
"""What to do, by SQLite's result code or PostgreSQL's SQLSTATE."""


def open_engine(url: str, wait_seconds: float) -> sa.Engine:
    """Open the database, making or upgrading its tables; writers wait for their turn so long.

    Mostly there is nothing to make: that is read first, since a turn keeps others waiting.
    """
    engine = _engine(_known(url), round(wait_seconds * 1_000))
    try:
        with reading(engine) as connection:
            is_ready = is_up_to_date(connection) and _may_write(engine.url)
        if not is_ready:
            with writing(engine) as connection:
                copy_before_upgrade(connection, engine.url)
                upgrade(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _may_write(url: URL) -> bool:
    """Whether the file of an SQLite database may be written; a server says so when it is asked."""
    return url.get_backend_name() != "sqlite" or os.access(str(url.database), os.W_OK)


def copy_before_upgrade(connection: sa.Connection, url: URL) -> None:
    """Keep an SQLite database as an earlier version left it, until a run has ended well.

    PostgreSQL upgrades in one transaction, too; its copies are its administrator's.
    """
    revision = older_revision(connection)
    if revision is None or url.get_backend_name() != "sqlite":
        return
    path = Path(str(url.database))
    copy = path.with_name(f"{path.name}{BEFORE}{revision}")
    with closing(sqlite3.connect(path)) as here, closing(sqlite3.connect(copy)) as there:
        here.backup(there)


def remove_copies(url: str) -> None:
    """Remove what was kept of before an upgrade."""
    database = make_url(url).database
    if make_url(url).get_backend_name() == "sqlite" and database:
        path = Path(database)
        for copy in path.parent.glob(f"{path.name}{BEFORE}*"):
            copy.unlink()


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Hold the only writer's transaction; at the end it is committed and on the disk."""
    with (
        explained(engine.url),
        in_line(engine.url),
        engine.execution_options(is_writing=True).begin() as connection,
    ):
        yield connection


@contextmanager
def at_the_end(connection: sa.Connection) -> Iterator[None]:
    """What is changed here goes to PostgreSQL with the next question or the commit, all at once.

    Each answer that whoever has the turn waits for, others wait for too, the longer the less of the
    processor it gets. How many rows were changed is not told; what goes wrong is, by the commit.
    """
    line: Any = connection.connection.dbapi_connection
    with line.at_the_end() if hasattr(line, "at_the_end") else contextlib.nullcontext():
        yield


@contextmanager
def in_turns(engine: sa.Engine) -> Iterator[sa.Connection]:
    """As `writing`, for one of many transactions in a row: others get as long as it took.

    Who waits for SQLite looks again every so many milliseconds, and would find it taken each time.
    """
    began = time.monotonic()
    with writing(engine) as connection:
        yield connection
    time.sleep(min(time.monotonic() - began, LONGEST_TURN))


@contextmanager
def noting(engine: sa.Engine) -> Iterator[sa.Connection]:
    """As `writing`, but committed without a wait for the disk; see `put_on_disk`.

    What is committed outlives this process however it ends. Only a machine that stops (of
    PostgreSQL, a server that is killed) can take it back, and then all that came after it too.
    """
    with (
        explained(engine.url),
        in_line(engine.url),
        engine.execution_options(is_writing=True, is_noting=True).begin() as connection,
    ):
        yield connection


def put_on_disk(engine: sa.Engine) -> None:
    """Wait until what was noted is on the disk. PostgreSQL sees to that by itself, in under 1 s.

    SQLite writes ahead into one file, so whoever syncs it syncs all that was committed before.
    """
    if engine.dialect.name == "sqlite":
        with contextlib.suppress(FileNotFoundError):  # the last one to leave moved it already
            sync_file(Path(f"{engine.url.database}-wal"))


def move_ahead(engine: sa.Engine) -> None:
    """Move what was written ahead into the database, while others read and write; see `NOTING`."""
    if engine.dialect.name == "sqlite":
        with explained(engine.url), contextlib.closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Hold a connection that changes nothing.

    In SQLite it sees one state of the database, in PostgreSQL each question what is there by then.
    """
    with explained(engine.url), engine.execution_options(is_reading=True).connect() as connection:
        yield connection


@contextmanager
def reading_in_parts(engine: sa.Engine) -> Iterator[sa.Connection]:
    """As `reading`, for an answer that is too long to be had at once (`yield_per`)."""
    with explained(engine.url), engine.connect() as connection:
        yield connection


@contextmanager
def explained(url: URL) -> Iterator[None]:
    """Say what to do where a database says what is wrong."""
    try:
        yield
    except NewerDatabaseError as error:
        raise DecisionLogError(
            f"The decision log {_name(url)} was written by a newer version; upgrade this program."
        ) from error
    except LineError as error:
        raise DecisionLogError(
            f"The decision log {_name(url)} {ADVICE[sqlite3.SQLITE_BUSY]}."
        ) from error
    except (sqlite3.Error, SQLAlchemyError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise DecisionLogError(f"The decision log {_name(url)} {_advice(cause)}.") from error


def _known(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise DecisionLogError(
            "The URL of the decision log cannot be read; write sqlite:///FILE or postgresql://HOST/NAME."
        ) from None
    is_file = url.get_backend_name() == "sqlite" and not url.query
    is_file = is_file and url.database not in (None, "", ":memory:")
    if not is_file and url.get_backend_name() != "postgresql":
        raise DecisionLogError(
            f"The decision log cannot be kept in {_name(url)}; write"
            " sqlite:///FILE or postgresql://HOST/NAME."
        )
    if url.drivername == "postgresql":
        return url.set(drivername="postgresql+pg8000")  # the one that is installed with us
    return url


def _engine(url: URL, wait_ms: int) -> sa.Engine:
    try:
        if url.get_backend_name() == "postgresql":
            return _postgresql(url, wait_ms)
        return connect_sqlite(url, wait_ms)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        package = getattr(error, "name", None) or url.get_driver_name()
        raise DecisionLogError(
            f"The decision log {_name(url)} needs the Python package {package}; install it."
        ) from error


def _postgresql(url: URL, wait_ms: int) -> sa.Engine:
    """Its driver takes a tenth of a second to load, which others need not wait for."""
    from store.state.postgresql import connect_postgresql

    return connect_postgresql(url, wait_ms)


def _advice(cause: BaseException | None) -> str:
    code = getattr(cause, "sqlite_errorcode", None)
    known = ADVICE.get(_sqlstate(cause) if code is None else code & 0xFF)
    if known is None and code is None and type(cause).__name__ in UNREACHED:
        return UNREACHABLE
    return known or f"answered with {type(cause).__name__}; see the cause in the program's log"


def _sqlstate(cause: BaseException | None) -> str:
    """Where PostgreSQL's drivers keep its code: psycopg in an attribute, pg8000 in field C."""
    told = cause.args[0] if cause is not None and cause.args else None
    return str(told.get("C") if isinstance(told, dict) else getattr(cause, "sqlstate", None))


def _name(url: URL) -> str:
    """Name the database without its password."""
    if url.get_backend_name() == "sqlite" and url.database:
        return url.database
    return url.set(query={}).render_as_string(hide_password=True)
