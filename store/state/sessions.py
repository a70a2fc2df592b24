"""Keep who is signed in: one row per session, so that ending one takes effect at once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import NamedTuple

import sqlalchemy as sa

from store.state.engine import noting, reading, writing
from store.state.moments import to_moment, to_text
from store.state.people import TOLD_OF_USERS, User, digest_of, granted_to
from store.state.tables import GRANTS, SESSIONS, USERS

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
RENEWED_AFTER = timedelta(minutes=1)
"""A session's last use is written no more often than this."""


class Session(NamedTuple):
    """An open session, for the list of one's own."""

    token_digest: str
    created_at: datetime
    seen_at: datetime
    device: str


class Sessions:
    """The sessions of an open state database."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def begin(self, name: str, device: str) -> str:
        """Open a session; the token for the browser, of which only a digest is stored.

        Those that hold no more are forgotten then: each names a person, a time and a device.
        """
        token = token_urlsafe(32)
        now = to_text(self._now())
        with writing(self._engine) as connection:
            connection.execute(sa.delete(SESSIONS).where(self._ended()))
            connection.execute(
                sa.insert(SESSIONS).values(
                    token_digest=digest_of(token),
                    user_name=name,
                    created_at=now,
                    seen_at=now,
                    device=device[:200],
                )
            )
        return token

    def user(self, token: str) -> User | None:
        """Who is signed in with this token, if the session holds and the person is active."""
        key = SESSIONS.c.token_digest == digest_of(token)
        grants = GRANTS.c.user_name == USERS.c.name
        told = sa.select(SESSIONS.c.created_at, SESSIONS.c.seen_at, *TOLD_OF_USERS)
        told = told.join(USERS, USERS.c.name == SESSIONS.c.user_name).outerjoin(GRANTS, grants)
        with reading(self._engine) as connection:  # asked by each request, so all at once
            rows = connection.execute(told.where(key)).all()
        if not rows or not self._holds(rows[0].created_at, rows[0].seen_at):
            return None
        row, user = rows[0], granted_to(rows)
        if to_moment(row.seen_at) + RENEWED_AFTER < self._now():
            with noting(self._engine) as connection:
                seen = sa.update(SESSIONS).where(key).values(seen_at=to_text(self._now()))
                connection.execute(seen)
        return user if user.is_active else None

    def of(self, name: str) -> list[Session]:
        """A person's sessions that hold, newest first."""
        query = sa.select(SESSIONS).where(SESSIONS.c.user_name == name)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(SESSIONS.c.created_at.desc())).all()
        return [
            Session(row.token_digest, to_moment(row.created_at), to_moment(row.seen_at), row.device)
            for row in rows
            if self._holds(row.created_at, row.seen_at)
        ]

    def end(self, token: str) -> None:
        """End a session."""
        self._delete(SESSIONS.c.token_digest == digest_of(token))

    def end_one(self, name: str, token_digest: str) -> None:
        """End one of a person's sessions, by the digest of its token."""
        self._delete((SESSIONS.c.user_name == name) & (SESSIONS.c.token_digest == token_digest))

    def end_all(self, name: str) -> None:
        """End all of a person's sessions."""
        self._delete(SESSIONS.c.user_name == name)

    def _ended(self) -> sa.ColumnElement[bool]:
        now = self._now()
        is_idle = SESSIONS.c.seen_at < to_text(now - IDLE)
        return is_idle | (SESSIONS.c.created_at < to_text(now - LONGEST))

    def _holds(self, created_at: str, seen_at: str) -> bool:
        now = self._now()
        return to_moment(seen_at) + IDLE > now and to_moment(created_at) + LONGEST > now

    def _delete(self, which: sa.ColumnElement[bool]) -> None:
        with writing(self._engine) as connection:
            connection.execute(sa.delete(SESSIONS).where(which))
