"""Keep the golden tables: what the next snapshot is a copy of.

A file of its own, beside the warehouse, so that a snapshot is one copy of it. Each stage that
writes here notes in the same transaction that it did, since the warehouse's own note comes after.
"""

import json
import re
from pathlib import Path
from typing import TypeVar, get_args

import polars as pl

from rules.survivorship import Survivorship, TieBreaker
from store.dictionary import read_dictionary
from store.errors import TouchstoneError, UnreadableError
from store.schema import (
    CONFIRMED_CONTACTS,
    CONTACT_POINTS,
    IGNORED_VALUES,
    VERIFIED_SHARES,
    WAREHOUSE,
    golden_schema,
)
from store.settings import Settings
from store.views import CONTRACT, analyst_views
from store.warehouse import OF_EACH, Warehouse, explained, opening

G = TypeVar("G", bound="Golden")


_QUEUE = "queue"
"""Where the digest of a queue stands among what stages note."""


class Golden(Warehouse):
    """The golden tables of one installation."""

    def __init__(self, path: Path, settings: Settings, fields: list[str], words: list[str]) -> None:
        self.fields = fields
        super().__init__(path, settings, _schema(fields, words), compress=True)

    def applied(self, run_id: str, stage: str) -> dict[str, int] | None:
        """What `stage` of this run counted, if it has written already."""
        found = self.read(
            f"select counts from applied where run_id = '{run_id}' and stage = '{stage}'"
        )
        if found.is_empty():
            return None
        counts: dict[str, int] = json.loads(found.item())
        return counts

    def apply(self, run_id: str, stage: str, counts: dict[str, int]) -> None:
        """Note that `stage` of this run has written; of earlier runs nobody asks."""
        self.execute(f"delete from applied where run_id <> '{run_id}' and stage <> '{_QUEUE}'")
        self.execute(f"insert into applied values ('{run_id}', '{stage}', '{json.dumps(counts)}')")

    def noted_queue(self) -> dict[str, str]:
        """Which run noted a queue last, with `digest`; nothing before the first."""
        found = self.read(f"select run_id, counts from applied where stage = '{_QUEUE}'")
        return {} if found.is_empty() else {"run_id": found.row(0)[0], "digest": found.row(0)[1]}

    def note_queue(self, run_id: str, digest: str) -> None:
        """Remember what the queue of this run was made of."""
        self.execute(f"delete from applied where stage = '{_QUEUE}'")
        self.execute(f"insert into applied values ('{run_id}', '{_QUEUE}', '{digest}')")

    def comment(self) -> None:
        """Put what the dictionary says beside each published table and its columns.

        The database's own lists know the columns of a view; to ask the view works it out anew.
        """
        found = self.read(
            "select t.table_name, t.table_type, list(c.column_name) as columns "
            "from information_schema.tables t join duckdb_columns() c "
            "on c.table_name = t.table_name and c.schema_name = t.table_schema "
            "and c.database_name = t.table_catalog "
            "where t.table_catalog = current_database() and t.table_schema = 'main' "
            f"and t.table_name in {tuple(read_dictionary().all)} group by all"
        )
        said = [
            statement
            for table, kind, columns in found.iter_rows()
            for statement in read_dictionary().comments(
                table, "view" if kind == "VIEW" else "table", columns
            )
        ]
        self.con.execute(";\n".join(said))

    def values_of(self, founders: pl.DataFrame, fields: list[str] | None = None) -> pl.DataFrame:
        """Golden values of these customers as text: founder and one column per field, or all.

        A field that these tables do not have yet, as those of an older rule file, is missing.
        """
        have = self._columns()
        columns = [
            f"{field}::varchar as {field}" if field in have else f"null::varchar as {field}"
            for field in (self.fields if fields is None else fields)
        ]
        return self.read(
            "select "
            + ", ".join(["founder", *columns])
            + " from golden_values semi join founders using (founder)",
            founders=founders,
        )

    def fits(self) -> bool:
        """Whether the tables have the golden fields of the rules, and are laid out as here."""
        wanted = {f"{field}_record" for field in self.fields}
        columns = self._columns()
        found = {name for name in columns if name.endswith("_record")}
        return found == wanted and self.has("plain_values") and self._knows_breakers()

    def renew_views(self) -> None:
        """Make the views of this version where the file has those of an earlier one."""
        if self.read("select version from contract").item() == CONTRACT:
            return
        views = analyst_views(self.fields)
        with self.transaction():
            self.con.execute(views.replace("create ", "create or replace "))
            self.comment()

    def _knows_breakers(self) -> bool:
        """Whether every word by which a value may be decided can be written."""
        words = self.read("select unnest(enum_range(null::breaker))::varchar as word")["word"]
        return set(get_args(TieBreaker)) <= set(words)

    def _columns(self) -> list[str]:
        return list(self.con.sql("select * from golden_values limit 0").columns)


class GoldenBeside(Golden):
    """The golden tables in the same database process as the warehouse, to be filled from it.

    They have a connection of their own, and so transactions of their own: what the warehouse's
    connection has not committed is not seen here. Tables are named as each of the two names them.
    """

    def __init__(
        self, warehouse: Warehouse, path: Path, fields: list[str], words: list[str]
    ) -> None:
        self.fields, self.path, self.con = fields, path, warehouse.con.cursor()
        self.home = str(warehouse.con.sql("select current_database()").fetchall()[0][0])
        schemas = re.findall(r"create schema (\w+)", WAREHOUSE)
        where = ",".join(["golden.main", *(f'"{self.home}".{schema}' for schema in schemas)])
        place = str(path).replace("'", "''")
        with opening(path):
            self.con.execute(f"attach '{place}' as golden")
        self.con.execute(f"set search_path = '{where}'; {OF_EACH}")
        self.con.execute("set force_compression = 'auto'")
        self._make(_schema(fields, words))

    def add_tables(self) -> None:
        """Make what tables of an earlier version do not have."""
        if not self.has("verified_shares"):
            self.execute(f"create table verified_shares as {VERIFIED_SHARES.format(which='')}")
        if not self.has("ignored_values"):
            self.execute(IGNORED_VALUES)
            self.comment()
        if not self.has("confirmed_contacts"):
            self.execute(CONFIRMED_CONTACTS)
            self.execute(CONTACT_POINTS)
            self.comment()

    def close(self) -> None:
        """Close the file and leave the warehouse as it was."""
        with explained():
            try:
                self.con.execute("set force_compression = 'uncompressed'")
                self.con.execute(f'use "{self.home}"')
                self.con.execute("detach golden")  # writes what is not in the file itself yet
            finally:
                self.con.close()


def open_beside(warehouse: Warehouse, path: Path, rules: Survivorship) -> GoldenBeside:
    """Open the golden tables beside the warehouse that fills them, making them when there are none.

    Their fields must be the rules'.
    """
    golden = _beside(warehouse, path, rules)
    if path not in warehouse.fitting:  # a stage after another need not look again
        _fitting(golden).add_tables()
        warehouse.fitting.add(path)
    return golden


def open_any_golden(path: Path, settings: Settings, rules: Survivorship) -> Golden:
    """Open the golden tables whatever fields they have: to read what an older rule file left."""
    return Golden(path, settings, rules.names(), list(get_args(TieBreaker)))


def is_laid_out_as_before(warehouse: Warehouse, path: Path, rules: Survivorship) -> bool:
    """Whether the golden tables are those of an earlier version, to be made anew.

    They are looked at beside the warehouse: a database process of their own takes longer to begin.
    """
    if not path.exists():
        return False
    try:
        with _beside(warehouse, path, rules) as golden:
            return not golden.fits()
    except UnreadableError:
        return True


def _beside(warehouse: Warehouse, path: Path, rules: Survivorship) -> GoldenBeside:
    return GoldenBeside(warehouse, path, rules.names(), list(get_args(TieBreaker)))


def _schema(fields: list[str], words: list[str]) -> str:
    return golden_schema(fields, words) + analyst_views(fields)


def _fitting(golden: G) -> G:
    if not golden.fits():
        golden.close()
        raise TouchstoneError(
            f"{golden.path.name} has other fields than survivorship.toml, or was made by an older "
            "version; run `touchstone rebuild`."
        )
    golden.renew_views()
    return golden
