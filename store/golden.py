"""Keep the golden tables: what the next snapshot is a copy of.

A file of its own, beside the warehouse, so that a snapshot is one copy of it. Each stage that
writes here notes in the same transaction that it did, since the warehouse's own note comes after.
"""

import json
from pathlib import Path
from typing import get_args

import polars as pl

from rules.survivorship import Survivorship, TieBreaker
from store.errors import TouchstoneError
from store.schema import golden_schema
from store.settings import Settings
from store.warehouse import Warehouse


class Golden(Warehouse):
    """The golden tables of one installation."""

    def __init__(self, path: Path, settings: Settings, fields: list[str], words: list[str]) -> None:
        self.fields = fields
        super().__init__(path, settings, golden_schema(fields, words), compress=True)

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
        """Note that `stage` of this run has written."""
        self.execute(f"insert into applied values ('{run_id}', '{stage}', '{json.dumps(counts)}')")

    def values_of(self, founders: pl.DataFrame) -> pl.DataFrame:
        """The golden values of these customers as text: founder and one column per field.

        A field that these tables do not have yet, as those of an older rule file, is missing.
        """
        have = self._columns()
        columns = ", ".join(
            f"{field}::varchar as {field}" if field in have else f"null::varchar as {field}"
            for field in self.fields
        )
        return self.read(
            f"select founder, {columns} from golden_values semi join founders using (founder)",
            founders=founders,
        )

    def fits(self) -> bool:
        """Whether the tables have the golden fields of the rules, and no others."""
        wanted = {f"{field}_record" for field in self.fields}
        return {name for name in self._columns() if name.endswith("_record")} == wanted

    def _columns(self) -> list[str]:
        return self.read("select * from golden_values limit 0").columns


def open_golden(path: Path, settings: Settings, rules: Survivorship) -> Golden:
    """Open the golden tables, making them when there are none; their fields must be the rules'."""
    golden = open_any_golden(path, settings, rules)
    if not golden.fits():
        golden.close()
        raise TouchstoneError(
            f"{path.name} has other fields than survivorship.toml; run `touchstone rebuild`."
        )
    return golden


def open_any_golden(path: Path, settings: Settings, rules: Survivorship) -> Golden:
    """Open the golden tables whatever fields they have: to read what an older rule file left."""
    return Golden(path, settings, rules.names(), list(get_args(TieBreaker)))
