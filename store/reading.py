"""Read the live snapshot from many threads at once, and follow it when a run publishes another.

One snapshot is open at a time. When the live run changes, the next reader opens the new one; the
old one stays open until those who read it have ended, so that no page mixes two nights.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, TypeVar

import duckdb
import polars as pl

from store.beside import Beside, quoted
from store.errors import TouchstoneError
from store.laid_out import laid_out
from store.settings import Settings
from store.snapshot import current_run, has_snapshot, kept_runs
from store.warehouse import configure

T = TypeVar("T")
LARGE = 64 << 20
"""Bytes of a snapshot that another process lays out: pages would wait for it meanwhile."""
MOST_REMEMBERED = 8_000
"""Answers that are kept of one snapshot; the one that was not wanted for longest goes first."""

Row = dict[str, Any]
"""A row of an answer, or the values of a query by name; `Any` is whatever a column holds."""


class NoSnapshotError(TouchstoneError):
    """There is nothing to read yet, or it was removed; the message says what to do."""


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


class Snapshots:
    """The live snapshot of one installation."""

    def __init__(
        self,
        settings: Settings,
        live: Callable[[], int | None],
        lay_out: Callable[[str], None] | None = None,
    ) -> None:
        """`live` says the number of the run whose queue is shown; `lay_out`: see `Snapshot`."""
        self._settings = settings
        self._live = live
        self._lay_out = lay_out
        self._turn = threading.Lock()
        self._open: Snapshot | None = None
        self._last: Snapshot | None = None
        """The one before, while a large one is laid out for searching."""
        self._next: Snapshot | None = None
        """One that a run has published and whose queue is not shown yet."""

    @contextmanager
    def expecting(self) -> Iterator[Snapshot | None]:
        """Hold the snapshot that will be live soon; none where no run has published another.

        A run publishes first and shows its queue then. What is remembered of the snapshot meanwhile
        nobody waits for when it is live.
        """
        with self._turn:
            shown = None if self._open is None else self._open.run_id
        run_id = current_run(self._settings)
        if shown is None or run_id is None or run_id == shown:
            yield None
            return
        snapshot = self._next_of(run_id)
        try:
            yield snapshot
        finally:
            self._give_back(snapshot)

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """Hold the live snapshot for as long as a page needs it."""
        snapshot = self._take()
        try:
            yield snapshot
        finally:
            self._give_back(snapshot)

    @contextmanager
    def reading_old(self, run_id: str) -> Iterator[Snapshot]:
        """Hold the snapshot of an earlier night, if it is kept."""
        if run_id not in kept_runs(self._settings):
            raise NoSnapshotError(f"The snapshot {run_id} is not kept any more.")
        snapshot = self._opened(run_id, is_live=False)
        try:
            yield snapshot
        finally:
            snapshot.close()

    def live_run(self) -> str:
        """The run whose snapshot is live."""
        return self._run_id()

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            for snapshot in (self._open, self._last, self._next):
                if snapshot is not None:
                    snapshot.close()
            self._open = self._last = self._next = None

    def _take(self) -> Snapshot:
        run_id = self._run_id()
        with self._turn:
            if self._open is None or self._open.run_id != run_id:
                before, self._open = self._open, self._expected(run_id)
                if before is not None and before.is_laid_out:
                    before, self._last = self._last, before
                self._let_go(before)
            self._open.readers += 1
            return self._open

    def _next_of(self, run_id: str) -> Snapshot:
        """The snapshot that is expected, opened while nobody waits for it."""
        with self._turn:
            is_open = self._next is not None and self._next.run_id == run_id
        opened = None if is_open else self._opened(run_id, is_live=True)
        with self._turn:
            known = [one for one in (self._open, self._next) if one and one.run_id == run_id]
            snapshot = known[0] if known else opened or self._opened(run_id, is_live=True)
            if not known:
                before, self._next = self._next, snapshot
                self._let_go(before)
            elif opened is not None:  # it is live by now
                opened.close()
            snapshot.readers += 1
            return snapshot

    def _expected(self, run_id: str) -> Snapshot:
        """The snapshot that is live now: the one that was expected, if it is that and still so."""
        expected, self._next = self._next, None
        told = (run_id, _made_at(self._settings, run_id))
        if expected is not None and (expected.run_id, expected.made_at) == told:
            return expected
        self._let_go(expected)
        return self._opened(run_id, is_live=True)

    @contextmanager
    def _indexed(self, snapshot: Snapshot) -> Iterator[Snapshot]:
        """This snapshot once it is laid out, and until then the one before, if it is kept."""
        with self._turn:
            last = self._last
            if last is not None and (
                snapshot.is_laid_out or not has_snapshot(self._settings, last.run_id)
            ):
                self._last = None
                self._let_go(last)
            index = self._last or snapshot
            index.readers += 1
        try:
            yield index
        finally:
            self._give_back(index)

    def _give_back(self, snapshot: Snapshot) -> None:
        with self._turn:
            snapshot.readers -= 1
            self._let_go(snapshot)

    def _let_go(self, snapshot: Snapshot | None) -> None:
        """Close what nobody reads any more."""
        is_held = snapshot in (self._open, self._last, self._next)
        if snapshot is not None and not snapshot.readers and not is_held:
            snapshot.close()

    def _run_id(self) -> str:
        number = self._live()
        run_id = current_run(self._settings) if number is None else f"R{number:04d}"
        if run_id is None:
            raise NoSnapshotError("There is no snapshot yet; run `touchstone nightly` first.")
        return run_id

    def _opened(self, run_id: str, *, is_live: bool) -> Snapshot:
        path = self._settings.published / run_id / "golden.duckdb"
        made_at = _made_at(self._settings, run_id)
        con = duckdb.connect(":memory:", config={"threads": "1"})
        try:
            con.execute(f"attach {quoted(path)} as golden (read_only)")
            place = laid_out(self._settings, run_id) if is_live else None
            beside = Beside(con, place)
            if place is not None:
                con.execute(f"set allowed_directories = [{quoted(place.folder)}]")
            con.execute("set enable_external_access = false")
        except (duckdb.Error, FileNotFoundError) as error:
            con.close()
            raise NoSnapshotError(
                f"The snapshot {run_id} cannot be read; run `touchstone nightly`, which publishes "
                "another, or restore the folder from a backup."
            ) from error
        configure(con, self._settings.model_copy(update={"threads": 1}))
        is_aside = self._lay_out is not None and is_live and path.stat().st_size >= LARGE
        if not is_aside or self._lay_out is None:
            return Snapshot(run_id, con, beside, made_at=made_at)
        snapshot = Snapshot(run_id, con, beside, partial(self._lay_out, run_id), made_at)
        snapshot.indexed = partial(self._indexed, snapshot)
        return snapshot


def _made_at(settings: Settings, run_id: str) -> Hashable:
    """What of a run's file is another when the file is; none where there is none."""
    try:
        about = (settings.published / run_id / "golden.duckdb").stat()
    except FileNotFoundError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns
