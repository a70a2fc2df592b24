"""Count the work of the stewards: what waits and since when, within a reader's campaigns."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from store.state.engine import reading
from store.state.moments import to_moment
from store.state.tables import ITEM_CAMPAIGNS, ITEMS, LIVE

WAITING = ("open", "second_look")
"""States of items that wait for somebody."""


class Waits(NamedTuple):
    """An item that waits."""

    kind: str
    opened_at: datetime
    due_at: datetime


class Workload:
    """What waits in an open state database."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def waiting(self, campaigns: frozenset[str] | None) -> list[Waits]:
        """Every item that waits whose records are all of these campaigns; none means: of any."""
        live = sa.select(LIVE.c.run_number).scalar_subquery()
        query = sa.select(ITEMS.c.kind, ITEMS.c.opened_at, ITEMS.c.due_at).where(
            ITEMS.c.state.in_(WAITING) & (ITEMS.c.first_run <= live)
        )
        if campaigns is not None:
            of_item = ITEM_CAMPAIGNS.c.item_id == ITEMS.c.item_id
            outside = ITEM_CAMPAIGNS.c.campaign.not_in(sorted(campaigns))
            query = query.where(
                ~sa.exists(sa.select(ITEM_CAMPAIGNS.c.item_id).where(of_item & outside))
                & sa.exists(sa.select(ITEM_CAMPAIGNS.c.item_id).where(of_item))
            )
        with reading(self._engine) as connection:
            return [
                Waits(row.kind, to_moment(row.opened_at), to_moment(row.due_at))
                for row in connection.execute(query)
            ]
