"""Say until when an item may wait whose customer is asked."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from rules.queues import Queue
from store.rulebook import Rulebook

MOST_DAYS = 366
"""So long at most."""


class Days(NamedTuple):
    """The days on which it may come back."""

    usual: date
    least: date
    most: date


def days_to_ask(rulebook: Rulebook, kind: str) -> Days | None:
    """From when an item of this kind may come back until when; none where nobody is asked."""
    queue: Queue = getattr(rulebook.queues, kind)
    today = datetime.now(UTC).date()
    usual, least, most = (today + timedelta(days=n) for n in (queue.ask_days, 1, MOST_DAYS))
    return Days(usual, least, most) if queue.ask_days else None
