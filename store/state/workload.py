"""Count the work of the stewards: what waits and since when, within a reader's campaigns."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from store.state.engine import reading
from store.state.moments import to_moment
from store.state.scope import OPEN, SECOND, Reader, in_scope
from store.state.tables import ITEMS, VERDICTS

MOST_VERDICTS = 10_000
"""The newest ones, of which agreement is told."""


class Waits(NamedTuple):
    """An item that waits."""

    kind: str
    opened_at: datetime
    due_at: datetime
    escalated_to: str | None = None
    """Who was told that it is past due."""


class Judged(NamedTuple):
    """An item that two people judged without knowing of each other."""

    item_id: str
    names: tuple[str, str]
    answers: tuple[str, str]


class Workload:
    """What waits in an open state database."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def judged_twice(self, kinds: tuple[str, ...], sure: tuple[str, ...]) -> list[Judged]:
        """What the first two said of the newest items, each by a verdict of its own."""
        query = (
            sa.select(VERDICTS)
            .join(ITEMS, ITEMS.c.item_id == VERDICTS.c.item_id)
            .where(
                ITEMS.c.kind.in_(kinds)
                & VERDICTS.c.answer.in_(sure)
                & VERDICTS.c.batch_id.is_(None)
            )
            .order_by(VERDICTS.c.said_at.desc())
            .limit(MOST_VERDICTS)
        )
        found: dict[tuple[str, int], list[tuple[str, str]]] = {}
        with reading(self._engine) as connection:
            for row in reversed(connection.execute(query).all()):
                said = found.setdefault((row.item_id, row.item_version), [])
                said.append((row.user_name, row.answer))
        return [
            Judged(item_id, (one[0], other[0]), (one[1], other[1]))
            for (item_id, _), (one, other) in (
                (key, said[:2]) for key, said in found.items() if len(said) > 1
            )
        ]

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
