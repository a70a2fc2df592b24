"""Read the live snapshot from many threads at once, and follow it when a run publishes another.

One snapshot is open at a time. When the live run changes, the next reader opens the new one; the
old one stays open until those who read it have ended, so that no page mixes two nights.
"""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial

import duckdb

from store.beside import Beside, quoted
from store.errors import TouchstoneError
from store.laid_out import laid_out
from store.opened import Snapshot
from store.settings import Settings
from store.snapshot import current_run, has_snapshot, kept_runs
from store.warehouse import configure

LARGE = 64 << 20
"""Bytes of a snapshot that another process lays out: pages would wait for it meanwhile."""


class NoSnapshotError(TouchstoneError):
    """There is nothing to read yet, or it was removed; the message says what to do."""


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
