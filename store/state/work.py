"""Read the queue as a list, and what was said of its items; take a verdict back."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

import sqlalchemy as sa

from store.errors import TouchstoneError
from store.state.engine import reading, writing
from store.state.given import Given, given_rows, take_back_in, told_of
from store.state.moments import to_moment, to_text
from store.state.scope import (
    OPEN,
    SECOND,
    TOO_LARGE,
    Reader,
    in_scope,
    is_back,
    is_held,
    visible,
)
from store.state.tables import ASKS, CLAIMS, COMMENTS, ITEMS, SKIPS, VERDICTS


class Waiting(NamedTuple):
    """An item in somebody's list."""

    item_id: str
    kind: str
    state: str
    version: int
    urgency: float
    """By what items are ordered; `Order.priority_at` tells the priority of a moment."""
    opened_at: datetime
    due_at: datetime
    holder: str | None
    """Who has it before them now."""
    until: datetime | None
    manager: str | None = None
    """The account manager of its customers."""
    escalated_to: str | None = None
    """Who was told that it is past due."""
    is_too_large: bool = False
    """Whether it has so many records behind it that only administrators have it."""


class Comment(NamedTuple):
    """What somebody wrote about an item."""

    user_name: str
    said_at: datetime
    text: str


class Aside(NamedTuple):
    """How many items lie beside those that wait for somebody."""

    second: int
    """Looked at by somebody else already."""
    late: int
    asked: int
    """Whose customer was asked."""
    given: int
    """Verdicts that they gave."""


class Work:
    """The queue of an open state database, for reading."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def waiting(self, reader: Reader, kinds: tuple[str, ...], most: int) -> list[Waiting]:
        """What waits for this reader, the most urgent first, without what they skipped."""
        now = to_text(self._now())
        skipped = sa.select(SKIPS.c.item_id).where(
            (SKIPS.c.user_name == reader.name) & (SKIPS.c.until > now)
        )
        return self._list(
            visible(reader, self._now())
            .where(ITEMS.c.kind.in_(kinds) & ITEMS.c.item_id.not_in(skipped))
            .where(is_back(self._now()))
            .order_by(ITEMS.c.urgency.desc(), ITEMS.c.item_id)
            .limit(most)
        )

    def second_looks(self, reader: Reader, kinds: tuple[str, ...], most: int) -> list[Waiting]:
        """What waits for this reader and was looked at by somebody else already."""
        return self._list(self._second(reader, kinds).limit(most))

    def past_due(self, reader: Reader, kinds: tuple[str, ...], most: int) -> list[Waiting]:
        """What waits for this reader beyond its day, the longest overdue first."""
        late = self._late(reader, kinds).order_by(ITEMS.c.due_at, ITEMS.c.item_id)
        return self._list(late.limit(most))

    def asked(self, reader: Reader, kinds: tuple[str, ...], most: int) -> list[Waiting]:
        """What waits for an answer of the customer, the first to come back first."""
        day = sa.select(ASKS.c.until).where(ASKS.c.item_id == ITEMS.c.item_id).scalar_subquery()
        return self._list(
            visible(reader, self._now())
            .where(ITEMS.c.kind.in_(kinds) & ~is_back(self._now()))
            .order_by(day, ITEMS.c.item_id)
            .limit(most)
        )

    def skipped_count(self, reader: Reader, kinds: tuple[str, ...], most: int) -> int:
        """How many items that wait this reader has skipped, counted so far."""
        skipped = sa.select(SKIPS.c.item_id).where(
            (SKIPS.c.user_name == reader.name) & (SKIPS.c.until > to_text(self._now()))
        )
        waits = visible(reader, self._now()).where(ITEMS.c.kind.in_(kinds) & is_back(self._now()))
        return self._count(waits.where(ITEMS.c.item_id.in_(skipped)), most)

    def aside(self, reader: Reader, kinds: tuple[str, ...], since: datetime, most: int) -> Aside:
        """How many items lie beside those that wait, counted so far, asked at one go."""
        away = visible(reader, self._now()).where(ITEMS.c.kind.in_(kinds) & ~is_back(self._now()))
        given = sa.select(VERDICTS.c.verdict_id).where(
            (VERDICTS.c.user_name == reader.name) & (VERDICTS.c.said_at >= to_text(since))
        )
        counted = [
            _count_of(self._second(reader, kinds).with_only_columns(ITEMS.c.item_id).limit(most)),
            _count_of(self._late(reader, kinds).with_only_columns(ITEMS.c.item_id).limit(most)),
            _count_of(away.with_only_columns(ITEMS.c.item_id)),
            _count_of(given),
        ]
        with reading(self._engine) as connection:
            return Aside(*connection.execute(sa.select(*counted)).one())

    def manager_of(self, item_id: str) -> str | None:
        """The account manager of an item's customers."""
        with reading(self._engine) as connection:
            query = sa.select(ITEMS.c.manager).where(ITEMS.c.item_id == item_id)
            name: str | None = connection.scalar(query)
            return name

    def find(self, reader: Reader, item_id: str) -> Waiting | None:
        """An item that waits for this reader."""
        found = self._list(visible(reader, self._now()).where(ITEMS.c.item_id == item_id))
        return found[0] if found else None

    def state_of(self, item_id: str) -> str | None:
        """Whether an item waits, and if not, why."""
        with reading(self._engine) as connection:
            query = sa.select(ITEMS.c.state).where(ITEMS.c.item_id == item_id)
            state: str | None = connection.scalar(query)
            return state

    def is_too_large(self, reader: Reader, item_id: str) -> bool:
        """Whether an item in scope waits for administrators, since too much is behind it."""
        waits = sa.text(f"items.state in ('{OPEN}', '{SECOND}')")
        named = (ITEMS.c.item_id == item_id) & (ITEMS.c.assigned_to == TOO_LARGE)
        with reading(self._engine) as connection:
            return connection.execute(in_scope(reader).where(waits & named)).first() is not None

    def given(self, item_id: str) -> list[Given]:
        """What was said of an item, oldest first."""
        query = given_rows().where(VERDICTS.c.item_id == item_id).order_by(VERDICTS.c.said_at)
        with reading(self._engine) as connection:
            return [told_of(row) for row in connection.execute(query)]

    def verdict(self, verdict_id: str) -> Given | None:
        """A verdict by its name."""
        with reading(self._engine) as connection:
            row = connection.execute(
                given_rows().where(VERDICTS.c.verdict_id == verdict_id)
            ).first()
            return None if row is None else told_of(row)

    def last_given(self, name: str, kinds: tuple[str, ...]) -> Given | None:
        """The last verdict of a person that stands."""
        query = given_rows().where((VERDICTS.c.user_name == name) & ITEMS.c.kind.in_(kinds))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(VERDICTS.c.said_at.desc()).limit(10))
            return next((given for row in rows if (given := told_of(row)).stands), None)

    def pending(self, item_ids: list[str]) -> dict[str, str]:
        """Of these items, those that are decided and wait for the next run: who decided."""
        query = given_rows().where(VERDICTS.c.item_id.in_(item_ids))
        with reading(self._engine) as connection:
            every = [told_of(row) for row in connection.execute(query)]
        return {
            given.item_id: given.user_name
            for given in every
            if given.stands and given.decision_id is not None
        }

    def comments(self, item_id: str) -> list[Comment]:
        """What people wrote about an item, oldest first."""
        query = sa.select(COMMENTS).where(COMMENTS.c.item_id == item_id)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(COMMENTS.c.said_at)).all()
        return [Comment(row.user_name, to_moment(row.said_at), row.text) for row in rows]

    def comment(self, name: str, item_id: str, text: str) -> None:
        """Add a comment."""
        with writing(self._engine) as connection:
            connection.execute(
                sa.insert(COMMENTS).values(
                    comment_id=str(uuid4()),
                    item_id=item_id,
                    user_name=name,
                    said_at=to_text(self._now()),
                    text=text,
                )
            )

    def take_back(self, name: str, verdict_id: str) -> str:
        """Undo a verdict with all that it decided; the item waits again. Returns the item.

        Each undo is an entry of its own in the log. Asked twice, it is done once.
        """
        with writing(self._engine) as connection:
            row = connection.execute(
                given_rows().where(VERDICTS.c.verdict_id == verdict_id)
            ).first()
            if row is None:
                raise TouchstoneError("There is no such verdict.")
            return take_back_in(connection, name, row, self._now())

    def _late(self, reader: Reader, kinds: tuple[str, ...]) -> sa.Select[tuple[object, ...]]:
        late = ITEMS.c.kind.in_(kinds) & (ITEMS.c.due_at < to_text(self._now()))
        return visible(reader, self._now()).where(late & is_back(self._now()))

    def _second(self, reader: Reader, kinds: tuple[str, ...]) -> sa.Select[tuple[object, ...]]:
        is_second = ITEMS.c.kind.in_(kinds) & sa.text(f"items.state = '{SECOND}'")
        ordered = visible(reader, self._now()).order_by(ITEMS.c.urgency.desc(), ITEMS.c.item_id)
        ordered = ordered.where(is_back(self._now()))
        return ordered.where(is_second)  # the order finds the index of these, for a count too

    def _count(self, query: sa.Select[tuple[object, ...]], most: int) -> int:
        some = query.with_only_columns(ITEMS.c.item_id).limit(most).subquery()
        with reading(self._engine) as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0)

    def _list(self, query: sa.Select[tuple[object, ...]]) -> list[Waiting]:
        """Items, and who has them."""
        mine = (CLAIMS.c.item_id == ITEMS.c.item_id) & is_held(self._now())
        claim = [
            sa.select(column).where(mine).scalar_subquery().label(name)
            for column, name in (
                (CLAIMS.c.user_name, "holder"),
                (CLAIMS.c.expires_at, "held_until"),
            )
        ]
        with reading(self._engine) as connection:
            rows = connection.execute(query.add_columns(*claim)).all()
        return [_waiting(row) for row in rows]


def _count_of(query: sa.Select[Any]) -> sa.ScalarSelect[Any]:
    return sa.select(sa.func.count()).select_from(query.subquery()).scalar_subquery()


def _waiting(row: sa.Row[tuple[object, ...]]) -> Waiting:
    return Waiting(
        row.item_id,
        row.kind,
        row.state,
        row.version,
        row.urgency,
        to_moment(row.opened_at),
        to_moment(row.due_at),
        row.holder,
        None if row.held_until is None else to_moment(row.held_until),
        row.manager,
        row.escalated_to,
        row.assigned_to == TOO_LARGE,
    )
