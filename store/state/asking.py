"""Let an item wait until a day, because the customer was asked: nobody is handed it before.

It comes back on that day, when new evidence arrives, or when somebody brings it back.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from typing import NamedTuple
from uuid import uuid4

import sqlalchemy as sa

from store.state.audit import Noted, note
from store.state.engine import reading, writing
from store.state.moments import to_moment, to_text
from store.state.queue import ClaimEndedError
from store.state.scope import Reader, is_back, is_held, visible
from store.state.tables import ASKS, CLAIMS, COMMENTS, ITEMS


class Asked(NamedTuple):
    """That somebody asked the customer."""

    user_name: str
    asked_at: datetime
    until: datetime


class Asking:
    """What waits for customers in an open state database."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def ask(self, reader: Reader, item_id: str, until: date, text: str) -> None:
        """Let an item that the reader has wait until a day; what was asked is a comment."""
        now, back = self._now(), datetime.combine(until, time(), self._now().tzinfo)
        mine = (CLAIMS.c.item_id == item_id) & (CLAIMS.c.user_name == reader.name)
        with writing(self._engine) as connection:
            if connection.execute(sa.select(CLAIMS).where(mine & is_held(now))).first() is None:
                raise ClaimEndedError("Take the item again to ask the customer.")
            forget(connection, [item_id])
            row = {"item_id": item_id, "user_name": reader.name}
            times = {"asked_at": to_text(now), "until": to_text(back)}
            connection.execute(sa.insert(ASKS).values(**row, **times))
            said = {"comment_id": str(uuid4()), "said_at": to_text(now)}
            asked = f"Asked the customer, until {until:%-d %b %Y}: {text}"
            connection.execute(sa.insert(COMMENTS).values(**row, **said, text=asked))
            connection.execute(sa.delete(CLAIMS).where(mine))
            note(connection, Noted(now, reader.name, "ask_customer", item_id, until.isoformat()))

    def bring_back(self, reader: Reader, item_id: str) -> None:
        """Let the item wait for stewards again; asked twice, it is done once."""
        with writing(self._engine) as connection:
            if forget(connection, [item_id]):
                note(connection, Noted(self._now(), reader.name, "bring_back", item_id, ""))

    def of(self, item_id: str) -> Asked | None:
        """Who asked the customer about an item, and until when it waits or waited."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(ASKS).where(ASKS.c.item_id == item_id)).first()
        if row is None:
            return None
        return Asked(row.user_name, to_moment(row.asked_at), to_moment(row.until))

    def count(self, reader: Reader, kinds: tuple[str, ...]) -> int:
        """How many items of this reader wait for an answer of the customer."""
        away = ITEMS.c.kind.in_(kinds) & ~is_back(self._now())
        asked = visible(reader, self._now()).where(away).with_only_columns(sa.func.count())
        with reading(self._engine) as connection:
            return int(connection.scalar(asked) or 0)


def forget(connection: sa.Connection, item_ids: Iterable[str]) -> int:
    """Let items wait for no customer any more, inside a writer's transaction; how many did."""
    rows = connection.execute(sa.delete(ASKS).where(ASKS.c.item_id.in_(list(item_ids))))
    return int(rows.rowcount)
