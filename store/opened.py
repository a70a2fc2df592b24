"""Read one run's snapshot that is open, from many threads at once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import duckdb
import polars as pl

from store.beside import Beside

T = TypeVar("T")
MOST_REMEMBERED = 8_000
"""Answers that are kept of one snapshot; the one that was not wanted for longest goes first."""

Row = dict[str, Any]
"""A row of an answer, or the values of a query by name; `Any` is whatever a column holds."""


class Snapshot:
    """One run's snapshot, open. Its readers may be many threads."""

    def __init__(
        self,
        run_id: str,
        con: duckdb.DuckDBPyConnection,
        beside: Beside,
        lay_out: Callable[[], None] | None = None,
        made_at: Hashable = None,
    ) -> None:
        """`made_at` tells its file from another of the same run.

        `lay_out` has another process make the tables that last, and returns when it has.
        """
        self.run_id = run_id
        self.made_at = made_at
        self.indexed: Callable[[], AbstractContextManager[Snapshot]] = lambda: nullcontext(self)
        """What searches read: this snapshot, or the one before while a large one is laid out."""
        self.is_laid_out = False
        """Whether all tables are made that are to last."""
        self._lay_out = lay_out
        self.readers = 0
        self.known: dict[str, tuple[str, str]] = {}
        """What readers need again and again of a snapshot, which never changes; kept by them."""
        self._con, self._beside = con, beside
        self._keeping, self._laying_out = threading.Lock(), threading.Lock()
        """What lasts may take another process long; nobody else waits for that."""
        self._remembered: OrderedDict[Hashable, object] = OrderedDict()
        self._remembering = threading.Lock()
        self._own = threading.local()
        self._cursors: list[duckdb.DuckDBPyConnection] = []

    def remembers(self, key: tuple[Hashable, ...]) -> bool:
        """Whether there is an answer under this key."""
        return key in self._remembered

    def remember(self, key: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """What `make` answered when it was asked under this key before; nobody may change it.

        A snapshot never changes, so an answer holds for as long as it is open.
        """
        with self._remembering:
            if key in self._remembered:
                self._remembered.move_to_end(key)
                return self._remembered[key]  # type: ignore[return-value]  # made by this `make`
        made = make()
        self.know(key, made)
        return made

    def know(self, key: tuple[Hashable, ...], answer: object) -> None:
        """Remember an answer that was made beforehand."""
        with self._remembering:
            self._remembered[key] = answer
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)

    def keep(
        self,
        name: str,
        order: str,
        make: Callable[["Snapshot"], pl.DataFrame],
        *,
        is_lasting: bool = False,
    ) -> None:
        """Keep a table of one's own beside the snapshot, made when first asked for.

        Queries name it `memory.<name>`. It is gone when the snapshot is closed, but for one that
        lasts: that is there after the next start, too, once all such tables are `settled`.
        """
        if self._beside.has(name):
            return
        with self._laying_out if is_lasting else self._keeping:
            if is_lasting and not self._beside.has(name):
                self._look()
            if not self._beside.has(name):
                made = make(self).to_arrow()
                with self._cursor() as cursor:
                    self._beside.add(cursor, name, made, order, is_lasting=is_lasting)

    def settled(self) -> None:
        """All tables are made that are to last."""
        if not self._beside.is_settled:
            with self._laying_out, self._cursor() as cursor:
                self._beside.settle(cursor)
        self.is_laid_out = True

    def _look(self) -> None:
        """Have the tables that last made by another process, once; else they are made here."""
        lay_out, self._lay_out = self._lay_out, None
        if lay_out is not None:
            lay_out()
        with self._cursor() as cursor:
            self._beside.look(cursor)

    def frame(self, query: str, values: Row | None = None) -> pl.DataFrame:
        """What a query answers; it names its values as $name."""
        with self._cursor() as cursor:
            found: pl.DataFrame = cursor.sql(query, params=values or None).pl()
            return found

    def rows(self, query: str, values: Row | None = None) -> list[Row]:
        """The rows that a query answers."""
        return list(self.frame(query, values).iter_rows(named=True))

    def row(self, query: str, values: Row | None = None) -> Row | None:
        """The first row that a query answers."""
        return next(iter(self.rows(query, values)), None)

    def close(self) -> None:
        """Let go of the file."""
        for cursor in self._cursors:
            cursor.close()
        self._con.close()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of a thread's own; what is set for one is not for another."""
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._own, "cursor", None)
        if cursor is None:
            cursor = self._con.cursor()
            cursor.execute("use golden; set TimeZone = 'UTC'")
            self._own.cursor = cursor
            self._cursors.append(cursor)
        yield cursor
