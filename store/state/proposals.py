"""Keep what one person proposed until a second says the same.

A proposal is about a topic, such as `unmerge:C3-417`; the word before the colon is its kind.

Proposals stand among the verdicts, which are only added to: what somebody said last counts, nothing
said means taken back, and a verdict with a decision settles all that was said before it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

import sqlalchemy as sa

from rules.decision import NewDecision
from store.decisions import add_decision
from store.state.engine import reading, writing
from store.state.moments import to_moment, to_text
from store.state.striking import ERASED
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

    def about(self, topic: str) -> list[Proposal]:
        """What waits for a second person, the oldest first."""
        with reading(self._engine) as connection:
            return _waiting(_said(connection, topic))

    def of_kind(self, kind: str) -> list[tuple[str, Proposal]]:
        """All that waits for a second person under topics of a kind, each with its topic."""
        named = VERDICTS.c.item_id.startswith(f"{kind}:", autoescape=True)
        if self._engine.dialect.name == "sqlite":  # which finds no prefix in an index by itself
            named &= VERDICTS.c.item_id.between(f"{kind}:", f"{kind};")
        query = sa.select(VERDICTS).where(named).order_by(VERDICTS.c.item_version)
        topics: dict[str, list[sa.Row[tuple[object, ...]]]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(query):
                topics.setdefault(row.item_id, []).append(row)
        found = [(topic, one) for topic, said in topics.items() for one in _waiting(said)]
        return sorted(found, key=lambda one: (one[1].at, one[0]))

    def say(self, topic: str, decision: NewDecision) -> int | None:
        """Store the decision if somebody else proposed the same; else propose it."""
        with writing(self._engine) as connection:
            said = _said(connection, topic)
            known = next((r for r in said if r.verdict_id == decision.idempotency_key), None)
            if known is not None:
                number: int | None = known.decision_id
                return number
            others = [one for one in _waiting(said) if one.name != decision.decided_by]
            number = None
            if any(one.subject == decision.subject.text() for one in others):
                number = add_decision(connection, decision, self._now()).decision_id
            row = self._row(topic, decision.decided_by, len(said))
            row |= {"verdict_id": decision.idempotency_key, "answer": decision.subject.text()}
            row |= {"because": decision.because, "decision_id": number}
            connection.execute(sa.insert(VERDICTS).values(row))
            return number

    def withdraw(self, topic: str, name: str) -> None:
        """Take back what this person proposed."""
        with writing(self._engine) as connection:
            said = _said(connection, topic)
            if any(one.name == name for one in _waiting(said)):
                row = self._row(topic, name, len(said))
                connection.execute(sa.insert(VERDICTS).values(row))

    def _row(self, topic: str, name: str, number: int) -> dict[str, object]:
        """A verdict that says nothing."""
        return {
            "verdict_id": f"proposal-{uuid4()}",
            "item_id": topic,
            "item_version": number + 1,
            "user_name": name,
            "said_at": to_text(self._now()),
            "answer": "",
            "because": "",
            "decision_id": None,
        }


def _said(connection: sa.Connection, topic: str) -> list[sa.Row[tuple[object, ...]]]:
    """All that was ever said under this topic, in order."""
    query = sa.select(VERDICTS).where(VERDICTS.c.item_id == topic)
    return list(connection.execute(query.order_by(VERDICTS.c.item_version)))


def _waiting(said: list[sa.Row[tuple[object, ...]]]) -> list[Proposal]:
    last: dict[str, Proposal] = {}
    for row in said:
        if row.decision_id is not None:
            last.clear()
            continue
        last.pop(row.user_name, None)
        if row.answer and row.answer != ERASED:
            at = to_moment(row.said_at)
            last[row.user_name] = Proposal(row.user_name, at, row.answer, row.because)
    return list(last.values())
