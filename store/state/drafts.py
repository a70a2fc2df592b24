"""Keep what somebody has typed of a customer until it is complete: theirs alone, for a month."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from store.errors import TouchstoneError
from store.state.engine import reading, writing
from store.state.moments import to_moment, to_text
from store.state.tables import DRAFTS

LASTS = timedelta(days=30)
MOST = 50
"""Drafts of one person."""


class TooManyDraftsError(TouchstoneError):
    """A person has so many drafts that another one is not kept."""


class Draft(NamedTuple):
    """What somebody has typed so far."""

    draft_id: str
    saved_at: datetime
    typed: dict[str, str]


class Drafts:
    """The drafts of an open state database."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def keep(self, name: str, draft_id: str, typed: dict[str, str]) -> None:
        """Keep what was typed, in the place of what this draft said before."""
        now = self._now()
        row = {"user_name": name, "draft_id": draft_id, "saved_at": to_text(now)}
        with writing(self._engine) as connection:
            old = DRAFTS.c.saved_at < to_text(now - LASTS)
            connection.execute(sa.delete(DRAFTS).where(old | _named(name, draft_id)))
            mine = sa.select(sa.func.count()).where(DRAFTS.c.user_name == name)
            if int(connection.scalar(mine) or 0) >= MOST:
                raise TooManyDraftsError(f"You have {MOST} drafts; finish or discard some first.")
            content = json.dumps(typed, ensure_ascii=False)
            connection.execute(sa.insert(DRAFTS).values(**row, content=content))

    def find(self, name: str, draft_id: str) -> Draft | None:
        """A draft of this person."""
        return next((one for one in self.of_person(name) if one.draft_id == draft_id), None)

    def of_person(self, name: str) -> list[Draft]:
        """The drafts of a person, the newest first."""
        since = DRAFTS.c.saved_at >= to_text(self._now() - LASTS)
        query = sa.select(DRAFTS).where((DRAFTS.c.user_name == name) & since)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(DRAFTS.c.saved_at.desc())).all()
        return [Draft(r.draft_id, to_moment(r.saved_at), json.loads(r.content)) for r in rows]

    def drop(self, name: str, draft_id: str) -> None:
        """Remove a draft, if there is one."""
        if self.find(name, draft_id) is not None:  # mostly there is none: nobody waits for a turn
            with writing(self._engine) as connection:
                connection.execute(sa.delete(DRAFTS).where(_named(name, draft_id)))


def _named(name: str, draft_id: str) -> sa.ColumnElement[bool]:
    return (DRAFTS.c.user_name == name) & (DRAFTS.c.draft_id == draft_id)
