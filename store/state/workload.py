"""Count the work of the stewards: what waits and since when, within a reader's campaigns."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from store.state.engine import reading
from store.state.moments import to_moment
from store.state.scope import OPEN, SECOND, Reader, in_scope
from store.state.tables import ITEMS


class Waits(NamedTuple):
    """An item that waits."""

    kind: str
    opened_at: datetime
    due_at: datetime
    escalated_to: str | None = None
    """Who was told that it is past due."""


class Workload:
    """What waits in an open state database."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def waiting(self, campaigns: frozenset[str] | None) -> list[Waits]:
        """Every item that waits whose records are all of these campaigns; none means: of any."""
        waits = in_scope(Reader("", campaigns)).where(ITEMS.c.state.in_((OPEN, SECOND)))
        found = waits.subquery()
        query = sa.select(found.c.kind, found.c.opened_at, found.c.due_at, found.c.escalated_to)
        with reading(self._engine) as connection:
            return [
                Waits(row.kind, to_moment(row.opened_at), to_moment(row.due_at), row.escalated_to)
                for row in connection.execute(query)
            ]
