"""Keep the item that asks administrators about a snapshot that is held back."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from rules.decision import NewDecision
from store.decisions import add_decision
from store.state.engine import reading, writing
from store.state.scope import ADMINISTRATORS, CLOSED, DECIDED, OPEN
from store.state.tables import CAMPAIGN_SETS, CLAIMS, ITEMS

PUBLICATION = "publication"
"""The kind of these items; no run stages them with its own."""


class Asked(NamedTuple):
    """An item as it should stand."""

    item_id: str
    urgency: float
    opened_at: str
    due_at: str
    fingerprint: str


def show_publication(engine: sa.Engine, asked: Asked | None) -> None:
    """Show this item and no other of its kind; done twice it is done once.

    One that was answered stays answered as long as it asks the same.
    """
    if _stands(engine, asked):
        return
    with writing(engine) as connection:
        known = {row.item_id: row for row in connection.execute(_known())}
        for item_id, row in known.items():
            if row.state != CLOSED and (asked is None or item_id != asked.item_id):
                _turn(connection, item_id, CLOSED)
        if asked is not None:
            _bring(connection, asked, known.get(asked.item_id))


def answer_publication(
    engine: sa.Engine, decision: NewDecision, now: datetime, *, is_settled: bool
) -> int:
    """Store what was decided of a snapshot; whether that settles the item."""
    with writing(engine) as connection:
        stored = add_decision(connection, decision, now)
        if is_settled and decision.item_id is not None:
            _turn(connection, decision.item_id, DECIDED)
        return stored.decision_id


def _known() -> sa.Select[tuple[object, ...]]:
    return sa.select(ITEMS).where(ITEMS.c.kind == PUBLICATION)


def _stands(engine: sa.Engine, asked: Asked | None) -> bool:
    """Whether all is as it should be; looking keeps nobody from writing."""
    with reading(engine) as connection:
        shown = [row for row in connection.execute(_known()) if row.state != CLOSED]
    return [Asked(*(getattr(row, name) for name in Asked._fields)) for row in shown] == (
        [] if asked is None else [asked]
    )


def _bring(
    connection: sa.Connection, asked: Asked, known: sa.Row[tuple[object, ...]] | None
) -> None:
    if known is None:
        _name_nobody_else(connection)
        connection.execute(
            sa.insert(ITEMS).values(
                **asked._asdict(),
                kind=PUBLICATION,
                state=OPEN,
                version=1,
                first_run=0,  # it is asked whichever run is shown
                campaign_set=ADMINISTRATORS,
            )
        )
        return
    asks_again = known.state == CLOSED or known.fingerprint != asked.fingerprint
    anew = {"state": OPEN, "version": known.version + 1, "escalated_to": None}
    named = ITEMS.c.item_id == asked.item_id
    values = asked._asdict() | (anew if asks_again else {})
    connection.execute(sa.update(ITEMS).where(named).values(**values))


def _name_nobody_else(connection: sa.Connection) -> None:
    """Make the set of campaigns that no reader but an administrator has."""
    is_named = CAMPAIGN_SETS.c.campaign_set == ADMINISTRATORS
    if connection.execute(sa.select(CAMPAIGN_SETS).where(is_named)).first() is None:
        row = {"campaign_set": ADMINISTRATORS, "campaign": ADMINISTRATORS}
        connection.execute(sa.insert(CAMPAIGN_SETS).values(**row))


def _turn(connection: sa.Connection, item_id: str, state: str) -> None:
    """Give the item its new state; nobody has it before them any more."""
    named = ITEMS.c.item_id == item_id
    step = {"state": state, "version": ITEMS.c.version + 1}
    connection.execute(sa.update(ITEMS).where(named).values(**step))
    connection.execute(sa.delete(CLAIMS).where(CLAIMS.c.item_id == item_id))
