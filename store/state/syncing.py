"""Put what was noted on the disk soon, once for all who noted it, while nobody waits."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from store.errors import TouchstoneError
from store.state.engine import move_ahead, noting, put_on_disk, writing

SOON = 0.2
"""After so many seconds what was noted goes to the disk."""
LATE = 2.0
"""After so many it should long be there: then who notes waits for the disk again."""
MANY = 1_000
"""After so many notes what was written ahead is moved into the database."""
LOG = logging.getLogger("touchstone.state")


class Syncing:
    """What of a database was noted and may not be on the disk yet."""

    def __init__(
        self,
        engine: sa.Engine,
        put: Callable[[sa.Engine], None] = put_on_disk,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._put, self._clock = engine, put, clock
        self._turn, self._at_work = threading.Lock(), threading.Lock()
        self._waiting: float | None = None
        """When the first was noted for which no sync has begun."""
        self._begun: float | None = None
        """When the first was noted for which one has begun and has not succeeded."""
        self._timer: threading.Timer | None = None
        self._notes = 0

    @contextmanager
    def writing(self, *, at_leisure: bool = True) -> Iterator[sa.Connection]:
        """Hold a transaction of a writer; what is at leisure waits for the disk if that is late."""
        if not at_leisure or self.is_late():
            with writing(self._engine) as connection:
                yield connection
            self.settled()
            return
        with noting(self._engine) as connection:
            yield connection
        self.soon()

    def soon(self) -> None:
        """Something was noted."""
        with self._turn:
            self._notes += 1
            if self._waiting is None:
                self._waiting = self._clock()
                self._timer = threading.Timer(SOON, self._sync)
                self._timer.daemon = True
                self._timer.start()

    def is_late(self) -> bool:
        """Whether the disk does not keep up with what was noted."""
        with self._turn:
            since = [at for at in (self._waiting, self._begun) if at is not None]
        return bool(since) and self._clock() - min(since) > LATE

    def settled(self) -> None:
        """Somebody waited for the disk, and all that was noted before is there."""
        with self._turn:
            self._waiting = self._begun = None

    def close(self) -> None:
        """Put the rest on the disk."""
        with self._turn:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            self._sync()

    def _sync(self) -> None:
        with self._at_work:
            with self._turn:
                since = [at for at in (self._begun, self._waiting) if at is not None]
                self._begun, self._waiting = min(since, default=None), None
                is_long, self._notes = self._notes >= MANY, self._notes % MANY
            try:
                self._put(self._engine)
                if is_long:
                    move_ahead(self._engine)
            except (OSError, TouchstoneError):
                LOG.exception("looks could not be put on the disk; from now on each waits for it")
                return
            with self._turn:
                self._begun = None
