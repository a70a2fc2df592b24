"""Keep the decision log: what people decided, added to and never changed.

SQLite by default, PostgreSQL by another URL. Writers take turns, so decisions are numbered
1, 2, 3 … without gaps and nobody sees a decision before an earlier one. A decision is on the
disk when `add` returns, and the database itself refuses to change or delete it.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import polars as pl
import sqlalchemy as sa

from rules.decision import Decision, NewDecision, Subject, Undone
from store.errors import DecisionLogError
from store.state.engine import open_engine, reading_in_parts, writing

__all__ = ["DECISIONS", "DecisionLog", "DecisionLogError", "open_decisions", "utc_now"]

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


class DecisionLog:
    """An open decision log. One may be shared by the threads of a process."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        """Use `open_decisions` instead, which also makes the tables."""
        self._engine = engine
        self._now = now
        self._turn = threading.Lock()

    def add(self, decision: NewDecision) -> Decision:
        """Store a decision and return it, or return the stored one with the same key."""
        with self._turn, writing(self._engine) as connection:
            return add_decision(connection, decision, self._now())

    def undo(
        self,
        decision_id: int,
        by: str,
        because: str,
        *,
        snapshot_run_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Decision:
        """Take a decision back by another; undoing an undo restores.

        A caller that may ask twice, such as a browser, gives the key that makes it one. The
        snapshot that was looked at tells which run obeys it, and so where names lead that end then.
        """
        undo = NewDecision(
            decided_by=by,
            kind="undo",
            subject=Undone(decision_id=decision_id),
            because=because,
            snapshot_run_id=snapshot_run_id,
            idempotency_key=idempotency_key or f"undo-{uuid4()}",
        )
        return self.add(undo)

    def replay(self, told: pl.DataFrame) -> int:
        """Add what a copy of this log has beyond it, as `read` told it; how many decisions.

        A copy that does not begin as this log does is another's: it is refused.
        """
        named = ["decision_id", "decided_at", "decided_by", "kind"]
        with self._turn, writing(self._engine) as connection:
            own = _frame(_columns(connection.execute(sa.select(DECISIONS)).all()))
            begins = told.head(own.height).select(named)
            if not begins.equals(own.sort("decision_id").head(told.height).select(named)):
                raise DecisionLogError(
                    "The decisions to replay are not those of this data: the two logs do not begin "
                    "alike. Name a backup that was made of it later."
                )
            newer = told.filter(pl.col("decision_id") > own.height)
            at = pl.col("decided_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
            for row in newer.with_columns(at).iter_rows(named=True):
                connection.execute(sa.insert(DECISIONS).values(**row))
        return newer.height

    def read(self, after: int = 0) -> pl.DataFrame:
        """Return the decisions after a number, in order; `subject` is JSON."""
        query = sa.select(DECISIONS).where(DECISIONS.c.decision_id > after)
        with reading_in_parts(self._engine) as connection:
            ordered = query.order_by(DECISIONS.c.decision_id)
            result = connection.execute(ordered.execution_options(yield_per=ROWS_AT_A_TIME))
            frames = [_frame(_columns(rows)) for rows in result.partitions()]
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


def add_decision(connection: sa.Connection, decision: NewDecision, now: datetime) -> Decision:
    """Store a decision inside a writer's transaction, or return the stored one with its key."""
    stored = _stored(connection, decision)
    if stored is not None:
        return stored
    last = connection.scalar(sa.select(sa.func.max(DECISIONS.c.decision_id))) or 0
    _refuse_unknown(decision.subject, last)
    fields = {name: getattr(decision, name) for name in NewDecision.model_fields}
    stored = Decision(decision_id=last + 1, decided_at=now, **fields)
    connection.execute(sa.insert(DECISIONS).values(_row(stored)))
    return stored


def open_decisions(
    url: str, *, wait_seconds: float = 30.0, now: Callable[[], datetime] = utc_now
) -> DecisionLog:
    """Open the log, making or upgrading its tables; writers wait for their turn so long."""
    return DecisionLog(open_engine(url, wait_seconds), now)


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


def _columns(rows: Sequence[sa.Row[Any]]) -> list[tuple[object, ...]]:
    return list(zip(*rows, strict=True))


def _frame(columns: list[tuple[object, ...]]) -> pl.DataFrame:
    """Return columns as a frame; none at all are an empty one."""
    schema = {c.name: pl.Int64 if c.name == "decision_id" else pl.String for c in DECISIONS.c}
    frame = pl.DataFrame(columns or [[] for _ in schema], schema=schema, orient="col")
    at = pl.col("decided_at").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us")
    return frame.with_columns(at.dt.replace_time_zone("UTC"))
