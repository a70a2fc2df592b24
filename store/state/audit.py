"""Write the audit trail: who looked at what and who changed what; ids, never values.

A change, a sign-in, an export is on the disk before it is acknowledged. A look is written before
the answer goes out and on the disk a fraction of a second later, many at once (decision 0018).
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from store.state.engine import reading
from store.state.moments import to_moment, to_text
from store.state.syncing import Syncing
from store.state.tables import AUDIT


class Noted(NamedTuple):
    """One row of the trail."""

    at: datetime
    user_name: str
    action: str
    subject: str
    detail: str


class Asked(NamedTuple):
    """What of the trail is asked for; an empty word means any."""

    user_name: str
    action: str
    subject: str
    most: int


LOOKS = frozenset({"look", "search", "changes", "match"})
"""Actions that change nothing and take nothing along."""


class Audit:
    """The audit trail of an open state database."""

    def __init__(
        self, engine: sa.Engine, now: Callable[[], datetime], *, looks_wait: bool = False
    ) -> None:
        self._engine = engine
        self._now = now
        self._at_leisure = frozenset() if looks_wait else LOOKS
        self._syncing = Syncing(engine)

    def note(self, user_name: str, action: str, subject: str = "", detail: str = "") -> None:
        """Add a row."""
        self.note_all([(user_name, action, subject, detail)])

    def note_all(self, rows: Sequence[tuple[str, str, str, str]]) -> list[None]:
        """Add many rows (who, what, subject, detail) in one transaction; nothing for each."""
        noted = [Noted(self._now(), *row) for row in rows]
        at_leisure = all(row.action in self._at_leisure for row in noted)
        with self._syncing.writing(at_leisure=at_leisure) as connection:
            note_all(connection, noted)
        return [None for _ in rows]

    def looking(self) -> AbstractContextManager[sa.Connection]:
        """Hold a writer's transaction in which somebody is shown something, and no more is done."""
        return self._syncing.writing(at_leisure="look" in self._at_leisure)

    def close(self) -> None:
        """Put the last looks on the disk."""
        self._syncing.close()

    def find(self, asked: Asked) -> list[Noted]:
        """The newest rows that fit; a subject by its beginning."""
        query = sa.select(AUDIT).order_by(AUDIT.c.audit_id.desc()).limit(asked.most)
        if asked.user_name:
            query = query.where(AUDIT.c.user_name == asked.user_name)
        if asked.action:
            query = query.where(AUDIT.c.action == asked.action)
        if asked.subject:
            query = query.where(AUDIT.c.subject.startswith(asked.subject, autoescape=True))
        with reading(self._engine) as connection:
            return [_noted(row) for row in connection.execute(query)]

    def about(self, subject: str) -> list[Noted]:
        """What was done with one thing, oldest first."""
        query = sa.select(AUDIT).where(AUDIT.c.subject == subject).order_by(AUDIT.c.audit_id)
        with reading(self._engine) as connection:
            return [_noted(row) for row in connection.execute(query)]


def note(connection: sa.Connection, noted: Noted) -> None:
    """Add a row inside a writer's transaction, with what it tells of."""
    note_all(connection, [noted])


def note_all(connection: sa.Connection, rows: Sequence[Noted]) -> None:
    """Add rows inside a writer's transaction; each is numbered as it is stored."""
    if rows:
        told = [row._asdict() | {"at": to_text(row.at)} for row in rows]
        connection.execute(_NUMBERED, told)


_NUMBERED = sa.insert(AUDIT).from_select(
    ["audit_id", *Noted._fields],
    sa.select(
        sa.func.coalesce(sa.func.max(AUDIT.c.audit_id), 0) + 1,
        *(sa.bindparam(name, type_=sa.Text) for name in Noted._fields),
    ),
)


def _noted(row: sa.Row[tuple[object, ...]]) -> Noted:
    return Noted(to_moment(row.at), row.user_name, row.action, row.subject, row.detail)
