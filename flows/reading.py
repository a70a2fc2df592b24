"""Read a delivery through, once, before anything of it enters.

Whether a delivery is held can depend on its last row, so it is read to its end first. What is read
is kept in parts below the run's own folder, unless it is one part alone: what a delivery costs in
memory does not grow with its size.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from rules.feed import Feed
from rules.limits import Limits
from store.archive import Delivery
from store.feeds import read_synonyms
from store.files import remove_tree
from store.readers import DeliveryRefused, Reading, read_parts
from store.readers.reading import REJECT_SCHEMA
from store.rulebook import Rulebook
from transforms.column_drift import tell_drift
from transforms.conform import conform, find_drift


class Spool:
    """The parts of a delivery that was read to its end, and what can be said of them all."""

    def __init__(self, folder: Path, feed: Feed) -> None:
        self.folder = folder
        self.feed = feed
        self.count = 0
        self.columns: dict[str, None] = {}
        self.row_count = 0
        self.unreadable = 0
        """Rows that cannot be read, or have no key where the source knows its records by key."""
        self.notes: list[str] = []
        self._only: Reading | None = None

    def add(self, part: Reading) -> None:
        """Keep one more part."""
        self.columns |= dict.fromkeys(part.columns)
        self.row_count += part.row_count
        self.unreadable += part.rejects.height + self._keyless(part.rows)
        self.notes += part.notes
        if self._only is not None:
            self._write(0, self._only)
        if self.count:
            self._write(self.count, part)
        self._only = part if self.count == 0 else None
        self.count += 1

    def parts(self) -> Iterator[Reading]:
        """The parts again, in their order."""
        if self._only is not None:
            yield self._only
            return
        for number in range(self.count):
            rows = self._widened(pl.read_parquet(self._path(number, "rows")))
            rejects = pl.read_parquet(self._path(number, "rejects"))
            count = rows.height + rejects.height
            yield Reading(rows, rejects, rows.columns[1:], count, [])
        remove_tree(self.folder)

    def _widened(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with all columns of the delivery: its parts are to be read as one."""
        missing = [name for name in self.columns if name not in rows.columns]
        wide = rows.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
        return wide.select("row_number", *(pl.col([name]) for name in self.columns))

    def values(self, field: str) -> pl.Series:
        """All values of one of our fields, without doubles."""
        found = [conform(part.rows, self.feed)[field].unique() for part in self._read_only("rows")]
        return pl.concat(found).drop_nulls().unique()

    def reject_texts(self) -> pl.Series:
        """The text of the rows that could not be read."""
        return pl.concat([part.rejects["raw"] for part in self._read_only("rejects")])

    def _read_only(self, what: str) -> Iterator[Reading]:
        if self._only is not None:
            yield self._only
            return
        for number in range(self.count):
            found = pl.read_parquet(self._path(number, what))
            rows = found if what == "rows" else pl.DataFrame()
            rejects = found if what == "rejects" else pl.DataFrame(schema=REJECT_SCHEMA)
            yield Reading(rows, rejects, [], 0, [])

    def _keyless(self, rows: pl.DataFrame) -> int:
        ours = conform(rows, self.feed)
        return ours["source_key"].null_count() if "source_key" in ours.columns else 0

    def _write(self, number: int, part: Reading) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.rows.write_parquet(self._path(number, "rows"), compression="lz4", statistics=False)
        part.rejects.write_parquet(self._path(number, "rejects"), compression="lz4")

    def _path(self, number: int, what: str) -> Path:
        return self.folder / f"{what}_{number:06d}.parquet"


def read_through(delivery: Delivery, feed: Feed, limits: Limits, folder: Path) -> Spool:
    """Read a delivery to its end; what makes it unreadable is said by `DeliveryRefused`."""
    remove_tree(folder)
    spool = Spool(folder, feed)
    for part in read_parts(delivery.path, feed.read, limits, expected=list(feed.columns)):
        spool.add(part)
    return spool


def find_columns(spool: Spool, feed: Feed, rulebook: Rulebook) -> None:
    """Hold a delivery whose columns are not the feed's; note it when only their order is other."""
    columns: Sequence[str] = list(spool.columns)
    drift = find_drift(list(columns), feed)
    told = tell_drift(drift, feed, read_synonyms(rulebook.folder) if drift.unknown else {})
    if drift.unknown or drift.missing:
        raise DeliveryRefused(told)
    known = [name for name in [*feed.columns, *feed.ignore] if name in spool.columns]
    if feed.read.format in {"csv", "xlsx"} and known != [
        name for name in columns if name in set(known)
    ]:
        spool.notes.append("the columns come in another order than the feed has them")
