"""Ask SQL of frames, in a database in memory that keeps nothing of them.

Who asks of many rows has a database for as long as it asks. The same of a few rows is asked again
and again, of one that stays and plans each question once: to plan it costs ten times what it costs
to answer.
"""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import duckdb
import polars as pl
import pyarrow as pa

FEW = 200
"""Of no more rows than this a database that stays is asked."""


class Arithmetic(Protocol):
    """A database in memory."""

    def ask(self, table: str, sql: str, rows: pl.DataFrame | pa.Table) -> pl.DataFrame:
        """What `sql` answers of these rows, which it knows as `table`, in their order."""


class Once:
    """For questions of many rows."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def ask(self, table: str, sql: str, rows: pl.DataFrame | pa.Table) -> pl.DataFrame:
        """See `Arithmetic`."""
        self._con.register(table, as_it_is(rows))
        found: pl.DataFrame = self._con.sql(sql).pl()
        return found


class Often:
    """For the same few questions of a few rows; one thread asks at a time."""

    def __init__(self) -> None:
        self._con = connect_memory()
        self._con.execute("set threads = 1; set enable_external_access = false")
        self._planned: dict[str, _Planned] = {}

    def ask(self, table: str, sql: str, rows: pl.DataFrame | pa.Table) -> pl.DataFrame:
        """See `Arithmetic`; each table is asked one question."""
        given = as_it_is(rows)
        planned = self._planned.get(table)
        if planned is None or (planned.sql, planned.rows.held.schema) != (sql, given.schema):
            planned = self._planned[table] = self._plan(table, sql, given)
        planned.rows.held = given
        found = self._con.execute(f'execute "{table}"').fetchall()
        planned.rows.held = given.schema.empty_table()
        return pl.DataFrame(found, schema=planned.answer, orient="row")

    def close(self) -> None:
        """Let go of the database."""
        for table in self._planned:
            self._con.unregister(table)
        self._con.close()

    def _plan(self, table: str, sql: str, given: pa.Table) -> "_Planned":
        rows = _Rows(given.slice(0, 0))
        self._con.register(table, rows)
        answer = self._con.sql(sql).pl().schema
        self._con.execute(f'prepare "{table}" as {sql}')
        return _Planned(sql, rows, answer)


class _Rows:
    """The rows that a planned question finds in its table: those held when it is asked."""

    def __init__(self, held: pa.Table) -> None:
        self.held = held

    def __arrow_c_schema__(self) -> object:
        return self.held.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.held.__arrow_c_stream__(requested_schema)


class _Planned:
    """A question and what it is asked of."""

    def __init__(self, sql: str, rows: _Rows, answer: pl.Schema) -> None:
        self.sql, self.rows, self.answer = sql, rows, answer


@contextmanager
def arithmetic(rows: int, kept: Arithmetic | None = None) -> Iterator[Arithmetic]:
    """A database in memory for questions of so many rows; or the one that is kept."""
    if kept is not None:
        yield kept
        return
    if rows > FEW:
        with connect_memory() as con:
            yield Once(con)
        return
    try:
        staying = _AT_REST.pop()
    except IndexError:  # others ask at the same time, or nobody has asked yet
        staying = Often()
    yield staying
    _AT_REST.append(staying)


_AT_REST: list[Often] = []
"""Databases that stay and are not asked at the moment; one that failed is let go."""


@atexit.register
def _let_go() -> None:
    """What is open when Python ends is told of on stderr, by the library that opened it."""
    while _AT_REST:
        _AT_REST.pop().close()


def connect_memory() -> duckdb.DuckDBPyConnection:
    """A database in memory that shows no progress and loads nothing."""
    con = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    con.execute("set enable_progress_bar = false")
    return con


def as_it_is(rows: pl.DataFrame | pa.Table) -> pa.Table:
    """Rows for the database, their texts not copied into another layout."""
    if isinstance(rows, pl.DataFrame):
        return rows.to_arrow(compat_level=pl.CompatLevel.newest())
    return rows
