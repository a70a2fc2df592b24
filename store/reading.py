"""Read the live snapshot from many threads at once, and follow it when a run publishes another.

One snapshot is open at a time. When the live run changes, the next reader opens the new one; the
old one stays open until those who read it have ended, so that no page mixes two nights.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import polars as pl

from store.errors import TouchstoneError
from store.settings import Settings
from store.snapshot import current_run
from store.warehouse import configure

Row = dict[str, Any]
"""A row of an answer, or the values of a query by name; `Any` is whatever a column holds."""


class NoSnapshotError(TouchstoneError):
    """There is nothing to read yet, or it was removed; the message says what to do."""


class Snapshot:
    """One run's snapshot, open. Its readers may be many threads."""

    def __init__(self, run_id: str, con: duckdb.DuckDBPyConnection) -> None:
        self.run_id = run_id
        self.readers = 0
        self.known: dict[str, tuple[str, str]] = {}
        """What readers need again and again of a snapshot, which never changes; kept by them."""
        self._con = con

    def frame(self, query: str, values: Row | None = None) -> pl.DataFrame:
        """What a query answers; it names its values as $name."""
        with self._con.cursor() as cursor:
            cursor.execute("set TimeZone = 'UTC'")  # a cursor does not take it over
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
        self._con.close()


class Snapshots:
    """The live snapshot of one installation."""

    def __init__(self, settings: Settings, live: Callable[[], int | None]) -> None:
        """`live` says the number of the run whose queue is shown."""
        self._settings = settings
        self._live = live
        self._turn = threading.Lock()
        self._open: Snapshot | None = None

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """Hold the live snapshot for as long as a page needs it."""
        snapshot = self._take()
        try:
            yield snapshot
        finally:
            self._give_back(snapshot)

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _take(self) -> Snapshot:
        run_id = self._run_id()
        with self._turn:
            if self._open is None or self._open.run_id != run_id:
                before, self._open = self._open, self._opened(run_id)
                if before is not None and not before.readers:
                    before.close()
            self._open.readers += 1
            return self._open

    def _give_back(self, snapshot: Snapshot) -> None:
        with self._turn:
            snapshot.readers -= 1
            if not snapshot.readers and snapshot is not self._open:
                snapshot.close()

    def _run_id(self) -> str:
        number = self._live()
        run_id = current_run(self._settings) if number is None else f"R{number:04d}"
        if run_id is None:
            raise NoSnapshotError("There is no snapshot yet; run `touchstone nightly` first.")
        return run_id

    def _opened(self, run_id: str) -> Snapshot:
        path = self._settings.published / run_id / "golden.duckdb"
        try:
            con = duckdb.connect(
                str(path),
                read_only=True,
                config={"enable_external_access": "false", "threads": "1"},
            )
        except duckdb.Error as error:
            raise NoSnapshotError(
                f"The snapshot {run_id} cannot be read; run `touchstone nightly`, which publishes "
                "another, or restore the folder from a backup."
            ) from error
        configure(con, self._settings.model_copy(update={"threads": 1}))
        return Snapshot(run_id, con)
