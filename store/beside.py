"""Tables that readers keep beside an open snapshot: in a file that the next start finds, or memory.

Queries name them `memory.<name>`, wherever they are.
"""

import logging
from pathlib import Path

import duckdb
import pyarrow as pa

from store.laid_out import LaidOut

LOG = logging.getLogger("touchstone.steward")
NAME = "search.duckdb"


class Beside:
    """The tables of one open snapshot; one thread adds at a time."""

    def __init__(self, con: duckdb.DuckDBPyConnection, place: LaidOut | None) -> None:
        """What lasts is kept at `place`; with none, and where it cannot be, all is in memory."""
        self._made: set[str] = set()
        self._draft: LaidOut | None = None
        if place is None:
            return
        try:
            self._attach(con, place)
        except (duckdb.Error, OSError):
            LOG.warning("what is laid out for searching cannot be kept beside the snapshot")

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits to be kept."""
        return self._draft is None

    def has(self, name: str) -> bool:
        """Whether the table is there."""
        return name in self._made

    def add(
        self,
        con: duckdb.DuckDBPyConnection,
        name: str,
        rows: pa.Table,
        order: str,
        *,
        is_lasting: bool,
    ) -> None:
        """Make a table; one that lasts is there after the next start, too."""
        con.register("made", rows)
        made = f"{name} as from made order by {order}"
        try:
            if not (is_lasting and self._lasts(con, name, made)):
                con.execute(f"create table memory.{made}")
        finally:
            con.unregister("made")
        self._made.add(name)

    def _lasts(self, con: duckdb.DuckDBPyConnection, name: str, made: str) -> bool:
        """Whether the table could be made in the file."""
        if self._draft is None:
            return False
        try:
            con.execute(f"create table kept.{made}")
        except duckdb.Error:  # no room is left, or the snapshot was removed meanwhile
            self._draft = None
            return False
        con.execute(f"create view memory.{name} as from kept.{name}")
        return True

    def settle(self, con: duckdb.DuckDBPyConnection) -> None:
        """All that is to last was made."""
        if self._draft is None:
            return
        place, self._draft = self._draft, None
        try:
            con.execute("checkpoint kept")
            place.settle(NAME)
        except (duckdb.Error, OSError):
            LOG.warning("what is laid out for searching cannot be kept beside the snapshot")

    def _attach(self, con: duckdb.DuckDBPyConnection, place: LaidOut) -> None:
        path = place.path(NAME)
        if path.exists():
            con.execute(f"attach {quoted(path)} as kept (read_only)")
            found = con.execute(
                "select table_name from duckdb_tables() where database_name = 'kept'"
            ).fetchall()
            for (name,) in found:
                con.execute(f"create view memory.{name} as from kept.{name}")
                self._made.add(name)
            return
        con.execute(f"attach {quoted(place.draft(NAME))} as kept")
        self._draft = place


def quoted(path: Path) -> str:
    """A path as SQL writes a text."""
    text = str(path).replace("'", "''")
    return f"'{text}'"
