"""Count what waits for each reader: a long queue now and then, and not while somebody waits."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from store.state.scope import Reader

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
    found: Counts


class Counting:
    """What was counted last for each reader."""

    def __init__(
        self, count: Callable[[Reader], Counts], now: Callable[[], datetime], beside: Beside
    ) -> None:
        """`beside` does a count that nobody waits for."""
        self._count, self._now, self._beside = count, now, beside
        self._known: dict[Reader, Counted] = {}
        self._latest: dict[Reader, Counted] = {}
        """What was counted last for any of those who differ by their names alone."""
        self._asked: set[Reader] = set()
        self._turn = threading.Lock()

    def of(self, reader: Reader) -> Counts:
        """How many items of each kind wait for the reader."""
        own = self._known.get(reader)
        known = own or self._of_others(reader)
        if known is None or sum(known.found.values()) < LONG:
            return self._counted(reader)
        age = self._now() - known.at
        if not timedelta(0) <= age < TOO_OLD:
            return self._counted(reader)
        if own is None or age >= COUNT_LASTS:
            self._count_soon(reader)
        return self._known.get(reader, known).found

    def _of_others(self, reader: Reader) -> Counted | None:
        """The count of somebody with the same campaigns: of a long queue nearly that of all.

        When twenty begin their day at once, one of them waits for it.
        """
        return None if reader.only_accounts else self._latest.get(reader._replace(name=""))

    def _count_soon(self, reader: Reader) -> None:
        with self._turn:
            if reader in self._asked:
                return
            self._asked.add(reader)
        self._beside(lambda: self._count_asked(reader))

    def _count_asked(self, reader: Reader) -> None:
        try:
            self._counted(reader)
        finally:
            self._asked.discard(reader)

    def _counted(self, reader: Reader) -> Counts:
        counted = self._known[reader] = Counted(self._now(), self._count(reader))
        self._latest[reader._replace(name="")] = counted
        return counted.found


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
