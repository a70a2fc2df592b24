"""What persons said of review items: when it is settled, and what the item becomes by it."""

from typing import NamedTuple

import sqlalchemy as sa

from store.state.moments import to_moment
from store.state.scope import CLOSED, UNSURE, Reader
from store.state.tables import ASKS, ITEMS, VERDICTS


class Verdict(NamedTuple):
    """What a person said of an item."""

    verdict_id: str
    item_id: str
    version: int
    answer: str
    because: str
    needs_second: bool
    """Whether a second person must say the same before it is a decision."""


class Said(NamedTuple):
    """What became of a verdict."""

    decision_id: int | None
    """None: it waits for a second person, or two people disagree."""
    is_replayed: bool


def first_verdicts(connection: sa.Connection, verdict: Verdict) -> list[str]:
    """What others said of the item as it is, earliest first."""
    query = sa.select(VERDICTS.c.answer).where(
        (VERDICTS.c.item_id == verdict.item_id) & (VERDICTS.c.item_version == verdict.version)
    )
    return list(connection.scalars(query.order_by(VERDICTS.c.said_at)))


def is_settled_by(others: list[str], verdict: Verdict) -> bool:
    """One person is enough where no second is needed; else two must say the same."""
    sure = [answer for answer in others if answer != UNSURE]
    return verdict.answer in sure if sure or verdict.needs_second else True


def store_verdict(
    connection: sa.Connection, reader: Reader, verdict: Verdict, decision_id: int | None, at: str
) -> None:
    """Keep what a person said, with the decision that it became, if it did."""
    connection.execute(
        sa.insert(VERDICTS).values(
            verdict_id=verdict.verdict_id,
            item_id=verdict.item_id,
            item_version=verdict.version,
            user_name=reader.name,
            said_at=at,
            answer=verdict.answer,
            because=verdict.because,
            decision_id=decision_id,
        )
    )


def turn_item(
    connection: sa.Connection, item_id: str, version: int, state: str, *, moves: bool
) -> None:
    """Give the item its new state; a decided one is another version than the one looked at.

    Whoever answers has the customer's answer, or did not want it.
    """
    connection.execute(sa.delete(ASKS).where(ASKS.c.item_id == item_id))
    connection.execute(
        sa.update(ITEMS)
        .where(ITEMS.c.item_id == item_id)
        .values(state=state, version=version + int(moves))
    )


def what_happened(connection: sa.Connection, item_id: str) -> str:
    """Why an item is not as somebody saw it, in a sentence for them."""
    state = connection.scalar(sa.select(ITEMS.c.state).where(ITEMS.c.item_id == item_id))
    if state == CLOSED:
        return "A run has settled this, and nobody is asked any more. Take the next one."
    query = sa.select(VERDICTS).where(
        (VERDICTS.c.item_id == item_id) & VERDICTS.c.decision_id.is_not(None)
    )
    last = connection.execute(query.order_by(VERDICTS.c.said_at.desc())).first()
    if last is None:
        return "This item is not as you saw it; look at it again."
    at = to_moment(last.said_at).strftime("%H:%M on %-d %b")
    return f"{last.user_name} decided this at {at} (UTC): {last.answer}. Take the next one."
