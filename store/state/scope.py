"""Say which items a person may know of, and which of them wait for their answer, in the SQL."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import sqlalchemy as sa

from store.state.moments import to_text
from store.state.tables import ASKS, CAMPAIGN_SETS, CLAIMS, ITEMS, LIVE, VERDICTS

OPEN, SECOND, DECIDED, CLOSED = "open", "second_look", "decided", "closed"
UNSURE = "unsure"
"""The answer of who cannot tell: somebody else is asked."""
CLAIM_LASTS = timedelta(minutes=10)
"""So long an item is somebody's after the last thing they did."""
ADMINISTRATORS = " administrators"
"""To whom an item is handed that is escalated; no person's name begins with a blank."""
TOO_LARGE = " too large"
"""To whom an item is handed with too many records behind it: administrators, as long as it has."""


BETWEEN = "\x1f"
"""Stands between the names of a set of campaigns or accounts."""


class Reader(NamedTuple):
    """Whose queue it is: a name, and the campaigns that all records of an item must be of."""

    name: str
    campaigns: frozenset[str] | None
    """None: all of them, and records of no campaign too."""
    only_accounts: bool = False
    """Whether they answer for their own customers alone, as account managers do."""


def visible(reader: Reader, now: datetime) -> sa.Select[tuple[object, ...]]:
    """Items that wait and that the reader may answer.

    The words `'open'` stand in the text, since a partial index is not found by a parameter. A
    second look is never given by who looked first. What was handed to somebody is theirs, what is
    about the customers of an account manager is theirs for some days, and administrators may
    answer all.

    A page asks this several times, so what was made in this second is used again.
    """
    return _visible(reader, now.replace(microsecond=0))


@lru_cache(maxsize=256)
def _visible(reader: Reader, now: datetime) -> sa.Select[tuple[object, ...]]:
    first = sa.select(VERDICTS.c.item_id).where(
        (VERDICTS.c.user_name == reader.name)
        & (VERDICTS.c.item_id == ITEMS.c.item_id)
        & (VERDICTS.c.item_version == ITEMS.c.version)
    )
    waits = sa.text(f"items.state in ('{OPEN}', '{SECOND}')")
    is_mine = (ITEMS.c.state == OPEN) | ~sa.exists(first)
    query = in_scope(reader).where(waits & is_mine)
    if reader.campaigns is None:
        return query
    query = query.where(ITEMS.c.assigned_to.is_(None) | (ITEMS.c.assigned_to == reader.name))
    if reader.only_accounts:
        return query.where(ITEMS.c.manager == reader.name)
    return query.where(may_have(reader, now))


def is_held(now: datetime) -> sa.ColumnElement[bool]:
    """Whether a claim holds; one that would hold longer than any is of a clock that went back."""
    ends = CLAIMS.c.expires_at
    return (ends > to_text(now)) & (ends <= to_text(now + 2 * CLAIM_LASTS))


def is_back(now: datetime) -> sa.ColumnElement[bool]:
    """Whether an item waits for stewards, and not for an answer of the customer."""
    away = sa.select(ASKS.c.item_id).where(ASKS.c.until > to_text(now))
    return ITEMS.c.item_id.not_in(away)


def may_have(reader: Reader, now: datetime) -> sa.ColumnElement[bool]:
    """Whether no account manager but the reader has the item to themselves just now."""
    is_free = ITEMS.c.manager.is_(None) | (ITEMS.c.manager_until <= to_text(now))
    return is_free | (ITEMS.c.manager == reader.name)


def in_scope(reader: Reader) -> sa.Select[tuple[object, ...]]:
    """Items of the live run that the reader may know of: every record of them is in scope."""
    live = sa.select(LIVE.c.run_number).scalar_subquery()
    query = sa.select(ITEMS).where(ITEMS.c.first_run <= live)
    if reader.campaigns is None:
        return query
    outside = sa.select(CAMPAIGN_SETS.c.campaign_set).where(
        CAMPAIGN_SETS.c.campaign.not_in(sorted(reader.campaigns))
    )
    return query.where(ITEMS.c.campaign_set.not_in(outside))
