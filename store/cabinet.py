"""Lay a snapshot out so that one customer is found in microseconds, for programs that ask often.

A query of the snapshot looks through a stretch of each table; here the rows are sorted by customer
and mapped into memory, so that a look-up is a search by halves.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from store.errors import TouchstoneError
from store.laid_out import laid_out
from store.opened import Row
from store.reading import NoSnapshotError
from store.settings import Settings
from store.warehouse import configure

Ints = NDArray[np.int64]
Made = TypeVar("Made")
LOG = logging.getLogger("touchstone.steward")


class Drawer:
    """One table, sorted by founder."""

    def __init__(self, rows: pa.RecordBatch) -> None:
        self.rows = rows
        self._names, self._columns = rows.schema.names, rows.columns
        self.founders = self.numbers("founder")

    def of(self, founder: int) -> list[Row]:
        """The rows of one customer."""
        first, last = map(int, np.searchsorted(self.founders, [founder, founder + 1]))
        if first == last:
            return []
        values = [column.slice(first, last - first).to_pylist() for column in self._columns]
        return [dict(zip(self._names, row, strict=True)) for row in zip(*values, strict=True)]

    def at(self, places: Ints, columns: Sequence[str]) -> pa.RecordBatch:
        """Columns of the rows at these places."""
        return self.rows.select(list(columns)).take(pa.array(places))

    def numbers(self, column: str) -> Ints:
        """A column of whole numbers, as it lies in memory."""
        found: Ints = self.rows.column(column).to_numpy(zero_copy_only=True)
        return found


class Cabinet(NamedTuple):
    """One snapshot, laid out."""

    run_id: str
    records: Drawer
    """As the view `records`: what each record says, and whose it is."""
    plain: Drawer
    """Golden values of customers of whom most is the same for all values."""
    noted: Drawer
    """Golden values of the others, each with its record, reason and time."""
    contacts: Drawer
    """As the view `contact_points`."""
    redirects: dict[str, str]
    """From names that customers had to those that they have."""
    ignored: list[tuple[str, str]]
    """Of each value that is left out of matching its kind and its digest."""

    @property
    def last_record(self) -> int:
        """The number of the record that arrived last; 0 where there is none."""
        numbers = self.records.numbers("record_number")
        return int(numbers.max()) if numbers.size else 0

    def golden(self, founder: int) -> Row | None:
        """The golden values of a customer; none where it is not published."""
        found = self.plain.of(founder) or self.noted.of(founder)
        return found[0] if found else None


class Follower(Generic[Made]):
    """Something made of the live snapshot; while that of the next one is made, the last one serves.

    Not once its snapshot is kept no more: an erasure removes those that tell of the person.
    `make` takes the name of a run, in a thread of its own; `is_kept` says whether its snapshot is
    there.
    """

    def __init__(self, make: Callable[[str], Made], is_kept: Callable[[str], bool]) -> None:
        self._make, self._is_kept = make, is_kept
        self._turn = threading.Lock()
        self._ready: tuple[str, Made] | None = None
        self._making: threading.Thread | None = None

    def at_hand(self, run_id: str) -> Made | None:
        """The newest that is ready; if it is not of this run, that one is begun."""
        ready = self._kept()
        if ready is None or ready[0] != run_id:
            self._begin(run_id)
        return ready[1] if ready is not None else None

    def wait(self) -> Made:
        """What is being made, once it is ready."""
        if self._making is not None:
            self._making.join()
        ready = self._kept()
        if ready is None:
            raise NoSnapshotError("The snapshot cannot be read; run `touchstone nightly` first.")
        return ready[1]

    def let_go(self) -> Made | None:
        """What is ready, which is from now on the caller's to close."""
        ready, self._ready = self._ready, None
        return ready[1] if ready is not None else None

    def _kept(self) -> tuple[str, Made] | None:
        ready = self._ready
        return ready if ready is not None and self._is_kept(ready[0]) else None

    def _begin(self, run_id: str) -> None:
        with self._turn:
            if self._making is None or not self._making.is_alive():
                self._making = threading.Thread(target=self._do, args=(run_id,), daemon=True)
                self._making.start()

    def _do(self, run_id: str) -> None:
        try:
            self._ready = (run_id, self._make(run_id))
        except TouchstoneError:
            LOG.exception("the read API has no snapshot")


def lay_out(settings: Settings, run_id: str) -> Cabinet:
    """Make the cabinet of this run's snapshot, or find the one that was made before."""
    path = settings.published / run_id / "golden.duckdb"
    try:
        place = laid_out(settings, run_id)
        with duckdb.connect(str(path), read_only=True) as con:
            configure(con, settings.model_copy(update={"threads": 1}))
            con.execute("set TimeZone = 'UTC'")
            drawers = {
                name: Drawer(place.rows(f"{name}.arrow", partial(_rows, con, sql)))
                for name, sql in TABLES.items()
            }
            redirects = con.sql("select old_customer_id, customer_id from redirects").fetchall()
            ignored = _ignored(con)
    except (duckdb.Error, FileNotFoundError) as error:
        raise NoSnapshotError(f"The snapshot {run_id} cannot be read.") from error
    return Cabinet(run_id, **drawers, redirects=dict(redirects), ignored=ignored)


TABLES = {
    "records": "select * from records order by founder, record_number",
    "plain": "select * exclude (is_one_record, updated_at) from plain_values order by founder",
    "noted": "select * from noted_values order by founder",
    "contacts": """
        select founder, kind, value, is_primary, verification, reason, type, record_count, usage
        from contact_points order by founder, kind, is_primary desc, record_count desc, value""",
}


def _ignored(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """What is left out of matching; a snapshot of an earlier version knows of nothing."""
    tables = [name for (name,) in con.sql("show tables").fetchall()]
    if "ignored_values" not in tables:
        return []
    return con.sql("select contact, digest from ignored_values order by all").fetchall()


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    reader: Any = con.sql(sql).to_arrow_reader()  # Any: pyarrow has no types
    return reader.read_all().combine_chunks()
