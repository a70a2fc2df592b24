"""Count the work of the stewards: what waits and since when, within a reader's campaigns."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from store.state.engine import reading
from store.state.moments import to_moment, to_text
from store.state.scope import OPEN, SECOND, Reader, in_scope, is_back
from store.state.tables import AUDIT, ITEMS, VERDICTS

MOST_VERDICTS = 10_000
"""The newest ones, of which agreement is told."""
MOST_TIMED = 1_000
"""The newest ones, of which it is told how long they took."""


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

    def seconds_taken(self, since: datetime, name: str | None = None) -> list[float]:
        """Of each verdict since then, how long its item was looked at; of one person, or of all.

        From the last time that the person was given the item, but not from before their verdict on
        another one: the next item is given ahead. Answers to many are left out.
        """
        looked = sa.func.max(AUDIT.c.at).label("looked_at")
        is_look = (
            (AUDIT.c.subject == VERDICTS.c.item_id)
            & (AUDIT.c.user_name == VERDICTS.c.user_name)
            & (AUDIT.c.action == "look")
            & (AUDIT.c.at <= VERDICTS.c.said_at)
        )
        query = (
            sa.select(VERDICTS.c.verdict_id, VERDICTS.c.user_name, VERDICTS.c.said_at, looked)
            .join(AUDIT, is_look)
            .where((VERDICTS.c.said_at >= to_text(since)) & VERDICTS.c.batch_id.is_(None))
            .group_by(VERDICTS.c.verdict_id, VERDICTS.c.user_name, VERDICTS.c.said_at)
            .order_by(VERDICTS.c.said_at.desc())
            .limit(MOST_TIMED)
        )
        if name is not None:
            query = query.where(VERDICTS.c.user_name == name)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        taken: list[float] = []
        before: dict[str, str] = {}
        for row in reversed(rows):
            began = max(row.looked_at, before.get(row.user_name, ""))
            taken.append((to_moment(row.said_at) - to_moment(began)).total_seconds())
            before[row.user_name] = row.said_at
        return taken

    def waiting(self, campaigns: frozenset[str] | None) -> list[Waits]:
        """Every item that waits for stewards whose records are all of these campaigns.

        No campaigns: of any.
        """
        waits = in_scope(Reader("", campaigns)).where(ITEMS.c.state.in_((OPEN, SECOND)))
        waits = waits.where(is_back(self._now()))
        found = waits.subquery()
        query = sa.select(found.c.kind, found.c.opened_at, found.c.due_at, found.c.escalated_to)
        with reading(self._engine) as connection:
            return [
                Waits(row.kind, to_moment(row.opened_at), to_moment(row.due_at), row.escalated_to)
                for row in connection.execute(query)
            ]
