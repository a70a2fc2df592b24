"""Keep what one person proposed about a customer until a second says the same.

A proposal is a verdict without a decision; it becomes one in the same transaction as the second
person's, and the two must say the same of the same records.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from rules.decision import NewDecision
from store.decisions import add_decision
from store.state.engine import reading, writing
from store.state.moments import to_moment, to_text
from store.state.tables import VERDICTS


class Proposal(NamedTuple):
    """What somebody proposed and nobody has agreed to yet."""

    name: str
    at: datetime
    subject: str
    """Of the decision to be, as JSON."""
    because: str


class Proposals:
    """The proposals of an open state database."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def about(self, customer_id: str) -> list[Proposal]:
        """What waits for a second person, the oldest first."""
        query = sa.select(VERDICTS).where(_open(customer_id)).order_by(VERDICTS.c.said_at)
        with reading(self._engine) as connection:
            return [
                Proposal(row.user_name, to_moment(row.said_at), row.answer, row.because)
                for row in connection.execute(query)
            ]

    def say(self, customer_id: str, decision: NewDecision) -> int | None:
        """Store the decision if somebody else proposed the same; else propose it."""
        subject = decision.subject.text()
        mine = VERDICTS.c.user_name == decision.decided_by
        with writing(self._engine) as connection:
            same = _open(customer_id) & ~mine & (VERDICTS.c.answer == subject)
            if connection.execute(sa.select(VERDICTS).where(same)).first() is not None:
                stored = add_decision(connection, decision, self._now())
                settled = sa.update(VERDICTS).where(_open(customer_id) & ~mine)
                connection.execute(settled.values(decision_id=stored.decision_id))
                connection.execute(sa.delete(VERDICTS).where(_open(customer_id) & mine))
                return stored.decision_id
            connection.execute(sa.delete(VERDICTS).where(_open(customer_id) & mine))
            connection.execute(sa.insert(VERDICTS).values(self._row(customer_id, decision)))
            return None

    def withdraw(self, customer_id: str, name: str) -> None:
        """Take back what this person proposed."""
        mine = _open(customer_id) & (VERDICTS.c.user_name == name)
        with writing(self._engine) as connection:
            connection.execute(sa.delete(VERDICTS).where(mine))

    def _row(self, customer_id: str, decision: NewDecision) -> dict[str, object]:
        now = to_text(self._now())
        return {
            "verdict_id": decision.idempotency_key,
            "item_id": _item(customer_id),
            "item_version": int(self._now().timestamp()),
            "user_name": decision.decided_by,
            "said_at": now,
            "answer": decision.subject.text(),
            "because": decision.because,
            "decision_id": None,
        }


def _item(customer_id: str) -> str:
    """Under which name proposals stand beside the verdicts on items."""
    return f"unmerge:{customer_id}"


def _open(customer_id: str) -> sa.ColumnElement[bool]:
    return (VERDICTS.c.item_id == _item(customer_id)) & VERDICTS.c.decision_id.is_(None)
