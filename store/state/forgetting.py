"""Forget questions that closed by themselves long ago.

Nobody answered or remarked on them, so nothing refers to them; one that is asked again is new. What
was answered stays, as the decision does.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from store.state.engine import reading, writing
from store.state.moments import to_text
from store.state.scope import CLOSED
from store.state.tables import CLAIMS, COMMENTS, ENTRIES, ITEM_CUSTOMERS, ITEMS, SKIPS, VERDICTS

AT_A_TIME = 500
"""Items that go in one transaction: stewards wait for no longer than that takes."""


def find_forgotten(engine: sa.Engine, before: datetime) -> list[str]:
    """The questions that are closed, were due before this moment and that nobody answered."""
    named = ITEMS.c.item_id
    said = [sa.exists().where(table.c.item_id == named) for table in (VERDICTS, COMMENTS)]
    query = sa.select(named).where(
        (ITEMS.c.state == CLOSED) & (ITEMS.c.due_at < to_text(before)) & ~sa.or_(*said)
    )
    with reading(engine) as connection:
        return list(connection.scalars(query.order_by(named)))


def forget_items(engine: sa.Engine, item_ids: Sequence[str]) -> None:
    """Remove these; one that was opened or answered meanwhile stays."""
    for start in range(0, len(item_ids), AT_A_TIME):
        some = item_ids[start : start + AT_A_TIME]
        with writing(engine) as connection:
            still = sa.select(ITEMS.c.item_id).where(
                ITEMS.c.item_id.in_(some)
                & (ITEMS.c.state == CLOSED)
                & ~sa.exists().where(VERDICTS.c.item_id == ITEMS.c.item_id)
            )
            gone = list(connection.scalars(still))
            for table in (ITEM_CUSTOMERS, ENTRIES, CLAIMS, SKIPS, ITEMS):
                connection.execute(sa.delete(table).where(table.c.item_id.in_(gone)))
