"""Tell the lines of a CSV file that are beyond doubt, and parse them all at once.

Beyond doubt is a line that is one whole row: as many cells as the header, each either free of
quotes or quoted by the letter of the format. Whatever may be blank, a rule, a repeated header, a
trailer or damage is left to others.
"""

import re

import polars as pl
from polars.exceptions import ComputeError, PolarsError

from store.readers.dialect import Dialect, row_pattern
from store.readers.lines import Lines
from store.readers.reading import (
    RAW_CHARS,
    REJECT_SCHEMA,
    DeliveryRefused,
    emptied,
    row_schema,
)

_FEW = 1_000
"""So few doubtful lines are read one by one."""
_SPACE = r"\s\x1c-\x1f"
"""What Python takes for space."""
_MOST_COUNTED = 120
"""More columns than this make the pattern of a quoted line too large."""


def clean_lines(lines: Lines, dialect: Dialect, width: int, max_chars: int) -> pl.Series:
    """Which lines are beyond doubt."""
    is_quoted = dialect.quote is not None and dialect.quote in _characters(lines, dialect.quote)
    if not _is_plain(dialect) or (is_quoted and width > _MOST_COUNTED):
        return pl.repeat(False, len(lines.text), dtype=pl.Boolean, eager=True)
    line = pl.col("line")
    fits = (
        line.str.contains(row_pattern(dialect, width))
        if is_quoted
        else line.str.count_matches(dialect.delimiter, literal=True) == width - 1
    )
    is_sound = ~line.str.contains(_junk_pattern(dialect)) & (line.str.len_bytes() <= max_chars)
    if b"\0" in lines.raw:
        is_sound &= ~line.str.contains("\0", literal=True)
    clean = lines.text.to_frame("line").select(fits & is_sound).to_series()
    return clean.scatter(sorted(lines.undecodable), False) if lines.undecodable else clean


def faulty_lines(
    lines: Lines, left: pl.Series, dialect: Dialect, width: int, max_chars: int
) -> pl.DataFrame:
    """Those of the lines `left` that are beyond doubt no rows: blank, or of another width.

    Only where nothing is quoted is a line alone; a file that is damaged throughout is then told in
    bulk too. They are numbered by line from 0, as rejects.
    """
    is_quoted = dialect.quote is not None and dialect.quote.encode() in lines.raw
    if is_quoted or not _is_plain(dialect) or left.sum() < _FEW:
        return pl.DataFrame(schema=REJECT_SCHEMA)
    delimiter, line = re.escape(dialect.delimiter), pl.col("line")
    fault = (
        pl.when(line.str.contains(rf"^[{_SPACE}{delimiter}]*$"))
        .then(pl.lit("blank_row"))
        .when(
            (line.str.count_matches(dialect.delimiter, literal=True) != width - 1)
            & ~line.str.contains(rf"^[{_SPACE}{delimiter}\-=_*+\#~.|:]*$")
        )
        .then(pl.lit("ragged_row"))
    )
    undecodable = left.clone().scatter(sorted(lines.undecodable), False)
    numbers = undecodable.arg_true()
    some = lines.text.gather(numbers).alias("line").to_frame().with_columns(row_number=numbers)
    some = some.filter(line.str.len_bytes() <= max_chars).with_columns(reason=fault)
    found = some.drop_nulls("reason").with_columns(raw=line.str.slice(0, RAW_CHARS))
    return found.select(pl.col("row_number").cast(pl.Int64), "reason", "raw")


def trailer_lines(lines: Lines, dialect: Dialect, trailer: str | None) -> pl.Series:
    """Which lines have a first cell that the feed says is a trailer's."""
    if trailer is None:
        return pl.repeat(False, len(lines.text), dtype=pl.Boolean, eager=True)
    delimiter, quote = re.escape(dialect.delimiter), re.escape(dialect.quote or "\0")
    first = pl.coalesce(
        pl.col("line").str.extract(rf"^\s*{quote}([^{quote}]*)"),
        pl.col("line").str.extract(rf"^\s*([^{delimiter}]+)"),
    )
    matches = first.str.contains(f"^(?:{trailer})").fill_null(False)
    try:
        return lines.text.to_frame("line").select(matches).to_series()
    except ComputeError:
        raise DeliveryRefused(f"the feed's trailer {trailer!r} is no pattern") from None


def parse_lines(
    lines: Lines, chosen: pl.Series, dialect: Dialect, columns: list[str]
) -> pl.DataFrame | None:
    """The chosen lines as rows, numbered by line from 0; None if they are not one row each."""
    numbers = chosen.arg_true().cast(pl.Int64).alias("row_number")
    if numbers.is_empty():
        return pl.DataFrame(schema=row_schema(columns))
    source = lines.raw if lines.is_as_read and len(numbers) == len(lines.text) else None
    try:
        rows = _parse(
            source or _joined(lines.text.head(len(chosen)).filter(chosen)), dialect, columns
        )
    except PolarsError:
        return None
    if rows.height != len(numbers):
        return None
    quote = (dialect.quote or "").encode()
    if quote and quote in lines.raw and quote * 2 in lines.raw:  # one byte is found far faster
        rows = emptied(rows)
    return rows.insert_column(0, numbers)


def _parse(source: bytes, dialect: Dialect, columns: list[str]) -> pl.DataFrame:
    names = [f"c{number}" for number in range(len(columns))]
    rows = pl.read_csv(
        source,
        has_header=False,
        schema=dict.fromkeys(names, pl.String),
        separator=dialect.delimiter,
        quote_char=dialect.quote,
        infer_schema=False,
    )
    return rows.rename(dict(zip(names, columns, strict=True)))


def _joined(text: pl.Series) -> bytes:
    return text.to_frame().write_csv(include_header=False, quote_style="never").encode()


def _is_plain(dialect: Dialect) -> bool:
    """Whether the bulk parser takes these characters: it wants single bytes."""
    return dialect.delimiter.isascii() and (dialect.quote or "").isascii()


def _characters(lines: Lines, character: str) -> str:
    return character if character.encode() in lines.raw else ""


def _junk_pattern(dialect: Dialect) -> str:
    """Lines of nothing but space, delimiters, quotes and rules."""
    return rf"^[\s{re.escape(dialect.delimiter + (dialect.quote or ''))}\-=_*+\#~.]*$"
