"""Keep the golden tables: what the next snapshot is a copy of.

A file of its own, beside the warehouse, so that a snapshot is one copy of it. Each stage that
writes here notes in the same transaction that it did, since the warehouse's own note comes after.
"""

import json
from pathlib import Path
from typing import get_args

import polars as pl

from rules.survivorship import Survivorship, TieBreaker
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
        """The golden values of these customers as text: founder and one column per field."""
        columns = ", ".join(f"{field}::varchar as {field}" for field in self.fields)
        return self.read(
            f"select founder, {columns} from golden_values semi join founders using (founder)",
            founders=founders,
        )


def open_golden(path: Path, settings: Settings, rules: Survivorship) -> Golden:
    """Open the golden tables; when the golden fields have changed they are made anew."""
    words = list(get_args(TieBreaker))
    golden = Golden(path, settings, rules.names(), words)
    if golden.has("golden_values"):
        have = set(golden.read("select * from golden_values limit 0").columns)
        if {f"{field}_record" for field in rules.names()} <= have and len(have) == 6 + 4 * len(
            rules.names()
        ):
            return golden
    golden.close()
    path.unlink()
    return Golden(path, settings, rules.names(), words)
