"""Count what waits by what it depends on who asks, so that one count is told to many."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from store.state.moments import to_text
from store.state.scope import OPEN, SECOND, Reader, in_scope, is_back
from store.state.tables import ITEMS, VERDICTS


class Tally(NamedTuple):
    """So many items that differ in nothing that decides for whom they wait."""

    kind: str
    assigned_to: str | None
    """To whom they were handed."""
    manager: str | None
    """The account manager of their customers."""
    is_alone: int
    """Whether only that manager has them just now."""
    seen_by: str | None
    """Whom they do not wait for, who looked at them first; such ones are in another tally too."""
    waiting: int


def alike(reader: Reader) -> Reader:
    """The same for all whom one count is for."""
    return reader if reader.only_accounts else reader._replace(name="")


def tallies(connection: sa.Connection, reader: Reader, now: datetime) -> list[Tally]:
    """What waits for those who are alike, in one question."""
    waits = sa.text(f"items.state in ('{OPEN}', '{SECOND}')")
    every = in_scope(reader).where(waits & is_back(now))
    if reader.only_accounts and reader.campaigns is not None:
        every = every.where(ITEMS.c.manager == reader.name)
    is_first = (VERDICTS.c.item_id == ITEMS.c.item_id) & (
        VERDICTS.c.item_version == ITEMS.c.version
    )
    seen = every.join(VERDICTS, is_first).where(sa.text(f"items.state = '{SECOND}'"))
    query = sa.union_all(
        _counted(every, sa.null().cast(sa.Text), now), _counted(seen, VERDICTS.c.user_name, now)
    )
    return [Tally._make(row) for row in connection.execute(query)]


def counts_of(found: list[Tally], reader: Reader) -> dict[str, int]:
    """By kind, how many of these items `visible` shows to the reader."""
    counts: dict[str, int] = {}
    for tally in found:
        if _is_for(tally, reader):
            sign = 1 if tally.seen_by is None else -1
            counts[tally.kind] = counts.get(tally.kind, 0) + sign * tally.waiting
    return {kind: count for kind, count in counts.items() if count}


def _is_for(tally: Tally, reader: Reader) -> bool:
    if tally.seen_by not in {None, reader.name}:
        return False
    if reader.campaigns is None:
        return True
    if tally.assigned_to not in {None, reader.name}:
        return False
    if reader.only_accounts:
        return tally.manager == reader.name
    return not tally.is_alone or tally.manager == reader.name


def _counted(
    items: sa.Select[tuple[object, ...]], seen_by: sa.ColumnElement[str | None], now: datetime
) -> sa.Select[tuple[object, ...]]:
    is_free = ITEMS.c.manager.is_(None) | (ITEMS.c.manager_until <= to_text(now))
    asked = items.with_only_columns(
        ITEMS.c.kind,
        ITEMS.c.assigned_to,
        ITEMS.c.manager,
        sa.case((is_free, 0), else_=1).label("is_alone"),
        seen_by.label("seen_by"),
    ).subquery()
    return sa.select(asked, sa.func.count().label("waiting")).group_by(*asked.c)
