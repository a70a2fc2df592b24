"""Count what waits: a long queue now and then, and not while somebody waits.

It is counted once for all who have the same campaigns: when twenty work, one count a minute.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from store.state.scope import Reader
from store.state.tallies import Tally, alike, counts_of

LONG = 5_000
"""From so many items on, a queue is not counted for each page."""
COUNT_LASTS = timedelta(minutes=1)
"""After so long it is counted anew; whoever asks meanwhile is told what was counted last."""
TOO_OLD = timedelta(minutes=10)
"""A count that is older is told to nobody."""

Counts = dict[str, int]
"""By kind, how many items wait."""


class Beside(Protocol):
    """Has something done, now or soon."""

    def __call__(self, work: Callable[[], object], /) -> object:
        """Do it, or have it done."""


class Counted(NamedTuple):
    """A count of a queue, and when it was begun."""

    at: datetime
    found: list[Tally]


class Counting:
    """What was counted last, for all who have the same campaigns at once."""

    def __init__(
        self, count: Callable[[Reader], list[Tally]], now: Callable[[], datetime], beside: Beside
    ) -> None:
        """`beside` does a count that nobody waits for."""
        self._count, self._now, self._beside = count, now, beside
        self._known: dict[Reader, Counted] = {}
        self._asked: set[Reader] = set()
        self._turn, self._counting = threading.Lock(), threading.Lock()

    def of(self, reader: Reader) -> Counts:
        """How many items of each kind wait for the reader."""
        known = self._lately(reader)
        if known is None:
            known = self._first_counted(reader)
        elif sum(counts_of(known.found, reader).values()) < LONG:
            known = self._counted(reader)
        elif self._now() - known.at >= COUNT_LASTS:
            self._count_soon(reader)
            known = self._known[alike(reader)]
        return counts_of(known.found, reader)

    def _lately(self, reader: Reader) -> Counted | None:
        """What was counted for those who are alike, unless that is too old to be told."""
        known = self._known.get(alike(reader))
        is_told = known is not None and timedelta(0) <= self._now() - known.at < TOO_OLD
        return known if is_told else None

    def _first_counted(self, reader: Reader) -> Counted:
        """Who comes while it is under way waits for it, and does not begin another."""
        with self._counting:
            return self._lately(reader) or self._counted(reader)

    def _count_soon(self, reader: Reader) -> None:
        with self._turn:
            if alike(reader) in self._asked:
                return
            self._asked.add(alike(reader))
        self._beside(lambda: self._count_asked(reader))

    def _count_asked(self, reader: Reader) -> None:
        try:
            self._counted(reader)
        finally:
            self._asked.discard(alike(reader))

    def _counted(self, reader: Reader) -> Counted:
        counted = self._known[alike(reader)] = Counted(self._now(), self._count(reader))
        return counted


class Thread:
    """One thread that does what nobody waits for; what goes wrong is found out by the next."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="counting")

    def __call__(self, work: Callable[[], object], /) -> object:
        """Have it done when all before it is."""
        return self._pool.submit(work)

    def close(self) -> None:
        """Begin nothing any more, and end what was begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)
