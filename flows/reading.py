"""Read a delivery through, once, before anything of it enters.

Whether a delivery is held can depend on its last row, so it is read to its end first. The first
parts of what is read are kept in memory, up to a limit, and the others below the run's own folder:
what a delivery costs in memory does not grow with its size.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from rules.feed import Feed
from rules.limits import Limits
from store.archive import Delivery
from store.feeds import read_synonyms
from store.files import remove_tree
from store.readers import NOT_MISSED, DeliveryRefused, Reading, read_parts
from store.redacted import ERASED, is_redacted, read_redacted
from store.rulebook import Rulebook
from transforms.cells import count_cells, sum_cells
from transforms.column_drift import tell_drift
from transforms.conform import conform, find_drift

_NEWEST = pl.CompatLevel.newest()
KEPT_BYTES = 1 << 28
"""How much of a delivery is kept in memory; writing it and reading it again is dear."""


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
        self._cells: list[pl.DataFrame] = []
        self._kept: list[Reading] = []
        self._kept_bytes = 0

    def add(self, part: Reading) -> None:
        """Keep one more part."""
        self.columns |= dict.fromkeys(part.columns)
        self.row_count += part.row_count
        ours = conform(part.rows, self.feed)
        keyless = ours["source_key"].null_count() if "source_key" in ours.columns else 0
        missed = part.rejects.filter(~pl.col("reason").is_in([*NOT_MISSED, ERASED]))
        self.unreadable += missed.height + keyless
        self._cells.append(count_cells(ours, self.feed))
        self.notes += part.notes
        size = int(part.rows.estimated_size())
        if len(self._kept) == self.count and self._kept_bytes + size <= KEPT_BYTES:
            self._kept.append(part._replace(notes=[]))
            self._kept_bytes += size
        else:
            self._write(self.count, part)
        self.count += 1

    def parts(self) -> Iterator[Reading]:
        """The parts again, in their order, and for the last time."""
        kept = len(self._kept)
        self._kept.reverse()
        while self._kept:
            part = self._kept.pop()
            rows = self._widened(part.rows)
            yield Reading(rows, part.rejects, rows.columns[1:], part.row_count, [])
        for number in range(kept, self.count):
            rows = self._widened(self._read(number, "rows"))
            rejects = self._read(number, "rejects")
            count = rows.height + rejects.height
            yield Reading(rows, rejects, rows.columns[1:], count, [])
        remove_tree(self.folder)

    def look(self) -> Iterator[Reading]:
        """The parts again, in their order, to be had once more."""
        for rows, rejects in zip(self._each("rows"), self._each("rejects"), strict=True):
            wide = self._widened(rows)
            yield Reading(wide, rejects, wide.columns[1:], rows.height + rejects.height, [])

    def _widened(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with all columns of the delivery: its parts are to be read as one."""
        missing = [name for name in self.columns if name not in rows.columns]
        wide = rows.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
        return wide.select("row_number", *(pl.col([name]) for name in self.columns))

    def cells(self) -> pl.DataFrame:
        """Of what kinds the cells of each of our fields are: field, kind, cell_count."""
        return sum_cells(pl.concat(self._cells))

    def values(self, field: str) -> Iterator[pl.Series]:
        """The values of one of our fields, part by part."""
        for rows in self._each("rows"):
            ours = conform(rows, self.feed)
            if field in ours.columns:
                yield ours[field].drop_nulls()

    def reject_texts(self) -> Iterator[pl.Series]:
        """The text of the rows that could not be read, part by part."""
        for rejects in self._each("rejects"):
            yield rejects["raw"]

    def _each(self, what: str) -> Iterator[pl.DataFrame]:
        """The rows, or the rejects, of each part."""
        for part in self._kept:
            yield part.rows if what == "rows" else part.rejects
        for number in range(len(self._kept), self.count):
            yield self._read(number, what)

    def _write(self, number: int, part: Reading) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for what, frame in (("rows", part.rows), ("rejects", part.rejects)):
            frame.write_ipc(self._path(number, what), compression="lz4", compat_level=_NEWEST)

    def _read(self, number: int, what: str) -> pl.DataFrame:
        return pl.read_ipc(self._path(number, what))

    def _path(self, number: int, what: str) -> Path:
        return self.folder / f"{what}_{number:06d}.arrow"


def read_through(delivery: Delivery, feed: Feed, limits: Limits, folder: Path) -> Spool:
    """Read a delivery to its end; what makes it unreadable is said by `DeliveryRefused`."""
    remove_tree(folder)
    spool = Spool(folder, feed)
    if is_redacted(delivery.path):
        parts = read_redacted(delivery.path)
    else:
        parts = read_parts(delivery.path, feed.read, limits, expected=list(feed.columns))
    for part in parts:
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
        note = "the columns come in another order than the feed has them"
        spool.notes += [note] if note not in spool.notes else []  # one that was redacted has it
