"""Keep the decision log: what people decided, added to and never changed.

SQLite by default, PostgreSQL by another URL. Writers take turns, so decisions are numbered
1, 2, 3 … without gaps and nobody sees a decision before an earlier one. A decision is on the
disk when `add` returns, and the database itself refuses to change or delete it.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from rules.decision import Decision, NewDecision, Subject, Undone
from store.errors import TouchstoneError
from store.migrations import NewerDatabaseError, upgrade

DECISIONS = sa.Table(
    "decisions",
    sa.MetaData(),
    sa.Column("decision_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("decided_at", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("item_id", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("because", sa.Text),
    sa.Column("snapshot_run_id", sa.Text),
    sa.Column("fingerprint", sa.Text),
    sa.Column("idempotency_key", sa.Text),
)
"""One row per decision. Text and numbers only, so that both databases hold the same."""

ROWS_AT_A_TIME = 50_000
WRITERS_TURN = 7_146_053
"""The PostgreSQL advisory lock that a writer holds until its commit."""

NO_WAL = "The decision log needs a local disk: SQLite cannot write ahead on this file system."
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


class DecisionLogError(TouchstoneError):
    """The log cannot be used as asked; the message says what to do."""


class DecisionLog:
    """An open decision log. One may be shared by the threads of a process."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        """Use `open_decisions` instead, which also makes the tables."""
        self._engine = engine
        self._now = now
        self._turn = threading.Lock()

    def add(self, decision: NewDecision) -> Decision:
        """Store a decision and return it, or return the stored one with the same key."""
        with self._turn, _writing(self._engine) as connection:
            stored = _stored(connection, decision)
            if stored is not None:
                return stored
            last = connection.scalar(sa.select(sa.func.max(DECISIONS.c.decision_id))) or 0
            _refuse_unknown(decision.subject, last)
            fields = {name: getattr(decision, name) for name in NewDecision.model_fields}
            stored = Decision(decision_id=last + 1, decided_at=self._now(), **fields)
            connection.execute(sa.insert(DECISIONS).values(_row(stored)))
        return stored

    def undo(
        self, decision_id: int, by: str, because: str, *, idempotency_key: str | None = None
    ) -> Decision:
        """Take a decision back by another; undoing an undo restores.

        A caller that may ask twice, such as a browser, gives the key that makes it one.
        """
        undo = NewDecision(
            decided_by=by,
            kind="undo",
            subject=Undone(decision_id=decision_id),
            because=because,
            idempotency_key=idempotency_key or f"undo-{uuid4()}",
        )
        return self.add(undo)

    def read(self, after: int = 0) -> pl.DataFrame:
        """Return the decisions after a number, in order; `subject` is JSON."""
        query = sa.select(DECISIONS).where(DECISIONS.c.decision_id > after)
        with _explained(self._engine.url), self._engine.connect() as connection:
            result = connection.execution_options(yield_per=ROWS_AT_A_TIME).execute(
                query.order_by(DECISIONS.c.decision_id)
            )
            frames = [_frame(list(zip(*rows, strict=True))) for rows in result.partitions()]
        return pl.concat([_frame([]), *frames])

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Return the log itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, whatever happened."""
        self.close()


def utc_now() -> datetime:
    """Return the time of day at which a decision is stored."""
    return datetime.now(UTC)


def open_decisions(
    url: str, *, wait_seconds: float = 30.0, now: Callable[[], datetime] = utc_now
) -> DecisionLog:
    """Open the log, making or upgrading its tables; writers wait for their turn so long."""
    engine = _engine(_known(url), round(wait_seconds * 1_000))
    try:
        with _writing(engine) as connection:
            upgrade(connection)
    except BaseException:
        engine.dispose()
        raise
    return DecisionLog(engine, now)


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
        return _sqlite(url, wait_ms)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        package = getattr(error, "name", None) or url.get_driver_name()
        raise DecisionLogError(
            f"The decision log {_name(url)} needs the Python package {package}; install it."
        ) from error


def _sqlite(url: URL, wait_ms: int) -> sa.Engine:
    try:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DecisionLogError(
            f"The folder of the decision log {_name(url)} cannot be made ({error.strerror});"
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
        is_writing = connection.get_execution_options().get("is_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")

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


def _postgresql(url: URL, wait_ms: int) -> sa.Engine:
    engine = sa.create_engine(
        url, hide_parameters=True, pool_pre_ping=True, isolation_level="READ COMMITTED"
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("is_writing", False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {wait_ms}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_TURN})")

    return engine


@contextmanager
def _writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Hold the only writer's transaction, committed at the end."""
    with (
        _explained(engine.url),
        engine.execution_options(is_writing=True).begin() as connection,
    ):
        yield connection


@contextmanager
def _explained(url: URL) -> Iterator[None]:
    """Say what to do where a database says what is wrong."""
    try:
        yield
    except NewerDatabaseError as error:
        raise DecisionLogError(
            f"The decision log {_name(url)} was written by a newer version; upgrade this program."
        ) from error
    except (sqlite3.Error, SQLAlchemyError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise DecisionLogError(f"The decision log {_name(url)} {_advice(cause)}.") from error


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


def _stored(connection: sa.Connection, decision: NewDecision) -> Decision | None:
    """Return the decision with the same key; the same key for another decision is refused."""
    key = decision.idempotency_key
    row = connection.execute(sa.select(DECISIONS).where(DECISIONS.c.idempotency_key == key)).first()
    if row is None:
        return None
    asked = _row(decision)
    if any(row._mapping[name] != value for name, value in asked.items()):
        raise DecisionLogError(
            f"Decision {row.decision_id} was stored under the same idempotency key and says"
            " something else; send the new decision under a key of its own."
        )
    fields = {name: getattr(decision, name) for name in NewDecision.model_fields}
    at = datetime.fromisoformat(row.decided_at)
    return Decision(decision_id=row.decision_id, decided_at=at, **fields)


def _refuse_unknown(subject: Subject, last: int) -> None:
    if isinstance(subject, Undone) and subject.decision_id > last:
        raise DecisionLogError(
            f"There is no decision {subject.decision_id} to undo; the last one is {last}."
        )


def _row(decision: NewDecision) -> dict[str, object]:
    """Return a decision's columns, as text and numbers."""
    row: dict[str, object] = {name: getattr(decision, name) for name in type(decision).model_fields}
    row["subject"] = decision.subject.text()
    if isinstance(decision, Decision):
        row["decided_at"] = decision.decided_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return row


def _frame(columns: list[tuple[object, ...]]) -> pl.DataFrame:
    """Return columns as a frame; none at all are an empty one."""
    schema = {c.name: pl.Int64 if c.name == "decision_id" else pl.String for c in DECISIONS.c}
    frame = pl.DataFrame(columns or [[] for _ in schema], schema=schema, orient="col")
    at = pl.col("decided_at").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us")
    return frame.with_columns(at.dt.replace_time_zone("UTC"))
