"""Keep what was typed at the desk and equals a customer, until a steward says what becomes of it.

Each is an item of the queue that no run stages, so none closes it. What was typed is blanked by the
run that follows the answer: then it is a record, or it was discarded.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from math import log1p
from typing import NamedTuple

import sqlalchemy as sa

from rules.queues import Queues
from store.state.accounts import assign_managers
from store.state.audit import Noted, note
from store.state.engine import reading, writing
from store.state.moments import to_moment, to_text
from store.state.scope import BETWEEN, CLOSED, DECIDED, OPEN, Reader, is_held, visible
from store.state.tables import (
    ACCOUNT_SETS,
    CAMPAIGN_SETS,
    CLAIMS,
    ENTRIES,
    ITEM_CUSTOMERS,
    ITEMS,
    VERDICTS,
)
from store.state.verdicts import Verdict, first_verdicts, is_settled_by

ENTRY = "entry"
"""The kind of these items."""
PREFIX = "E-"
"""What the name of each begins with, and of no other item."""


class NewEntry(NamedTuple):
    """What is handed to a steward."""

    item_id: str
    entry_id: str
    """The name of the post that it becomes: sent again, it is the same."""
    source: str
    campaign: str
    content: str
    """The text of one JSON object, as it would be posted."""
    fingerprint: str
    record_id: str
    """The record of the customer that it equals."""
    campaigns: frozenset[str]
    """Of what was typed and of that record; '' for a record of none."""
    accounts: frozenset[str]
    customer_id: str


class Handed(NamedTuple):
    """What was handed to a steward."""

    item_id: str
    entry_id: str
    source: str
    campaign: str
    user_name: str
    asked_at: datetime
    content: str
    """Blank once a run has followed the answer, or once the person was erased."""
    record_id: str
    is_entered: bool
    """Whether it was let in: then it can be discarded no more."""

    @property
    def own_record_id(self) -> str:
        """The record that it is, or would be."""
        return f"{self.source}:{self.entry_id}"


class Answered(NamedTuple):
    """What has become of one that was handed over."""

    state: str
    answer: str
    because: str


class Entries:
    """What waits for stewards in an open state database, and what became of it."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def hand_over(self, name: str, entry: NewEntry, queues: Queues) -> None:
        """Let an entry wait for a steward; sent twice, it waits once."""
        now = self._now()
        with writing(self._engine) as connection:
            known = sa.select(ENTRIES.c.item_id).where(ENTRIES.c.item_id == entry.item_id)
            if connection.execute(known).first() is not None:
                return
            _name_set(connection, CAMPAIGN_SETS, entry.campaigns)
            _name_set(connection, ACCOUNT_SETS, entry.accounts)
            connection.execute(sa.insert(ITEMS).values(**_item(entry, queues, now)))
            about = {"customer_id": entry.customer_id, "item_id": entry.item_id}
            connection.execute(sa.insert(ITEM_CUSTOMERS).values(**about))
            connection.execute(sa.insert(ENTRIES).values(**_row(name, entry, now)))
            assign_managers(connection, was_any=False)
            note(connection, Noted(now, name, "ask_steward", entry.item_id, entry.record_id))

    def of(self, item_id: str) -> Handed | None:
        """What was handed over as this item."""
        return self.many([item_id]).get(item_id)

    def many(self, item_ids: Iterable[str]) -> dict[str, Handed]:
        """What was handed over as these items; others are not there."""
        named = [item_id for item_id in item_ids if is_entry(item_id)]
        if not named:
            return {}
        query = sa.select(ENTRIES).where(ENTRIES.c.item_id.in_(named))
        with reading(self._engine) as connection:
            return {row.item_id: _handed(row) for row in connection.execute(query)}

    def of_person(self, name: str, most: int) -> list[Handed]:
        """What somebody handed over, the newest first."""
        query = sa.select(ENTRIES).where(ENTRIES.c.user_name == name)
        ordered = query.order_by(ENTRIES.c.asked_at.desc(), ENTRIES.c.item_id).limit(most)
        with reading(self._engine) as connection:
            return [_handed(row) for row in connection.execute(ordered)]

    def let_in_of(self, campaigns: frozenset[str] | None) -> set[str]:
        """The records of entries that were let in and that no run has followed; None: of any."""
        query = sa.select(ENTRIES).where((ENTRIES.c.is_entered == 1) & (ENTRIES.c.content != ""))
        if campaigns is not None:
            query = query.where(ENTRIES.c.campaign.in_(sorted(campaigns)))
        with reading(self._engine) as connection:
            return {_handed(row).own_record_id for row in connection.execute(query)}

    def answered(self, item_id: str) -> Answered | None:
        """What has become of it; the last answer that counts, if there is one."""
        query = (
            sa.select(ITEMS.c.state, VERDICTS.c.answer, VERDICTS.c.because)
            .outerjoin(
                VERDICTS,
                (VERDICTS.c.item_id == ITEMS.c.item_id) & VERDICTS.c.decision_id.is_not(None),
            )
            .where(ITEMS.c.item_id == item_id)
            .order_by(VERDICTS.c.item_version.desc())
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        is_answered = row.state == DECIDED
        return Answered(row.state, *((row.answer, row.because) if is_answered else ("", "")))

    def let_in(self, reader: Reader, verdict: Verdict) -> bool:
        """Note that an entry is let in, before it is, if this verdict settles it.

        Killed in between, it can be let in again under its own name, but not discarded: nobody
        discards what a run may have. Who has not the item before them settles nothing.
        """
        now, item_id = self._now(), verdict.item_id
        mine = (CLAIMS.c.item_id == item_id) & (CLAIMS.c.user_name == reader.name) & is_held(now)
        with writing(self._engine) as connection:
            item = connection.execute(
                visible(reader, now).where(ITEMS.c.item_id == item_id)
            ).first()
            holds = connection.execute(sa.select(CLAIMS).where(mine)).first() is not None
            if item is None or item.version != verdict.version or not holds:
                return False
            if not is_settled_by(first_verdicts(connection, verdict), verdict):
                return False
            _mark(connection, item_id, is_entered=True)
            return True

    def keep_out(self, item_id: str) -> None:
        """Note that an entry was not let in after all."""
        with writing(self._engine) as connection:
            _mark(connection, item_id, is_entered=False)


def is_entry(item_id: str) -> bool:
    """Whether an item of this name asks about an entry."""
    return item_id.startswith(PREFIX)


def forget_answered(connection: sa.Connection) -> None:
    """Blank what was typed where nobody needs it any more, inside a writer's transaction."""
    done = sa.select(ITEMS.c.item_id).where(
        (ITEMS.c.kind == ENTRY) & ITEMS.c.state.in_([DECIDED, CLOSED])
    )
    blank_entries(connection, ENTRIES.c.item_id.in_(done) & (ENTRIES.c.content != ""))


def blank_entries(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Blank what was typed, inside a writer's transaction; who typed it stays."""
    blank = {"content": "", "record_id": ""}
    connection.execute(sa.update(ENTRIES).where(which).values(**blank))


def _mark(connection: sa.Connection, item_id: str, *, is_entered: bool) -> None:
    named = ENTRIES.c.item_id == item_id
    connection.execute(sa.update(ENTRIES).where(named).values(is_entered=int(is_entered)))


def _item(entry: NewEntry, queues: Queues, now: datetime) -> dict[str, object]:
    queue, order = queues.entry, queues.order
    due_at = now + timedelta(days=queue.due_days)
    campaigns = sum(one.startswith("campaign:") for one in entry.accounts)
    impact = round(log1p(queue.stake + order.per_campaign * campaigns), 4)
    return {
        "item_id": entry.item_id,
        "kind": ENTRY,
        "state": OPEN,
        "version": 1,
        "urgency": order.urgency(impact, due_at),
        "opened_at": to_text(now),
        "due_at": to_text(due_at),
        "fingerprint": entry.fingerprint,
        "first_run": 0,  # it is asked whichever run is shown
        "campaign_set": _set_name(entry.campaigns),
        "account_set": _set_name(entry.accounts),
        "manager_until": to_text(now + timedelta(days=queue.manager_days)),
    }


def _row(name: str, entry: NewEntry, now: datetime) -> dict[str, object]:
    kept = ("item_id", "entry_id", "source", "campaign", "content", "record_id")
    row: dict[str, object] = {field: getattr(entry, field) for field in kept}
    return row | {"user_name": name, "asked_at": to_text(now), "is_entered": 0}


def _set_name(names: Iterable[str]) -> str:
    return BETWEEN.join(sorted(set(names)))


def _name_set(connection: sa.Connection, table: sa.Table, names: frozenset[str]) -> None:
    """Say what is in a set of campaigns or accounts, unless that is known."""
    name, value = (column.name for column in table.c)
    wanted = table.c[name] == _set_name(names)
    if connection.execute(sa.select(table).where(wanted)).first() is None:
        rows = [{name: _set_name(names), value: one} for one in sorted(names)]
        connection.execute(sa.insert(table), rows)


def _handed(row: sa.Row[tuple[object, ...]]) -> Handed:
    return Handed(
        row.item_id,
        row.entry_id,
        row.source,
        row.campaign,
        row.user_name,
        to_moment(row.asked_at),
        row.content,
        row.record_id,
        bool(row.is_entered),
    )
