"""Read CSV and its relatives.

Lines that are beyond doubt, which are nearly all, are told apart in bulk and parsed in bulk.
The others go one by one to `careful.py`. So a clean file costs little more than parsing it, and
a damaged one loses only its damaged rows. A window of lines is held at a time, whatever the size.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import polars as pl

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers.bulk import clean_lines, faulty_lines, parse_lines, trailer_lines
from store.readers.bytes import Content
from store.readers.careful import CarefulReader, UnfinishedError
from store.readers.dialect import find_shape
from store.readers.encodings import count_misread
from store.readers.lines import Lines
from store.readers.reading import (
    NOT_MISSED,
    DeliveryRefused,
    Reading,
    Reject,
    columns_of,
    emptied,
    reject_frame,
    row_schema,
    settle,
    without_headers,
)
from store.readers.text import Text, read_texts, sliced

_NO_ROW = frozenset({"blank_row", "separator_row"})
"""Rejects that may stand below a trailer."""


_EMPTY_PER_REJECT = 5
"""A sheet saved as CSV may have a million empty rows, and each is kept with its reason."""

_BYTES_A_CHAR = 8
"""UTF-8 has at most four; a value and all of its doubled quotes fit into so many."""


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


class _Plan(NamedTuple):
    """What all windows are read by."""

    columns: list[str]
    header: list[str]
    """The names in the header as they stand there; empty if it has none."""
    careful: CarefulReader
    trailer: str | None
    max_rejects: int


class _Told(NamedTuple):
    """What is known of the lines of a window before any is looked at alone."""

    clean: pl.Series
    faulty: pl.Series
    """The numbers of those that are surely no rows."""
    is_trailer: pl.Series

    def doubtful(self) -> list[int]:
        """The others."""
        is_told = self.clean
        if len(self.faulty):
            is_told = is_told.clone().scatter(self.faulty, True)
        return (~is_told).arg_true().to_list()


class _Held(NamedTuple):
    """What one window leaves to the next."""

    data: bytes
    """The lines of a row that is not finished."""
    row_number: int
    """Of the next row."""
    trailers: list[Reject]
    """Lines that are trailers if no row comes after them."""
    blank_columns: frozenset[str]
    """Columns without a name that have had no value yet."""
    damaged: int = 0
    """Rows that were rejected and are missed."""
    blank: int = 0
    """Rows that nobody misses."""
    recoded: int = 0
    fallback: str | None = None
    misread: int = 0


def read_delimited(
    content: Content, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Iterator[Reading]:
    """Every row of the file as text, or as a reject with its reason; a part for each window."""
    texts = read_texts(content.pieces, rule.encoding)
    text = next(texts)
    shape = find_shape(text, rule, expected)
    columns = columns_of(shape.names, limits.max_columns)
    careful = CarefulReader(shape.dialect, len(columns), limits.max_field_chars)
    unnamed = frozenset(name for name in columns if re.fullmatch(r"column \d+", name))
    plan = _Plan(
        columns, shape.names if rule.header else [], careful, rule.trailer, limits.max_rejects
    )
    held = _Held(b"", shape.first_row, [], unnamed if rule.header else frozenset())
    notes = [*content.notes, text.note, *shape.notes]
    begun = text._replace(data=text.data[shape.start :])
    for window in sliced(chain([begun], texts)):
        whole = window._replace(data=held.data + window.data)
        rows, rejects, held = _read_part(whole, plan, held)
        if held.row_number > limits.max_rows:
            raise DeliveryRefused(f"there are more lines than the limit of {limits.max_rows:,}")
        if window.is_last:
            notes += _last_notes(held)
            trailers = [one._replace(reason="trailer_row") for one in held.trailers]
            rejects = pl.concat([rejects, reject_frame(trailers)])
        yield _part(rows, rejects, held, notes if window.is_last else [])


def _part(rows: pl.DataFrame, rejects: pl.DataFrame, held: _Held, notes: list[str]) -> Reading:
    """One part as it is handed over; columns that have had neither name nor value are left out."""
    rows = rows.drop(held.blank_columns)
    return settle(rows, rejects, rows.columns[1:], rows.height + rejects.height, notes)


def _last_notes(held: _Held) -> list[str]:
    """What can be said of the delivery once all of it is read."""
    notes = []
    if held.recoded:
        notes.append(f"{held.recoded} lines are not UTF-8 and were read as {held.fallback}")
    if held.misread:
        notes.append(
            f"{held.misread} characters look like UTF-8 that was read as cp1252 (two odd signs for "
            "one letter); they are kept as they came: ask the sender for UTF-8"
        )
    if held.trailers:
        notes.append(f"trailer: {len(held.trailers)} lines at the end are no records")
    return notes + [
        f"{name} has neither name nor values and is left out" for name in sorted(held.blank_columns)
    ]


def _read_part(
    text: Text,
    plan: _Plan,
    held: _Held,
) -> tuple[pl.DataFrame, pl.DataFrame, _Held]:
    """Read one window; a row that it cuts in two is left to the next."""
    lines = Lines(text.data, text.fallback)
    rows, faulty, walk = _read_window(lines, plan, text.is_last)
    numbers = walk.row_numbers(held.row_number)
    number = numbers.gather(rows.get_column("row_number")).alias("row_number")
    rows, repeated = without_headers(rows.with_columns(number), plan.header)
    rejects = [one._replace(row_number=numbers[one.row_number]) for one in walk.rejects]
    faulty = faulty.with_columns(numbers.gather(faulty["row_number"]).alias("row_number"))
    maybe = held.trailers + [
        one._replace(row_number=numbers[one.row_number]) for one in walk.trailers
    ]
    last = _last_row(rows, rejects, faulty)
    damaged, blank = _within_limits(held, rejects, pl.concat([faulty, repeated]), plan.max_rejects)
    early = [one for one in maybe if one.row_number < last]
    is_whole = walk.done == len(lines.text)
    return (
        rows,
        pl.concat([reject_frame([*rejects, *early]), faulty, repeated]),
        held._replace(
            data=b"" if is_whole else lines.raw[lines.offset(walk.done) :],
            row_number=(numbers[-1] if len(numbers) else held.row_number - 1) + 1,
            trailers=[one for one in maybe if one.row_number >= last],
            blank_columns=_still_blank(rows, held.blank_columns),
            damaged=damaged,
            blank=blank,
            recoded=held.recoded + lines.recoded,
            fallback=text.fallback,
            misread=held.misread + count_misread(lines.raw),
        ),
    )


def _still_blank(rows: pl.DataFrame, names: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name in names if rows.get_column(name).null_count() == rows.height)


def _within_limits(
    held: _Held, rejects: list[Reject], told: pl.DataFrame, most: int
) -> tuple[int, int]:
    """How many rows are damaged by now, and how many empty; refused where they are too many."""
    missed = int((~told["reason"].is_in(sorted(NOT_MISSED))).sum())
    missed += sum(one.reason not in NOT_MISSED for one in rejects)
    damaged = held.damaged + missed
    blank = held.blank + told.height + len(rejects) - missed
    _refuse_if_hopeless(damaged, most)
    if blank > _EMPTY_PER_REJECT * most:
        raise DeliveryRefused(
            f"more than {_EMPTY_PER_REJECT * most:,} rows of it are empty; ask for the file again"
        )
    return damaged, blank


def _refuse_if_hopeless(count: int, most: int) -> None:
    if count > most:
        raise DeliveryRefused(
            f"more than {most:,} rows of it cannot be read; ask for the file again"
        )


def _last_row(rows: pl.DataFrame, rejects: list[Reject], faulty: pl.DataFrame) -> int:
    told = faulty.filter(~pl.col("reason").is_in(_NO_ROW))["row_number"]
    numbers = [told.item(-1)] if len(told) else []
    numbers += [reject.row_number for reject in rejects if reject.reason not in _NO_ROW]
    if rows.height:
        numbers.append(rows.item(-1, "row_number"))
    return max(numbers, default=0)


def _read_window(
    lines: Lines, plan: _Plan, is_last: bool
) -> tuple[pl.DataFrame, pl.DataFrame, _Walk]:
    """The rows of a window, numbered from 0 by their lines, and what is not a row."""
    careful, schema = plan.careful, row_schema(plan.columns)
    is_trailer = trailer_lines(lines, careful.dialect, plan.trailer)
    clean = clean_lines(lines, careful.dialect, careful.width, careful.max_chars) & ~is_trailer
    left = ~(clean | is_trailer)
    faulty = faulty_lines(lines, left, careful.dialect, careful.width, careful.max_chars)
    walk = _walk(lines, _Told(clean, faulty["row_number"], is_trailer), plan, is_last)
    rows = parse_lines(lines, _left(clean, walk), careful.dialect, plan.columns)
    if rows is None:  # the two ways of reading disagree: then only the careful one is right
        clean = pl.repeat(False, len(clean), dtype=pl.Boolean, eager=True)
        faulty = faulty.clear()
        walk = _walk(lines, _Told(clean, faulty["row_number"], is_trailer), plan, is_last)
        rows = pl.DataFrame(schema=schema)
    if walk.rows:
        loose = pl.DataFrame(walk.rows, schema=schema, orient="row")
        rows = pl.concat([rows, emptied(loose)]).sort("row_number")
    return rows, faulty, walk


def _left(clean: pl.Series, walk: _Walk) -> pl.Series:
    """The clean lines without those that are inside a value or left to the next window."""
    if walk.swallowed:
        clean = clean.clone().scatter(walk.swallowed, False)
    return clean.head(walk.done)


def _walk(lines: Lines, told: _Told, plan: _Plan, is_last: bool) -> _Walk:
    """Read row by row what is neither clean nor surely none."""
    careful, is_trailer = plan.careful, told.is_trailer
    rows, rejects, trailers = list[list[object]](), list[Reject](), list[Reject]()
    swallowed, after, missed = list[int](), 0, 0
    doubtful = told.doubtful()
    is_sound = told.clean.to_list() if doubtful else []
    is_enough = len(lines.raw) > _BYTES_A_CHAR * careful.max_chars  # then no value goes on
    for index in doubtful:
        if index < after:
            continue
        if is_trailer[index]:
            trailers.append(Reject(index, "trailer_before_the_end", lines.texts[index]))
            continue
        try:
            cells, reason, used, raw = careful.row_at(
                lines, index, is_sound, is_last or (index == 0 and is_enough)
            )
        except UnfinishedError:
            return _Walk(rows, rejects, trailers, swallowed, index)
        after = index + used
        swallowed += range(index + 1, after)
        if reason:
            rejects.append(Reject(index, reason, raw))
            missed += rejects[-1].reason not in NOT_MISSED
            _refuse_if_hopeless(missed, plan.max_rejects)
        else:
            rows.append([index, *cells])
    return _Walk(rows, rejects, trailers, swallowed, len(told.clean))
