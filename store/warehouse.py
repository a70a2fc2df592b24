"""Open the DuckDB files of the line: the warehouse and the golden tables.

Only the run opens them, once for all of its stages, since opening and closing a file costs more
than most stages of a quiet night; each stage has a connection of its own. Reads go through
`con.sql` or are fetched to their end at once, which plans them once and not twice: an `execute`
that is not fetched so blocks the connection. A transaction that meets an error is rolled back and
the error raised again, since DuckDB's own COMMIT would hide it.
"""

import copy
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import duckdb
import polars as pl

from store.errors import NoRoomError, OlderError, TouchstoneError, UnreadableError
from store.glance import glance
from store.lent import Lent
from store.settings import USUAL_MEMORY, Settings

_SLICE = 250_000
_SMALL = 64 << 20
"""Bytes of a file that may lie in memory from one stage to the next."""

STATEMENT = "touchstone.statement"
"""The audit event of a statement that is about to run; it names the file."""

OF_EACH = "set enable_progress_bar = false; set TimeZone = 'UTC'"
"""What each connection must be told; whatever else is set holds for all that have the file open.

DuckDB's own list says that the time zone holds for all, and it does not.
"""

FORMAT = 5
"""Raised when the tables change; a newer file is refused, an older one is rebuilt."""


class Warehouse:
    """One DuckDB file, its schema made when it is new."""

    def __init__(self, path: Path, settings: Settings, schema: str, compress: bool) -> None:
        self.path, self.settings, self.compress = path, settings, compress
        self.fitting: set[Path] = set()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.con = self._open()
        self._make(schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        self.con.close()

    @contextmanager
    def session(self) -> Iterator[Self]:
        """The same open file for one stage: what the stage kept for itself ends with it.

        What lies in memory of a small file stays there. A large one is closed and opened again, so
        that the next stage begins with the memory that this one began with.
        """
        one = copy.copy(self)
        one.con = self.con.cursor()
        one.con.execute(OF_EACH)
        try:
            yield one
        finally:
            one.con.close()
        if self.is_large:
            self.reopen()

    @property
    def is_large(self) -> bool:
        """Whether it holds so much that memory has to be thought of."""
        return self.path.stat().st_size > _SMALL

    def reopen(self, memory_limit: str | None = None) -> None:
        """Let go of all that lies in memory; from here on it may be no more than the limit."""
        if memory_limit is not None:
            self.settings = self.settings.model_copy(update={"memory_limit": memory_limit})
        self.con.close()
        self.con = self._open()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing of it."""
        with explained():
            self.con.execute("begin transaction")
            try:
                yield
            except BaseException:
                self.con.execute("rollback")
                raise
            sys.audit(STATEMENT, str(self.path))
            self.con.execute("commit")
            sys.audit(STATEMENT, str(self.path))

    def read(self, query: str, **frames: pl.DataFrame) -> pl.DataFrame:
        """Run `query`, which may name `frames` as tables."""
        with self._named(frames):
            found: pl.DataFrame = self.con.sql(query).pl()
            return found

    def one(self, query: str) -> int:
        """The single whole number that `query` answers."""
        return int(self.con.execute(query).fetchall()[0][0] or 0)

    def execute(self, statement: str, **frames: pl.DataFrame) -> None:
        """Run one statement, which may name `frames` as tables."""
        with self._named(frames):
            self.con.execute(statement)

    def insert(self, table: str, frame: pl.DataFrame) -> None:
        """Append `frame` to `table`, columns by name; columns it lacks are null.

        In slices, each some of the database's groups of rows, which it writes at once. The database
        finds a slice by its name here: of a few rows, registering takes longer than inserting.
        """
        for part in frame.iter_slices(_SLICE):
            sys.audit(STATEMENT, str(self.path))
            _slice = Lent(part)
            try:
                self.con.execute(f"insert into {table} by name select * from _slice")
            finally:
                _slice.table = None

    def replace(self, table: str, frame: pl.DataFrame, key: str) -> None:
        """Put `frame` in the place of the rows of `table` that share its `key`."""
        if frame.height and not self.is_empty(table):
            keys = frame.select(key).unique()
            delete = f"delete from {table} where {key} in (select {key} from _keys)"
            self.execute(delete, _keys=keys)
        self.insert(table, frame)

    def is_empty(self, table: str) -> bool:
        """Whether `table` has no row: on a first night nothing need be looked up in it."""
        return not self.con.execute(f"select 1 from {table} limit 1").fetchall()

    def has(self, table: str) -> bool:
        """Whether there is a table or view of this name, `schema.name`.

        To name it answers many times as quickly as the database's own lists, which describe all.
        """
        try:
            self.con.sql(f"from {table} limit 0")
        except duckdb.CatalogException:
            return False
        return True

    @contextmanager
    def _named(self, frames: dict[str, pl.DataFrame]) -> Iterator[None]:
        sys.audit(STATEMENT, str(self.path))
        lent = {name: Lent(frame) for name, frame in frames.items()}
        for name, one in lent.items():
            self.con.register(name, one)
        try:
            yield
        finally:
            for one in lent.values():
                one.table = None
            # In a transaction that failed the names cannot be dropped, and go with it.
            with suppress(duckdb.Error):
                for name in frames:
                    self.con.unregister(name)

    def _open(self) -> duckdb.DuckDBPyConnection:
        con = _connect(self.path)
        spill_below(con, self.settings)
        configure(con, self.settings)
        con.execute(f"set force_compression = '{'auto' if self.compress else 'uncompressed'}'")
        return con

    def _make(self, schema: str) -> None:
        try:
            version = self.one("select max(version) from format")
        except duckdb.CatalogException:  # there is no such table: the file is new
            version = FORMAT
            with self.transaction():
                self.con.execute(schema)
                self.con.execute("create table format (version integer)")
                self.con.execute(f"insert into format values ({FORMAT})")
        if version > FORMAT:
            self.close()
            raise TouchstoneError(
                f"{self.path.name} was written by a newer version (format {version}, and this one "
                f"reads {FORMAT}); upgrade this program."
            )
        if version < FORMAT:
            self.close()
            raise OlderError(
                f"{self.path.name} was written by an earlier version (format {version}, and this "
                f"one reads {FORMAT}); the next `touchstone nightly` makes it anew."
            )


@contextmanager
def explained() -> Iterator[None]:
    """Say in one sentence that a database found no room to go on."""
    try:
        yield
    except (
        duckdb.IOException,
        duckdb.FatalException,
        duckdb.OutOfMemoryException,
        duckdb.TransactionException,
    ) as error:
        raise NoRoomError(
            f"The tables cannot be written ({str(error).splitlines()[0][:200]}); free some disk "
            "space or memory, or give this user the right to the folder, and run again: nothing "
            "was lost."
        ) from error


def configure(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Bound what a connection uses, and keep it from reaching for the network."""
    con.execute(
        f"""
        set threads = {settings.threads};
        set memory_limit = '{_quoted(settings.memory_limit or USUAL_MEMORY)}';
        set preserve_insertion_order = false;
        set autoinstall_known_extensions = false;
        set autoload_known_extensions = false;
        {OF_EACH}"""
    )


def spill_below(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Have what finds no room in memory lie in the installation's folder, whatever was opened.

    A database that has put something somewhere is not to be told another place.
    """
    spill = settings.work / "spill"
    spill.mkdir(parents=True, exist_ok=True, mode=0o700)
    if con.execute("select current_setting('temp_directory')").fetchall() != [(str(spill),)]:
        con.execute(f"set temp_directory = '{_quoted(str(spill))}'")


def format_of(path: Path) -> int | None:
    """The format of a file of tables; none where there is no such file, or it cannot be read."""
    if not path.exists():
        return None
    with suppress(UnreadableError, duckdb.CatalogException), said_of(path), glance(path) as con:
        return int(con.sql("select max(version) from format").fetchall()[0][0])
    return None


def is_older(path: Path) -> bool:
    """Whether an earlier version wrote this file of tables."""
    return (format_of(path) or FORMAT) < FORMAT


def read_older(path: Path, table: str) -> pl.DataFrame:
    """A table that an earlier version wrote, as it has it; nothing where there is no such table."""
    with suppress(UnreadableError, duckdb.CatalogException), said_of(path), glance(path) as con:
        found: pl.DataFrame = con.sql(f"from {table}").pl()
        return found
    return pl.DataFrame()


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    with opening(path):
        return duckdb.connect(str(path))


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Open a file of tables, or make it whole: one that cannot be made leaves nothing behind."""
    is_new = not path.exists()
    with said_of(path):
        try:
            yield
        except duckdb.IOException as error:
            if not is_new or not path.exists():
                raise
            path.unlink()
            raise TouchstoneError(
                f"{path.name} cannot be made ({str(error).splitlines()[0]}); "
                "make room on the disk, then run again."
            ) from error


@contextmanager
def said_of(path: Path) -> Iterator[None]:
    """Say in one sentence why a file of tables cannot be opened."""
    try:
        yield
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise TouchstoneError(
                f"{path.name} is open in another program; close it there, then try again."
            ) from error
        if "denied" in str(error).lower():
            raise TouchstoneError(
                f"{path.name} may not be read or written; give this user the right to it and to "
                "its folder, then run again."
            ) from error
        raise UnreadableError(
            f"{path.name} cannot be opened ({str(error).splitlines()[0]}); "
            "restore it from a backup or run `touchstone rebuild`."
        ) from error
    except duckdb.Error as error:
        raise UnreadableError(
            f"{path.name} is not a database that this version reads; "
            "run `touchstone rebuild` to make it anew from the kept deliveries."
        ) from error


def _quoted(text: str) -> str:
    return text.replace("'", "''")
