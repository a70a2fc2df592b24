"""Answer many items at once, each with a verdict and a decision of its own.

Two people always say so, and each is told nothing of what the other said. An item that somebody
else has before them, or that is not as it was seen, is left out and stays in the queue.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid5

import sqlalchemy as sa

from rules.decision import NewDecision
from store.decisions import add_decision
from store.state.audit import Noted, note, note_all
from store.state.engine import reading, writing
from store.state.given import given_rows, take_back_in, told_of
from store.state.moments import to_moment, to_text
from store.state.scope import (
    DECIDED,
    OPEN,
    SECOND,
    Reader,
    in_scope,
    is_back,
    is_held,
    may_have,
    visible,
)
from store.state.tables import AUDIT, BATCHES, CLAIMS, ITEMS, LIVE, VERDICTS

MOST_LOOKED_AT = 5_000
"""Items, the most urgent first, among which those that are alike are found."""


class Alike(NamedTuple):
    """One of the items that are answered at once."""

    item_id: str
    version: int


class Batch(NamedTuple):
    """An answer to many items."""

    batch_id: str
    first_batch_id: str
    """Its own name; a second person's answer has that of the first."""
    user_name: str
    said_at: datetime
    answer: str
    because: str
    pattern: str


class Counts(NamedTuple):
    """What became of an answer to many."""

    said: int
    decided: int
    waiting: int


class Bulk:
    """The answers to many items of an open state database."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def open_among(self, reader: Reader, item_ids: Collection[str], most: int) -> list[Alike]:
        """Of these items, those that wait for a first answer and that nobody else has."""
        query = (
            self._free(reader)
            .where((ITEMS.c.state == OPEN) & (ITEMS.c.kind == "match"))
            .where(may_have(reader, self._now()))
            .order_by(ITEMS.c.urgency.desc(), ITEMS.c.item_id)
            .limit(MOST_LOOKED_AT)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query)
            found = [Alike(row.item_id, row.version) for row in rows if row.item_id in item_ids]
        return found[:most]

    def left_of(self, reader: Reader, batch_id: str) -> list[Alike]:
        """The items of an answer that wait for this reader's."""
        mine = sa.select(VERDICTS.c.item_id).where(
            (VERDICTS.c.batch_id == batch_id) & (VERDICTS.c.item_version == ITEMS.c.version)
        )
        query = self._free(reader).where((ITEMS.c.state == SECOND) & ITEMS.c.item_id.in_(mine))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(ITEMS.c.urgency.desc(), ITEMS.c.item_id))
            return [Alike(row.item_id, row.version) for row in rows]

    def find(self, batch_id: str) -> Batch | None:
        """An answer by its name."""
        with reading(self._engine) as connection:
            row = connection.execute(_named(batch_id)).first()
        return None if row is None else _batch(row)

    def is_in_scope(self, reader: Reader, batch_id: str) -> bool:
        """Whether the reader may know of anything that was answered."""
        named = sa.select(VERDICTS.c.item_id).where(VERDICTS.c.batch_id == batch_id)
        with reading(self._engine) as connection:
            query = in_scope(reader).where(ITEMS.c.item_id.in_(named)).limit(1)
            return connection.execute(query).first() is not None

    def count_of(self, batch_id: str) -> Counts:
        """How many items were answered, are decided, and wait for somebody else."""
        with reading(self._engine) as connection:
            rows = connection.execute(given_rows().where(VERDICTS.c.batch_id == batch_id)).all()
        decided = sum(
            row.state == DECIDED and row.version_now == row.item_version + 1 for row in rows
        )
        waiting = sum(row.state == SECOND and row.version_now == row.item_version for row in rows)
        return Counts(len(rows), decided, waiting)

    def waiting(self, reader: Reader, most: int) -> list[tuple[str, int]]:
        """Answers of others that wait for a second person, and how many items of each."""
        seen = visible(reader, self._now()).where(ITEMS.c.state == SECOND).subquery()
        query = (
            sa.select(VERDICTS.c.batch_id, sa.func.count().label("items"))
            .join(
                seen,
                (seen.c.item_id == VERDICTS.c.item_id)
                & (seen.c.version == VERDICTS.c.item_version),
            )
            .join(BATCHES, BATCHES.c.batch_id == VERDICTS.c.batch_id)
            .where(BATCHES.c.first_batch_id == BATCHES.c.batch_id)
            .group_by(VERDICTS.c.batch_id)
            .order_by(VERDICTS.c.batch_id)
            .limit(most)
        )
        with reading(self._engine) as connection:
            return [(row.batch_id, row.items) for row in connection.execute(query)]

    def looked(self, name: str, item_ids: Collection[str]) -> set[str]:
        """Which of these items a person has opened since the live run was published."""
        since = sa.select(LIVE.c.switched_at).scalar_subquery()
        query = sa.select(AUDIT.c.subject).where(
            AUDIT.c.subject.in_(item_ids)
            & (AUDIT.c.user_name == name)
            & (AUDIT.c.action == "look")
            & (AUDIT.c.at >= since)
        )
        with reading(self._engine) as connection:
            return set(connection.scalars(query))

    def say(self, reader: Reader, batch: Batch, entries: dict[Alike, NewDecision]) -> int:
        """Store the answer to each item that is as it was seen; how many. A repeat changes nothing.

        Where somebody else has said the same, that is the decision.
        """
        with writing(self._engine) as connection:
            if connection.execute(_named(batch.batch_id)).first() is not None:
                return _count(connection, batch.batch_id)
            good = self._good(connection, reader, entries)
            others = _answers(connection, good)
            row = batch._asdict() | {"said_at": to_text(self._now())}
            connection.execute(sa.insert(BATCHES).values(row))
            for item in good:
                is_settled = batch.answer in others.get(item, ())
                self._answer(connection, batch, item, entries[item] if is_settled else None)
            self._end(connection, reader, batch, [item.item_id for item in good])
            return len(good)

    def take_back(self, name: str, batch_id: str) -> int:
        """Undo the whole answer with all that it decided; how many items wait again."""
        with writing(self._engine) as connection:
            rows = connection.execute(given_rows().where(VERDICTS.c.batch_id == batch_id)).all()
            standing = [row for row in rows if told_of(row).stands or row.decision_id is not None]
            for row in standing:
                take_back_in(connection, name, row, self._now())
            note(connection, Noted(self._now(), name, "take_back_all", batch_id, ""))
            return len(standing)

    def stands(self, batch_id: str) -> bool:
        """Whether no run has obeyed any of it."""
        with reading(self._engine) as connection:
            rows = connection.execute(given_rows().where(VERDICTS.c.batch_id == batch_id)).all()
        return all(told_of(row).stands for row in rows)

    def _free(self, reader: Reader) -> sa.Select[tuple[object, ...]]:
        others = sa.select(CLAIMS.c.item_id).where(
            is_held(self._now()) & (CLAIMS.c.user_name != reader.name)
        )
        is_there = ITEMS.c.item_id.not_in(others) & is_back(self._now())
        return visible(reader, self._now()).where(is_there)

    def _good(
        self, connection: sa.Connection, reader: Reader, entries: Collection[Alike]
    ) -> list[Alike]:
        """Those that are as they were seen and that nobody else has."""
        named = ITEMS.c.item_id.in_([item.item_id for item in entries])
        rows = connection.execute(self._free(reader).where(named)).all()
        versions = {row.item_id: row.version for row in rows}
        return [item for item in entries if versions.get(item.item_id) == item.version]

    def _answer(
        self, connection: sa.Connection, batch: Batch, item: Alike, decision: NewDecision | None
    ) -> None:
        now = self._now()
        number = None if decision is None else add_decision(connection, decision, now).decision_id
        row = {
            "verdict_id": verdict_of(batch.batch_id, item.item_id),
            "item_id": item.item_id,
            "item_version": item.version,
            "user_name": batch.user_name,
            "said_at": to_text(now),
            "answer": batch.answer,
            "because": batch.because,
            "decision_id": number,
            "batch_id": batch.batch_id,
        }
        connection.execute(sa.insert(VERDICTS).values(row))
        state, version = (SECOND, item.version) if number is None else (DECIDED, item.version + 1)
        named = ITEMS.c.item_id == item.item_id
        connection.execute(sa.update(ITEMS).where(named).values(state=state, version=version))

    def _end(
        self, connection: sa.Connection, reader: Reader, batch: Batch, item_ids: list[str]
    ) -> None:
        """Let go of the items and note what was said of each."""
        mine = (CLAIMS.c.user_name == reader.name) & CLAIMS.c.item_id.in_(item_ids)
        connection.execute(sa.delete(CLAIMS).where(mine))
        rows = [Noted(self._now(), reader.name, "bulk", batch.batch_id, str(len(item_ids)))]
        rows += [
            Noted(self._now(), reader.name, "verdict", item_id, batch.batch_id)
            for item_id in item_ids
        ]
        note_all(connection, rows)


def verdict_of(batch_id: str, item_id: str) -> str:
    """The name of the verdict on an item that is part of an answer to many."""
    return str(uuid5(UUID(batch_id), item_id))


def _named(batch_id: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(BATCHES).where(BATCHES.c.batch_id == batch_id)


def _batch(row: sa.Row[tuple[object, ...]]) -> Batch:
    return Batch(**(row._asdict() | {"said_at": to_moment(row.said_at)}))


def _count(connection: sa.Connection, batch_id: str) -> int:
    query = sa.select(sa.func.count()).select_from(VERDICTS).where(VERDICTS.c.batch_id == batch_id)
    return int(connection.scalar(query) or 0)


def _answers(connection: sa.Connection, items: list[Alike]) -> dict[Alike, set[str]]:
    """What was said of these items as they are."""
    query = sa.select(VERDICTS).where(VERDICTS.c.item_id.in_([item.item_id for item in items]))
    found: dict[Alike, set[str]] = {}
    for row in connection.execute(query):
        found.setdefault(Alike(row.item_id, row.item_version), set()).add(row.answer)
    return found
