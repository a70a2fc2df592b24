"""Name what a reader hands over: the rows of a delivery, its rejects, or a refusal."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

_LONGEST_NAME = 1_000
RAW_CHARS = 10_000
"""How much of a rejected row's text is kept beside its reason."""

NOT_MISSED = frozenset({"blank_row", "separator_row", "repeated_header", "trailer_row"})
"""Reasons of rows that are no records: nobody misses them, however many there are."""

REJECT_SCHEMA = pl.Schema({"row_number": pl.Int64, "reason": pl.String, "raw": pl.String})


class DeliveryRefused(Exception):  # noqa: N818 - it is an answer, not a fault of ours
    """The delivery is held whole; `reason` is one sentence for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Reading(NamedTuple):
    """A delivery in two parts. Every physical row is in exactly one of them."""

    rows: pl.DataFrame
    """`row_number` and one String column per delivered column; null means empty."""
    rejects: pl.DataFrame
    """`row_number`, `reason` and `raw`, the text of the row."""
    columns: list[str]
    row_count: int
    notes: list[str]


class Reject(NamedTuple):
    """A row that could not be read, and why."""

    row_number: int
    reason: str
    raw: str


def joined(parts: Iterable[Reading]) -> Reading:
    """The parts of a delivery as one; a column that a part lacks is missing there."""
    read = list(parts)
    if len(read) == 1:
        return read[0]
    columns = list(dict.fromkeys(name for part in read for name in part.columns))
    empty = pl.DataFrame(schema=row_schema(columns))
    return settle(
        pl.concat([empty, *(part.rows for part in read)], how="diagonal"),
        pl.concat([part.rejects for part in read]),
        columns,
        sum(part.row_count for part in read),
        [note for part in read for note in part.notes],
    )


def reject_frame(rejects: Sequence[Reject]) -> pl.DataFrame:
    """One row per rejected row; texts are cut to what the contract keeps."""
    kept = [(number, reason, raw[:RAW_CHARS]) for number, reason, raw in rejects]
    return pl.DataFrame(kept, schema=REJECT_SCHEMA, orient="row")


def row_schema(columns: Sequence[str]) -> pl.Schema:
    """The schema of `Reading.rows` for these delivered columns."""
    return pl.Schema({"row_number": pl.Int64} | dict.fromkeys(columns, pl.String))


def settle(
    rows: pl.DataFrame, rejects: pl.DataFrame, columns: list[str], row_count: int, notes: list[str]
) -> Reading:
    """Put both parts in order and prove that together they are the delivery."""
    if rows.height + rejects.height != row_count:
        raise AssertionError(
            f"{row_count} rows seen, {rows.height} read and {rejects.height} rejected"
        )
    ordered = _in_order(rows), _in_order(rejects)
    numbers = pl.concat([part.get_column("row_number") for part in ordered])
    if numbers.n_unique() != row_count:
        raise AssertionError("a row was read twice")
    return Reading(*ordered, columns, row_count, notes)


def screen(rows: pl.DataFrame, max_field_chars: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take out the rows that no format should hold: blank, with a NUL, with an endless value."""
    cells = pl.exclude("row_number")
    if rows.width == 1:
        return rows, reject_frame([])
    # Bytes are known of each value and characters must be counted: few values are worth it.
    may_be_long = pl.any_horizontal(cells.str.len_bytes() > max_field_chars)
    is_long = rows.select(may_be_long).to_series().fill_null(value=False)
    long, rows = (rows.filter(is_long), rows.filter(~is_long)) if is_long.any() else (None, rows)
    reason = (
        pl.when(pl.all_horizontal(cells.is_null()))
        .then(pl.lit("blank_row"))
        .when(pl.any_horizontal(cells.cast(pl.Binary).bin.contains(b"\0")))
        .then(pl.lit("nul_byte"))
    )
    rows, rejects = _parted(rows, reason)
    if long is None:
        return rows, rejects
    too_long = pl.any_horizontal(cells.str.len_chars() > max_field_chars)
    kept, late = _parted(long, reason.when(too_long).then(pl.lit("field_too_long")))
    return pl.concat([rows, kept]), pl.concat([rejects, late])


def _parted(rows: pl.DataFrame, reason: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows for which there is no reason, and the others as rejects."""
    reasons = rows.select(reason.alias("reason")).to_series()
    is_bad = reasons.is_not_null()
    if not is_bad.any():
        return rows, reject_frame([])
    bad = rows.filter(is_bad)
    rejects = bad.select("row_number", reasons.filter(is_bad), _raw_text().alias("raw"))
    return rows.filter(~is_bad), rejects


def columns_of(names: Sequence[str], max_columns: int) -> list[str]:
    """The names of a delivery's columns, refused when two of them are one.

    Two names that differ in capitals only are one name to a database. `row_number` is ours, so
    a delivered column of that name is told apart by a word.
    """
    if len(names) > max_columns:
        raise DeliveryRefused(f"{len(names)} columns are more than the limit of {max_columns}")
    if max(map(len, names), default=0) > _LONGEST_NAME:
        raise DeliveryRefused(f"a column's name has more than {_LONGEST_NAME:,} characters")
    seen: dict[str, str] = {}
    for name in names:
        folded = name.casefold()
        if folded in seen:
            raise DeliveryRefused(f"two columns have one name: {seen[folded]!r} and {name!r}")
        seen[folded] = name
    return [f"{name} (delivered)" if name.casefold() == "row_number" else name for name in names]


def emptied(rows: pl.DataFrame) -> pl.DataFrame:
    """An empty text is a missing value."""
    text = pl.col(pl.String)
    return rows.with_columns(pl.when(text != "").then(text).name.keep())


def without_headers(rows: pl.DataFrame, header: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take out the rows that only repeat the names of the columns."""
    if not header:
        return rows, reject_frame([])
    cells = [_folded(pl.nth(index)) for index in range(1, rows.width)]  # any name
    names = [None if re.fullmatch(r"column \d+", name) else name.lower() for name in header]
    same = [cell.eq_missing(pl.lit(name)) for cell, name in zip(cells, names, strict=True)]
    first = next((test for test, name in zip(same, names, strict=True) if name), pl.lit(False))
    maybe = rows.filter(first).filter(pl.all_horizontal(same))
    if maybe.is_empty():
        return rows, reject_frame([])
    rest = rows.join(maybe, on="row_number", how="anti", maintain_order="left")
    return rest, _rejected(maybe, "repeated_header")


def _folded(cell: pl.Expr) -> pl.Expr:
    """A cell without space, capitals and the byte order mark of a file that was put behind."""
    return cell.str.strip_chars().str.strip_chars("\ufeff").str.to_lowercase()


def without_separators(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take out the rows that are drawn lines: `-----`."""
    cells = pl.exclude("row_number")
    if rows.width == 1:
        return rows, reject_frame([])
    is_drawn = pl.all_horizontal(cells.str.contains(r"^\s*[-=_*+#~]{3,}\s*$").fill_null(True))
    return rows.filter(~is_drawn), _rejected(rows.filter(is_drawn), "separator_row")


def without_trailer(
    rows: pl.DataFrame, trailer: str | None
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Take out the rows whose first cell is a trailer's: rejects, for another reason where early.

    The last number is how many were at the end, where a trailer belongs.
    """
    if trailer is None or rows.width == 1:
        return rows, reject_frame([]), 0
    first = pl.nth(1).str.strip_chars().str.contains(f"^(?:{trailer})").fill_null(False)
    matches = rows.filter(first)
    rest = rows.filter(~first)
    filled = rest.filter(~pl.all_horizontal(pl.exclude("row_number").is_null()))
    last = filled.item(-1, "row_number") if filled.height else 0
    early = matches.filter(pl.col("row_number") < last)
    late = matches.filter(pl.col("row_number") >= last)
    rejects = [_rejected(early, "trailer_before_the_end"), _rejected(late, "trailer_row")]
    return rest, pl.concat(rejects), late.height


def without_unnamed(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Leave out the columns that have neither a name nor a value, as spreadsheets add them."""
    unnamed = [name for name in rows.columns[1:] if re.fullmatch(r"column \d+", name)]
    if not rows.height:
        return rows, []
    empty = [name for name in unnamed if rows.get_column(name).null_count() == rows.height]
    return rows.drop(empty), empty


def _rejected(rows: pl.DataFrame, reason: str) -> pl.DataFrame:
    raw = _raw_text().alias("raw")
    return rows.select("row_number", pl.lit(reason).alias("reason"), raw).cast(REJECT_SCHEMA)


def _raw_text() -> pl.Expr:
    begins = pl.exclude("row_number").str.slice(0, RAW_CHARS)
    return pl.concat_str(begins, separator=",", ignore_nulls=True).str.slice(0, RAW_CHARS)


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    is_sorted = rows.get_column("row_number").is_sorted()
    return rows if is_sorted else rows.sort("row_number")
