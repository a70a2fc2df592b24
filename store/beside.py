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
        self._place = place
        self._is_kept = self._is_draft = False
        self.look(con)

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits to be kept."""
        return not self._is_draft

    def has(self, name: str) -> bool:
        """Whether the table is there."""
        return name in self._made

    def look(self, con: duckdb.DuckDBPyConnection) -> None:
        """Take what was kept before, or meanwhile by another process."""
        if self._place is None or self._is_draft or self._is_kept:
            return
        path = self._place.path(NAME)
        try:
            if path.exists():
                con.execute(f"attach {quoted(path)} as kept (read_only)")
                self._made |= _viewed(con)
                self._is_kept = True
        except (duckdb.Error, OSError):
            self._give_up()

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

    def settle(self, con: duckdb.DuckDBPyConnection) -> None:
        """All that is to last was made."""
        if self._place is None or not self._is_draft:
            return
        self._is_draft, self._is_kept = False, True
        try:
            con.execute("checkpoint kept")
            self._place.settle(NAME)
        except (duckdb.Error, OSError):
            self._give_up()

    def _lasts(self, con: duckdb.DuckDBPyConnection, name: str, made: str) -> bool:
        """Whether the table could be made in the file."""
        if self._place is None or self._is_kept:
            return False
        try:
            if not self._is_draft:
                con.execute(f"attach {quoted(self._place.draft(NAME))} as kept")
                self._is_draft = True
            con.execute(f"create table kept.{made}")
        except (duckdb.Error, OSError):  # no room is left, or the snapshot was removed meanwhile
            self._give_up()
            return False
        con.execute(f"create view memory.{name} as from kept.{name}")
        return True

    def _give_up(self) -> None:
        LOG.warning("what is laid out for searching cannot be kept beside the snapshot")
        self._place, self._is_draft = None, False


def _viewed(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables of the file, each under the name that queries give it."""
    found = con.execute("select table_name from duckdb_tables() where database_name = 'kept'")
    names = {str(name) for (name,) in found.fetchall()}
    for name in sorted(names):
        con.execute(f"create view memory.{name} as from kept.{name}")
    return names


def quoted(path: Path) -> str:
    """A path as SQL writes a text."""
    text = str(path.absolute()).replace("'", "''")
    return f"'{text}'"
