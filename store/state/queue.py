"""Work the queue of review items: who has which one before them, and what they said.

An item is claimed by one person at a time, for ten minutes that every act of theirs renews. A
verdict names the version of the item that was looked at, so that nobody decides what has changed,
and carries a key of the browser's making, so that a retried request is stored once.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from operator import call
from typing import NamedTuple

import sqlalchemy as sa

from rules.decision import NewDecision
from store.decisions import add_decision
from store.errors import TouchstoneError
from store.state.audit import Noted, note
from store.state.counting import Beside, Counting
from store.state.engine import at_the_end, reading, writing
from store.state.moments import to_text
from store.state.scope import (
    ADMINISTRATORS,
    CLAIM_LASTS,
    DECIDED,
    SECOND,
    Reader,
    in_scope,
    is_back,
    is_held,
    may_have,
    visible,
)
from store.state.tables import CLAIMS, ITEMS, SKIPS, VERDICTS
from store.state.tallies import Tally, tallies
from store.state.verdicts import (
    Said,
    Verdict,
    first_verdicts,
    is_settled_by,
    store_verdict,
    turn_item,
    what_happened,
)

SKIP_LASTS = timedelta(hours=1)
KEPT_LASTS = CLAIM_LASTS - timedelta(minutes=1)
"""For so long the next item is kept for somebody who has another before them."""


class Claimed(NamedTuple):
    """An item that a person has before them."""

    item_id: str
    kind: str
    version: int
    state: str
    expires_at: datetime


class StaleError(TouchstoneError):
    """The item is not as the person saw it; the message says what happened meanwhile."""


class ClaimEndedError(StaleError):
    """The item is as the person saw it, but not theirs any more, nor anybody's."""


class Queue:
    """The queue of an open state database."""

    def __init__(
        self,
        engine: sa.Engine,
        now: Callable[[], datetime],
        looking: Callable[[], AbstractContextManager[sa.Connection]] | None = None,
        beside: Beside = call,
    ) -> None:
        """`looking`: how claims are written, which are worth no wait for the disk.

        `beside`: how a long queue is counted anew, which is worth no wait of anybody's.
        """
        self._engine = engine
        self._now = now
        self._looking = looking or partial(writing, engine)
        self._counting = Counting(self._count, now, beside)

    def next(
        self, reader: Reader, kinds: tuple[str, ...], after: str | None = None
    ) -> Claimed | None:
        """The item that the reader took last, or the most urgent free one, which is theirs now.

        `after`: the item that they have before them; the one that will follow it is kept for them,
        a little shorter than one that they are looking at.
        """
        with reading(self._engine) as connection:  # nobody waits for who only looks
            likely = self._found(connection, reader, kinds, after)
        if likely is None:
            return None
        with self._looking() as connection:
            row = connection.execute(self._still_free(reader, str(likely.item_id))).first()
            if row is None:  # somebody was quicker
                row = self._found(connection, reader, kinds, after)
            return None if row is None else self._claim(connection, row, reader, after)

    def take(self, reader: Reader, item_id: str, after: str | None = None) -> Claimed:
        """Claim this item, unless somebody else has it or the reader may not see it."""
        with self._looking() as connection:
            row = connection.execute(self._with_holder(reader, item_id)).first()
            if row is None:
                raise StaleError(f"There is no item {item_id} that waits for you.")
            if row.holder not in {None, reader.name}:
                raise StaleError(f"{row.holder} has this item now; take the next one.")
            return self._claim(connection, row, reader, after)

    def skip(self, reader: Reader, item_id: str) -> None:
        """Let go of an item and do not show it to this reader for an hour."""
        with self._looking() as connection:
            _release(connection, reader.name, item_id)
            connection.execute(sa.delete(SKIPS).where(_of(SKIPS, item_id, reader.name)))
            until = to_text(self._now() + SKIP_LASTS)
            row = {"item_id": item_id, "user_name": reader.name, "until": until}
            connection.execute(sa.insert(SKIPS).values(row))

    def release(self, reader: Reader, item_id: str, until: datetime | None = None) -> None:
        """Let go of an item.

        `until`: only a claim that ends by then. Who has taken the item again since has a longer
        one, and keeps it when the word that they left comes late.
        """
        with self._looking() as connection:
            _release(connection, reader.name, item_id, until)

    def release_all(self, name: str) -> None:
        """Let go of all that a person has before them, or has kept for them."""
        with self._looking() as connection:
            connection.execute(sa.delete(CLAIMS).where(CLAIMS.c.user_name == name))

    def say(
        self,
        reader: Reader,
        verdict: Verdict,
        decision: NewDecision | None,
        also: Sequence[NewDecision] = (),
    ) -> Said:
        """Store a verdict, and the decisions that it is when nobody else has to agree.

        No decision: the person is unsure, and somebody else is asked.
        """
        with writing(self._engine) as connection:
            known = connection.execute(
                sa.select(VERDICTS).where(VERDICTS.c.verdict_id == verdict.verdict_id)
            ).first()
            if known is not None:
                return Said(known.decision_id, is_replayed=True)
            item = self._held(connection, reader, verdict)
            others = first_verdicts(connection, verdict)
            is_settled = decision is not None and is_settled_by(others, verdict)
            decision_id = None
            with at_the_end(connection):
                if decision is not None and is_settled:
                    decision_id = add_decision(connection, decision, self._now()).decision_id
                    for one in also:
                        add_decision(connection, one, self._now())
                store_verdict(connection, reader, verdict, decision_id, to_text(self._now()))
                state = DECIDED if is_settled else SECOND
                turn_item(connection, item.item_id, item.version, state, moves=is_settled)
                _release(connection, reader.name, item.item_id)
                self._note(connection, reader, "verdict", item.item_id)
            return Said(decision_id, is_replayed=False)

    def escalate(self, reader: Reader, item_id: str) -> None:
        """Hand an item to the administrators."""
        with writing(self._engine) as connection:
            if connection.execute(
                visible(reader, self._now()).where(ITEMS.c.item_id == item_id)
            ).first():
                named = ITEMS.c.item_id == item_id
                connection.execute(sa.update(ITEMS).where(named).values(assigned_to=ADMINISTRATORS))
                _release(connection, reader.name, item_id)
                self._note(connection, reader, "escalate", item_id)

    def renew(self, reader: Reader, item_id: str) -> datetime | None:
        """Begin the ten minutes anew; none when the claim is somebody else's or ended."""
        expires_at = self._now() + CLAIM_LASTS
        with self._looking() as connection:
            if self._holder(connection, item_id) != reader.name:
                return None
            connection.execute(
                sa.update(CLAIMS)
                .where(_of(CLAIMS, item_id, reader.name))
                .values(expires_at=to_text(expires_at))
            )
        return expires_at

    def is_in_scope(self, reader: Reader, item_id: str) -> bool:
        """Whether the reader may know of the item at all, whatever became of it."""
        with reading(self._engine) as connection:
            query = in_scope(reader).where(ITEMS.c.item_id == item_id)
            return connection.execute(query).first() is not None

    def what_happened(self, item_id: str) -> str:
        """Why an item does not wait any more, in words for who wanted it."""
        with reading(self._engine) as connection:
            return what_happened(connection, item_id)

    def counts(self, reader: Reader) -> dict[str, int]:
        """How many items of each kind wait for this reader, claimed ones too.

        A long queue is counted now and then: it takes a while, and is stale when it is painted.
        """
        return self._counting.of(reader)

    def _count(self, reader: Reader) -> list[Tally]:
        with reading(self._engine) as connection:
            return tallies(connection, reader, self._now())

    def holders(self) -> dict[str, str]:
        """Who has which item before them."""
        query = sa.select(CLAIMS).where(is_held(self._now()))
        with reading(self._engine) as connection:
            return {row.item_id: row.user_name for row in connection.execute(query)}

    def _found(
        self,
        connection: sa.Connection,
        reader: Reader,
        kinds: tuple[str, ...],
        after: str | None,
    ) -> sa.Row[tuple[object, ...]] | None:
        row = connection.execute(self._mine(reader, kinds, after)).first()
        return row or connection.execute(self._free(reader, kinds)).first()

    def _still_free(self, reader: Reader, item_id: str) -> sa.Select[tuple[object, ...]]:
        """The item, unless it is answered or somebody else's by now."""
        others = sa.select(CLAIMS.c.item_id).where(
            (CLAIMS.c.item_id == item_id)
            & is_held(self._now())
            & (CLAIMS.c.user_name != reader.name)
        )
        return (
            visible(reader, self._now())
            .where((ITEMS.c.item_id == item_id) & ~sa.exists(others))
            .where(is_back(self._now()) & may_have(reader, self._now()))
        )

    def _mine(
        self, reader: Reader, kinds: tuple[str, ...], after: str | None
    ) -> sa.Select[tuple[object, ...]]:
        """What the reader has, the item that they took or were active on last first."""
        is_mine = (CLAIMS.c.user_name == reader.name) & is_held(self._now())
        return (
            visible(reader, self._now())
            .join(CLAIMS, (CLAIMS.c.item_id == ITEMS.c.item_id) & is_mine)
            .where(ITEMS.c.kind.in_(kinds) & (ITEMS.c.item_id != (after or "")))
            .where(is_back(self._now()))
            .order_by(CLAIMS.c.expires_at.desc(), ITEMS.c.item_id)
            .limit(1)
        )

    def _free(self, reader: Reader, kinds: tuple[str, ...]) -> sa.Select[tuple[object, ...]]:
        now = to_text(self._now())
        claimed = sa.select(CLAIMS.c.item_id).where(is_held(self._now()))
        skipped = sa.select(SKIPS.c.item_id).where(
            (SKIPS.c.user_name == reader.name) & (SKIPS.c.until > now)
        )
        return (
            visible(reader, self._now())
            .where(
                ITEMS.c.kind.in_(kinds)
                & ITEMS.c.item_id.not_in(claimed)
                & ITEMS.c.item_id.not_in(skipped)
                & is_back(self._now())
                & may_have(reader, self._now())
            )
            .order_by(ITEMS.c.urgency.desc(), ITEMS.c.item_id)
            .limit(1)
        )

    def _claim(
        self,
        connection: sa.Connection,
        row: sa.Row[tuple[object, ...]],
        reader: Reader,
        after: str | None = None,
    ) -> Claimed:
        expires_at = self._now() + (CLAIM_LASTS if after is None else KEPT_LASTS)
        ours = {"user_name": reader.name, "expires_at": to_text(expires_at)}
        with at_the_end(connection):
            self._note(connection, reader, "look", str(row.item_id))
            connection.execute(sa.delete(CLAIMS).where(CLAIMS.c.item_id == row.item_id))
            connection.execute(sa.insert(CLAIMS).values(item_id=row.item_id, **ours))
        return Claimed(row.item_id, row.kind, row.version, row.state, expires_at)

    def _note(self, connection: sa.Connection, reader: Reader, action: str, item_id: str) -> None:
        note(connection, Noted(self._now(), reader.name, action, item_id, ""))

    def _holder(self, connection: sa.Connection, item_id: str) -> str | None:
        claim = (CLAIMS.c.item_id == item_id) & is_held(self._now())
        name: str | None = connection.scalar(sa.select(CLAIMS.c.user_name).where(claim))
        return name

    def _with_holder(self, reader: Reader, item_id: str) -> sa.Select[tuple[object, ...]]:
        """The item, if it waits for the reader, and who has it."""
        claim = (CLAIMS.c.item_id == item_id) & is_held(self._now())
        holder = sa.select(CLAIMS.c.user_name).where(claim).scalar_subquery().label("holder")
        return visible(reader, self._now()).where(ITEMS.c.item_id == item_id).add_columns(holder)

    def _held(
        self, connection: sa.Connection, reader: Reader, verdict: Verdict
    ) -> sa.Row[tuple[object, ...]]:
        """The item as the reader saw it and has it; else what happened to it."""
        item = connection.execute(self._with_holder(reader, verdict.item_id)).first()
        if item is None or item.version != verdict.version:
            raise StaleError(what_happened(connection, verdict.item_id))
        if item.holder != reader.name:
            raise (
                ClaimEndedError("Nobody has this item now: take it again to decide it.")
                if item.holder is None
                else StaleError(f"Your claim ended and {item.holder} has this item now.")
            )
        return item


def _of(table: sa.Table, item_id: str, name: str) -> sa.ColumnElement[bool]:
    return (table.c.item_id == item_id) & (table.c.user_name == name)


def _release(
    connection: sa.Connection, name: str, item_id: str, until: datetime | None = None
) -> None:
    ends = sa.true() if until is None else CLAIMS.c.expires_at <= to_text(until)
    connection.execute(sa.delete(CLAIMS).where(_of(CLAIMS, item_id, name) & ends))
