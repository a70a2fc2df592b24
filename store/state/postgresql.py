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
FRESH = 2.0
"""Seconds since a connection was used, after which it is asked whether it still holds."""
USED = "used at"


def connect_postgresql(url: URL, wait_ms: int) -> sa.Engine:
    """Connections that commit by themselves, so that who only reads begins and ends nothing."""
    engine = sa.create_engine(url, hide_parameters=True, isolation_level="AUTOCOMMIT")

    @sa.event.listens_for(engine, "do_connect")
    def connect(_: object, __: object, words: list[Any], named: dict[str, Any]) -> Any:
        return Connection(*words, **named) if url.get_driver_name() == "pg8000" else None

    @sa.event.listens_for(engine, "checkout")
    def look(line: DBAPIConnection, about: ConnectionPoolEntry, _: object) -> None:
        last, about.info[USED] = about.info.get(USED), time.monotonic()
        if last is not None and about.info[USED] - last > FRESH and not _answers(engine, line):
            raise DisconnectionError  # so that another is made

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get("is_writing", False):
            soon = "SET LOCAL synchronous_commit = off; " * options.get("is_noting", False)
            _begin(
                connection,
                f"BEGIN ISOLATION LEVEL READ COMMITTED; {soon}SET LOCAL lock_timeout = {wait_ms};"
                f" SELECT pg_advisory_xact_lock({WRITERS_TURN})",
            )
        elif not options.get("is_reading", False):
            _begin(connection, "BEGIN ISOLATION LEVEL READ COMMITTED")

    return engine


def _begin(connection: sa.Connection, words: str) -> None:
    """Begin with what is asked first: who has the turn need not be told before it goes on."""
    line = connection.connection.dbapi_connection
    if isinstance(line, Connection):
        line.begin(words)
    else:
        connection.exec_driver_sql(words)


def _answers(engine: sa.Engine, line: DBAPIConnection) -> bool:
    """Whether the server is still there for this connection."""
    try:
        return engine.dialect.do_ping(line)
    except (engine.dialect.loaded_dbapi.Error, OSError):
        return False
