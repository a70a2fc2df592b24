"""Limit how many posts come in a minute: a bucket of tokens that fills at a steady rate."""

from collections import OrderedDict
from collections.abc import Callable

MOST_VISITORS = 50_000
"""So many addresses are known at once; the one that was quiet for the longest is forgotten."""


class Bucket:
    """Tokens of one feed or one visitor.

    A sixth of a minute's worth may be taken at once, and five by whom that would be too few: who
    mends a form sends it again at once.
    """

    def __init__(self, per_minute: int, now: float) -> None:
        self._rate = per_minute / 60
        self._most = max(min(5.0, per_minute), per_minute / 6)
        self._tokens = self._most
        self._at = now

    def take(self, now: float) -> float:
        """Take a token: 0 if there was one, else the seconds until there is."""
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate


class Limiter:
    """A bucket for each name, made when it is first asked for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, ...], Bucket] = OrderedDict()

    def take(self, name: tuple[str, ...], per_minute: int) -> float:
        """Take a token from the bucket of this name; see `Bucket.take`."""
        now = self._clock()
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(per_minute, now)
            if len(self._buckets) > MOST_VISITORS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(name)
        return bucket.take(now)
