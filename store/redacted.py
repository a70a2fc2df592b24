"""Keep a delivery of which rows were erased: as it was read, without them.

The file that came is replaced by a table of its rows as text, under the same numbers. Whatever its
format, encoding and packing were, the other rows are read from it as they were before, and
nothing of the erased ones is left in it. A delivery that nobody could read is replaced by nothing.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from store.files import sync_file, sync_folder
from store.readers.reading import REJECT_SCHEMA, DeliveryRefused, Reading, row_schema

NAME = "redacted.parquet"
"""What a delivery of which rows were erased is called in its folder, in place of `payload`."""
ERASED = "erased"
"""Why such a row is in quarantine."""

_ROWS = 100_000
_ABOUT = b"touchstone"
_OURS = ("row_number", "reason", "raw")


class About(NamedTuple):
    """What a redacted delivery says of itself."""

    columns: list[str]
    notes: list[str]
    is_dropped: bool = False


def is_redacted(path: Path) -> bool:
    """Whether this is what is left of a delivery."""
    return path.name == NAME


def write_redacted(
    folder: Path,
    parts: Iterable[Reading],
    about: About,
    erased: frozenset[int],
    blanked: Mapping[str, frozenset[int]] = MappingProxyType({}),
) -> Path:
    """Replace the payload in `folder` by `parts` without the rows that are erased.

    `blanked` names by column the rows of which the cells go.
    """
    draft, target = folder / f".{NAME}.draft", folder / NAME
    schema = _schema(about)
    with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
        for part in parts:
            table = _table(_without_cells(part, blanked), about.columns, erased)
            for some in table.iter_slices(_ROWS):
                writer.write_table(some.to_arrow().cast(schema))
    sync_file(draft)
    os.replace(draft, target)
    sync_folder(folder)
    remove_payload(folder)
    return target


def drop(folder: Path) -> None:
    """Replace the payload in `folder` by nothing."""
    write_redacted(folder, [], About([], [], is_dropped=True), frozenset())


def remove_payload(folder: Path) -> None:
    """Remove the file that came, where what is left of it is kept."""
    if (folder / NAME).exists():
        (folder / "payload").unlink(missing_ok=True)
        sync_folder(folder)


def read_redacted(path: Path) -> Iterator[Reading]:
    """Read what is left of a delivery, as its own file was read."""
    with pq.ParquetFile(path) as file:
        about = About(**json.loads(file.schema_arrow.metadata[_ABOUT]))
        if about.is_dropped:
            raise DeliveryRefused(
                "its content was erased, or kept for long enough; ask for the file again"
            )
        groups = range(file.num_row_groups)
        for group in groups:
            found = pl.from_arrow(file.read_row_group(group))
            notes = about.notes if group == groups[-1] else []
            yield _reading(pl.DataFrame(found), about.columns, notes)
        if not groups:
            yield _reading(pl.DataFrame(schema=_frame_schema(about)), about.columns, about.notes)


def _reading(table: pl.DataFrame, columns: list[str], notes: list[str]) -> Reading:
    is_row = pl.col("reason").is_null()
    cells = {_cell(place): name for place, name in enumerate(columns)}
    rows = table.filter(is_row).select("row_number", *cells).rename(cells)
    rejects = table.filter(~is_row).select(*_OURS)
    return Reading(rows, rejects.cast(REJECT_SCHEMA), columns, table.height, notes)


def _without_cells(part: Reading, blanked: Mapping[str, frozenset[int]]) -> Reading:
    """A part in which these cells are missing."""
    kept = [
        pl.when(~pl.col("row_number").is_in(list(rows))).then(pl.col(column)).alias(column)
        for column, rows in blanked.items()
        if column in part.rows.columns
    ]
    return part._replace(rows=part.rows.with_columns(kept))


def _table(part: Reading, columns: list[str], erased: frozenset[int]) -> pl.DataFrame:
    """Rows and rejects in one table, the erased ones with their numbers alone."""
    rows = pl.concat([pl.DataFrame(schema=row_schema(columns)), part.rows], how="diagonal")
    named = {name: _cell(place) for place, name in enumerate(columns)}
    is_erased = pl.col("row_number").is_in(list(erased))
    both = pl.concat(
        [rows.select("row_number", *columns).rename(named), part.rejects], how="diagonal"
    ).sort("row_number")
    kept = [pl.when(~is_erased).then(pl.col(name)).alias(name) for name in [*named.values(), "raw"]]
    reason = pl.when(is_erased).then(pl.lit(ERASED)).otherwise("reason").alias("reason")
    return both.with_columns(reason, *kept).select(*_OURS, *named.values())


def _schema(about: About) -> pa.Schema:
    fields = [("row_number", pa.int64()), ("reason", pa.large_string()), ("raw", pa.large_string())]
    fields += [(_cell(place), pa.large_string()) for place in range(len(about.columns))]
    return pa.schema(fields, metadata={_ABOUT: json.dumps(about._asdict())})


def _frame_schema(about: About) -> dict[str, type[pl.DataType]]:
    cells = dict.fromkeys((_cell(place) for place in range(len(about.columns))), pl.String)
    return {"row_number": pl.Int64, "reason": pl.String, "raw": pl.String, **cells}


def _cell(place: int) -> str:
    """The name of a column here: theirs may be any text."""
    return f"cell_{place}"
