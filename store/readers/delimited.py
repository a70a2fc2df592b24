"""Read CSV and its relatives.

Lines that are beyond doubt, which are nearly all, are told apart in bulk and parsed in bulk.
The others go one by one to `careful.py`. So a clean file costs little more than parsing it, and
a damaged one loses only its damaged rows.
"""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers.bulk import clean_lines, parse_lines, trailer_lines
from store.readers.bytes import Content
from store.readers.careful import CarefulReader, UnfinishedError
from store.readers.dialect import Shape, find_shape
from store.readers.lines import Lines, window_at
from store.readers.reading import (
    DeliveryRefused,
    Reading,
    Reject,
    columns_of,
    emptied,
    reject_frame,
    row_schema,
    settle,
    without_headers,
    without_unnamed,
)
from store.readers.text import Text, to_utf8

_NO_ROW = frozenset({"blank_row", "separator_row"})
"""Rejects that may stand below a trailer."""


class _Walk(NamedTuple):
    """What came of the lines of a window that were not beyond doubt."""

    rows: list[list[object]]
    rejects: list[Reject]
    trailers: list[Reject]
    swallowed: list[int]
    """Lines in which no row begins: they go on with a value."""
    done: int
    """How many lines of the window are dealt with."""

    def row_numbers(self, first: int) -> pl.Series:
        """The number of each line's row: a row over several lines is one row."""
        begins = pl.repeat(1, self.done, dtype=pl.Int64, eager=True)
        if self.swallowed:
            begins = begins.scatter(self.swallowed, 0)
        return begins.cum_sum() + (first - 1)


class _Body(NamedTuple):
    """The parts of a file below its header."""

    rows: pl.DataFrame
    rejects: list[Reject]
    trailers: list[Reject]
    recoded: int


def read_delimited(
    content: Content, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Reading:
    """Every row of the file as text, or as a reject with its reason."""
    text = to_utf8(content.data, rule.encoding)
    if text.data.count(b"\n") > limits.max_rows:
        raise DeliveryRefused(f"there are more lines than the limit of {limits.max_rows}")
    shape = find_shape(text, rule, expected)
    columns = columns_of(shape.names, limits.max_columns)
    careful = CarefulReader(shape.dialect, len(columns), limits.max_field_chars)
    body = _read_body(text, shape, columns, careful, rule.trailer)
    return _reading(body, shape, rule, [*content.notes, text.note, *shape.notes])


def _reading(body: _Body, shape: Shape, rule: ReadRule, notes: list[str]) -> Reading:
    """Everything that was read, with the trailer taken off its end."""
    if body.recoded:
        notes.append(f"{body.recoded} lines are not UTF-8 and were read as cp1252")
    header = shape.names if rule.header else []
    rows, repeated = without_headers(body.rows, header)
    last = _last_row(rows, body.rejects)
    early = [line for line in body.trailers if line.row_number < last]
    if len(early) < len(body.trailers):
        notes.append(f"trailer: {len(body.trailers) - len(early)} lines at the end are no rows")
    rejects = pl.concat([reject_frame([*body.rejects, *early]), repeated])
    rows, dropped = without_unnamed(rows)
    notes += [f"{name} has neither name nor values and is left out" for name in dropped]
    return settle(rows, rejects, rows.columns[1:], rows.height + rejects.height, notes)


def _last_row(rows: pl.DataFrame, rejects: list[Reject]) -> int:
    numbers = [reject.row_number for reject in rejects if reject.reason not in _NO_ROW]
    if rows.height:
        numbers.append(rows.item(-1, "row_number"))
    return max(numbers, default=0)


def _read_body(
    text: Text, shape: Shape, columns: list[str], careful: CarefulReader, trailer: str | None
) -> _Body:
    """Go through the windows; one that ends inside a row gives that row to the next."""
    frames, rejects, trailers, recoded = [pl.DataFrame(schema=row_schema(columns))], [], [], 0
    start, first = shape.start, shape.first_row
    while start < len(text.data):
        lines, stop = window_at(text, start)
        frame, walk = _read_window(lines, columns, careful, trailer, stop == len(text.data))
        numbers = walk.row_numbers(first)
        number = numbers.gather(frame.get_column("row_number")).alias("row_number")
        frames.append(frame.with_columns(number))
        rejects += [one._replace(row_number=numbers[one.row_number]) for one in walk.rejects]
        trailers += [one._replace(row_number=numbers[one.row_number]) for one in walk.trailers]
        recoded += lines.recoded
        start = stop if walk.done == len(lines.text) else start + lines.offset(walk.done)
        first = (numbers[-1] if len(numbers) else first - 1) + 1
    return _Body(pl.concat(frames), rejects, trailers, recoded)


def _read_window(
    lines: Lines, columns: list[str], careful: CarefulReader, trailer: str | None, is_last: bool
) -> tuple[pl.DataFrame, _Walk]:
    """The rows of a window, numbered from 0 by their lines, and what is not a row."""
    is_trailer = trailer_lines(lines, careful.dialect, trailer)
    clean = clean_lines(lines, careful.dialect, careful.width, careful.max_chars) & ~is_trailer
    walk = _walk(lines, clean, is_trailer, careful, is_last)
    rows = parse_lines(lines, _left(clean, walk), careful.dialect, columns)
    if rows is None:  # the two ways of reading disagree: then only the careful one is right
        clean = pl.repeat(False, len(clean), dtype=pl.Boolean, eager=True)
        walk = _walk(lines, clean, is_trailer, careful, is_last)
        rows = pl.DataFrame(schema=row_schema(columns))
    if walk.rows:
        loose = pl.DataFrame(walk.rows, schema=row_schema(columns), orient="row")
        rows = pl.concat([rows, emptied(loose)]).sort("row_number")
    return rows, walk


def _left(clean: pl.Series, walk: _Walk) -> pl.Series:
    """The clean lines without those that are inside a value or left to the next window."""
    if walk.swallowed:
        clean = clean.clone().scatter(walk.swallowed, False)
    return clean.head(walk.done)


def _walk(
    lines: Lines, clean: pl.Series, is_trailer: pl.Series, careful: CarefulReader, is_last: bool
) -> _Walk:
    """Read row by row what is not clean."""
    rows, rejects, trailers = list[list[object]](), list[Reject](), list[Reject]()
    swallowed, after = list[int](), 0
    is_sound = clean.to_list()
    for index in (~clean).arg_true().to_list():
        if index < after:
            continue
        if is_trailer[index]:
            trailers.append(Reject(index, "trailer_before_the_end", lines.texts[index]))
            continue
        try:
            cells, reason, used, raw = careful.row_at(lines, index, is_sound, is_last or index == 0)
        except UnfinishedError:
            return _Walk(rows, rejects, trailers, swallowed, index)
        after = index + used
        swallowed += range(index + 1, after)
        if reason:
            rejects.append(Reject(index, reason, raw))
        else:
            rows.append([index, *cells])
    return _Walk(rows, rejects, trailers, swallowed, len(clean))
