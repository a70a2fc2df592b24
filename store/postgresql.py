"""Copy the published tables to PostgreSQL: whole at first, then what differs, in one transaction.

What differs is found in the files of the two snapshots, row by row, so that the copy is right
whatever a run did; a file that both snapshots share is not looked at. Readers of the copy see the
snapshot before until the transaction ends, and are never kept waiting.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from store.dictionary import read_dictionary
from store.errors import TouchstoneError
from store.settings import Settings
from store.snapshot import current_run
from store.views import CONTRACT
from store.warehouse import configure

SCHEMA = "touchstone"
KEYS: dict[str, tuple[str, ...]] = {
    "customers": ("customer_id",),
    "crosswalk": ("record_id",),
    "contact_points": ("customer_id", "kind", "value"),
    "relationships": ("customer_id_a", "customer_id_b", "kind"),
    "lineage": ("customer_id", "field"),
    "history": ("customer_id", "field", "valid_from"),
    "redirects": ("old_customer_id",),
    "review_items": ("item_id",),
    "pairs": ("record_id_a", "record_id_b"),
    "deliveries": ("delivery_number",),
    "runs": ("run_id",),
    "metrics": (),
    "changes": ("run_id", "customer_id"),
}
"""The tables that are copied, and what names a row; rows in quarantine stay where they are."""

NOT_UNIQUE = frozenset({"changes"})
"""Tables in which a key has several rows."""
INDEXES = {"crosswalk": "customer_id", "changes": "customer_id", "lineage": "record_id"}
_TYPES = {
    "VARCHAR": "text",
    "DOUBLE": "double precision",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "TINYINT": "smallint",
    "VARCHAR[]": "text[]",
}
"""What DuckDB calls otherwise than PostgreSQL."""
_TURN = 7_146_054
"""The advisory lock of who copies."""
_ROWS = 100_000


class Copied(NamedTuple):
    """What a copy did."""

    run_id: str
    before: str | None
    """The snapshot that was there; none: the tables were filled anew."""
    rows: dict[str, int]
    """By table, the rows that were written; a table that is as it was is not there."""


def copy_to_postgresql(settings: Settings, address: str) -> Copied:
    """Bring the copy to the current snapshot; all of it or nothing."""
    run_id = current_run(settings)
    if run_id is None:
        raise TouchstoneError("There is no snapshot yet; run `touchstone nightly` first.")
    with _writing(address) as cursor, _compared(settings) as con:
        before = _made(cursor, con, settings.published)
        if before == run_id:
            return Copied(run_id, before, {})
        old = settings.published / before if before else None
        snapshots = _Snapshots(settings.published / run_id, old)
        brought = {table: _bring(cursor, con, table, snapshots) for table in KEYS}
        rows = {table: count for table, count in brought.items() if count is not None}
        if before is None:
            _add_keys(cursor)
        cursor.execute(f"delete from {SCHEMA}.copied")
        cursor.execute(
            f"insert into {SCHEMA}.copied values (1, %s, %s, %s, now())",
            (run_id, CONTRACT, _began_at(con, snapshots.folder)),
        )
    return Copied(run_id, before, rows)


@contextmanager
def _writing(address: str) -> Iterator[Any]:
    """A cursor in the one transaction; `Any`: the driver's own."""
    engine = sa.create_engine(_url(address))
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(f"select pg_advisory_xact_lock({_TURN})"))
            yield connection.connection.cursor()
    except (DBAPIError, OSError) as error:
        raise TouchstoneError(f"PostgreSQL did not take the copy: {_reason(error)}.") from error
    except Exception as error:
        if type(error).__module__.startswith("pg8000"):
            raise TouchstoneError(f"PostgreSQL did not take the copy: {_reason(error)}.") from None
        raise
    finally:
        engine.dispose()


def _url(address: str) -> URL:
    """The address for our driver; a password may stand in PGPASSWORD instead."""
    try:
        url = make_url(address).set(drivername="postgresql+pg8000")
    except ArgumentError as error:
        raise TouchstoneError(
            "The address is not one of PostgreSQL; write postgresql://user@host/database."
        ) from error
    password = os.environ.get("PGPASSWORD")
    return url if url.password or not password else url.set(password=password)


def _reason(error: Exception) -> str:
    """What the server says, without values."""
    told = getattr(error, "orig", error)
    if isinstance(told, OSError) or type(told).__name__ == "InterfaceError":  # no server
        return "it cannot be reached; check that it runs and that the address is right"
    said = told.args[0] if getattr(told, "args", None) else ""
    return str(said.get("M", "refused")) if isinstance(said, dict) else type(told).__name__


@contextmanager
def _compared(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory in which snapshots are compared."""
    with duckdb.connect(":memory:") as con:
        configure(con, settings)
        spill = settings.work / "spill"
        spill.mkdir(parents=True, exist_ok=True, mode=0o700)
        con.execute(f"set temp_directory = {_quoted(spill)}")
        con.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'")
        yield con


def _made(cursor: Any, con: duckdb.DuckDBPyConnection, published: Path) -> str | None:
    """The snapshot that the copy holds, if it is kept; tables are made that are not there or old.

    Another installation may have had a run of the same name: it began at another time.
    """
    folder = published / "current"
    cursor.execute(f"create schema if not exists {SCHEMA}")
    cursor.execute(
        f"create table if not exists {SCHEMA}.copied (number integer primary key, run_id text, "
        "contract text, began_at text, copied_at timestamptz)"
    )
    cursor.execute(f"comment on table {SCHEMA}.copied is 'Which snapshot this copy is at.'")
    cursor.execute(f"select run_id, contract, began_at from {SCHEMA}.copied")
    row = cursor.fetchone()
    columns = {table: _columns(con, folder / f"{table}.parquet") for table in KEYS}
    if row and row[1] == CONTRACT and all(_is_there(cursor, *one) for one in columns.items()):
        kept = published / str(row[0])
        return str(row[0]) if kept.is_dir() and _began_at(con, kept) == row[2] else None
    for table, kinds in columns.items():
        cursor.execute(f"drop table if exists {SCHEMA}.{table}")
        said = ", ".join(f"{name} {_TYPES.get(kind, kind)}" for name, kind in kinds.items())
        cursor.execute(f"create table {SCHEMA}.{table} ({said})")
        for statement in read_dictionary().comments(table, "table", list(kinds)):
            cursor.execute(statement.replace(f" {table}", f" {SCHEMA}.{table}", 1))
    return None


def _began_at(con: duckdb.DuckDBPyConnection, folder: Path) -> str:
    """When the run of a snapshot began."""
    runs = _quoted(folder / "runs.parquet")
    return str(con.sql(f"select max(started_at)::varchar from {runs}").fetchall()[0][0])


def _columns(con: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    rows = con.sql(f"describe select * from read_parquet({_quoted(path)})").fetchall()
    return {name: "VARCHAR" if kind.startswith("ENUM") else kind for name, kind, *_ in rows}


def _is_there(cursor: Any, table: str, kinds: dict[str, str]) -> bool:
    """Whether the copy has this table with these columns."""
    cursor.execute(
        "select column_name from information_schema.columns "
        "where table_schema = %s and table_name = %s order by ordinal_position",
        (SCHEMA, table),
    )
    return [name for (name,) in cursor.fetchall()] == list(kinds)


class _Snapshots(NamedTuple):
    """Where the copy is brought to, and from."""

    folder: Path
    old: Path | None

    def files(self, table: str) -> tuple[Path, Path | None]:
        """The file of a table now and before, if there was one."""
        was = self.old / f"{table}.parquet" if self.old is not None else None
        return self.folder / f"{table}.parquet", was if was is not None and was.exists() else None


def _bring(
    cursor: Any, con: duckdb.DuckDBPyConnection, table: str, snapshots: _Snapshots
) -> int | None:
    """Make one table what it is now; the rows written, none if it is as it was."""
    new, was = snapshots.files(table)
    if was is not None and was.samefile(new):
        return None
    rows = f"select {_written(con, new)} from read_parquet({_quoted(new)})"
    keys = KEYS[table]
    if was is None or not keys:
        cursor.execute(f"delete from {SCHEMA}.{table}")
        return _copy(cursor, con, f"{SCHEMA}.{table}", rows)
    named = ", ".join(keys)
    there, before = (f"from read_parquet({_quoted(path)})" for path in (new, was))
    con.execute(
        f"create or replace temp table differing as select distinct {named} from "
        f"(({there} except {before}) union all ({before} except {there}))"
    )
    cursor.execute(f"create temp table differing as select {named} from {SCHEMA}.{table} limit 0")
    _copy(cursor, con, "differing", f"select {named} from differing")
    cursor.execute("analyze differing")
    same = " and ".join(f"t.{key} = d.{key}" for key in keys)
    cursor.execute(f"delete from {SCHEMA}.{table} t using differing d where {same}")
    cursor.execute("drop table differing")
    return _copy(cursor, con, f"{SCHEMA}.{table}", f"{rows} semi join differing using ({named})")


def _written(con: duckdb.DuckDBPyConnection, path: Path) -> str:
    """The columns as COPY reads them: lists in braces."""
    return ", ".join(
        _BRACED.format(name=name) if kind.endswith("[]") else name
        for name, kind in _columns(con, path).items()
    )


_BRACED = """case when {name} is not null then '{{' || array_to_string(list_transform({name},
    lambda x: '"' || replace(replace(x, '\\', '\\\\'), '"', '\\"') || '"'), ',')
    || '}}' end as {name}"""


def _copy(cursor: Any, con: duckdb.DuckDBPyConnection, table: str, rows: str) -> int:
    """Send rows in slices; how many there were."""
    count = 0
    for batch in con.sql(rows).to_arrow_reader(_ROWS):
        frame = pl.DataFrame(batch)
        sent = io.BytesIO()
        frame.write_csv(sent, include_header=False, quote_style="non_numeric")
        sent.seek(0)
        names = ", ".join(frame.columns)
        cursor.execute(f"copy {table} ({names}) from stdin with (format csv)", stream=sent)
        count += frame.height
    return count


def _add_keys(cursor: Any) -> None:
    """Keys and indexes, once the tables are full."""
    for table, keys in KEYS.items():
        if keys and table not in NOT_UNIQUE:
            cursor.execute(
                f"alter table {SCHEMA}.{table} drop constraint if exists {table}_key, "
                f"add constraint {table}_key primary key ({', '.join(keys)})"
            )
        if table in INDEXES:
            name = f"{table}_by_{INDEXES[table]}"
            cursor.execute(
                f"create index if not exists {name} on {SCHEMA}.{table} ({INDEXES[table]})"
            )


def _quoted(path: Path) -> str:
    text = str(path).replace("'", "''")
    return f"'{text}'"
