"""Connections to a state database in PostgreSQL."""

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from store.state.wire import Connection

WRITERS_TURN = 7_146_053
"""The PostgreSQL advisory lock that a writer holds until its commit."""
BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
ON_THE_DISK = "SELECT pg_logical_emit_message(true, 'touchstone', '')"
"""Commits nothing but a word in the log, as the server is told to commit: with all before it."""
FRESH = 2.0
"""Seconds since a connection was used, after which it is asked whether it still holds."""
USED = "used at"
KEPT = 24
"""Connections that stay open: more than ask at once. One that is made costs more than it asks, and
each reads and plans its statements anew."""


def connect_postgresql(url: URL, wait_ms: int) -> sa.Engine:
    """Connections that commit by themselves, so that who only reads begins and ends nothing."""
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        pool_size=KEPT,
        pool_use_lifo=True,  # the one used last knows its statements, and surely still holds
    )

    @sa.event.listens_for(engine, "do_connect")
    def connect(_: object, __: object, words: list[Any], named: dict[str, Any]) -> Any:
        return Connection(*words, **named) if url.get_driver_name() == "pg8000" else None

    @sa.event.listens_for(engine, "connect")
    def prepare(line: DBAPIConnection, _: object) -> None:
        """Compile nothing: to compile the count of a long queue takes twice as long as to count."""
        line.cursor().execute("SET jit = off")

    @sa.event.listens_for(engine, "checkout")
    def look(line: DBAPIConnection, about: ConnectionPoolEntry, _: object) -> None:
        last, about.info[USED] = about.info.get(USED), time.monotonic()
        if last is not None and about.info[USED] - last > FRESH and not _answers(engine, line):
            raise DisconnectionError  # so that another is made

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get("is_writing", False):
            _begin_writing(connection, wait_ms, is_noting=options.get("is_noting", False))
        elif not options.get("is_reading", False):
            _begin(connection, BEGIN)

    return engine


def _begin_writing(connection: sa.Connection, wait_ms: int, *, is_noting: bool) -> None:
    """Wait for the turn, which ends with the commit, and only then for the disk, or not at all.

    The server keeps a commit that waits for the disk, or for a copy of itself elsewhere, from all
    others who wait for the turn. What they see and was not acknowledged yet is before theirs in the
    log that is written ahead, so nothing of theirs is there after a power cut without it.
    """
    can_wait_after = isinstance(connection.connection.dbapi_connection, Connection)
    soon = "SET LOCAL synchronous_commit = off; " * (is_noting or can_wait_after)
    words = f"{BEGIN}; {soon}SET LOCAL lock_timeout = {wait_ms};"
    words += f" SELECT pg_advisory_xact_lock({WRITERS_TURN})"
    _begin(connection, words, "" if is_noting else ON_THE_DISK)


def _begin(connection: sa.Connection, words: str, after: str = "") -> None:
    """Begin with what is asked first: who has the turn need not be told before it goes on."""
    line = connection.connection.dbapi_connection
    if isinstance(line, Connection):
        line.begin(words, after)
    else:
        connection.exec_driver_sql(words)


def _answers(engine: sa.Engine, line: DBAPIConnection) -> bool:
    """Whether the server is still there for this connection."""
    try:
        return engine.dialect.do_ping(line)
    except (engine.dialect.loaded_dbapi.Error, OSError):
        return False
