"""Read at once the lines of NDJSON that are alike: the same keys in the same order.

Lines of one shape are taken apart by one pattern, so every digit stays as it was written. The shape
itself is read by the careful way, once, with marks in the place of its values: what that finds in
it (columns, keys given twice, nesting) holds for all its lines. A line with an escape or a list of
objects is left to the careful way, and so are shapes that few lines have.
"""

import re
from typing import NamedTuple

import polars as pl
from polars.exceptions import ComputeError

from rules.limits import Limits
from store.readers.flatten import RecordError, decoder, flatten
from store.readers.reading import Reading, columns_of, emptied, reject_frame, settle

_FEW, _MOST_SHAPES, _MOST_VALUES = 200, 50, 100
_SAMPLE, _MOST_GUESSED = 1_000, 4
"""Finding the shape of a line costs more than reading it: the usual ones are told by a sample."""
_MARK = "\ue000"
"""Stands for a value in a shape; a line that has the character itself is left."""
_PIECE = r'("[^"]*"\s*:\s*)|"[^"]*"|-?\d[0-9.eE+\-]*|true|false|null'
_KEY = re.compile(rf'("[^"]*"\s*:\s*){_MARK}')
_TEXT = r'"[^"\x00-\x1f]*"'
_NUMBER = r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?"
_VALUE = rf"({_TEXT}|{_NUMBER}|true|false|null)"
_IS_DEEP = re.compile(r"\[\s*[\[{]|[\]}]\s*,\s*[\[{]")
"""A list of lists or objects."""


class Alike(NamedTuple):
    """What was read in bulk, and the lines that were not, counted from 0."""

    parts: list[Reading]
    left: list[int]


class _Shape(NamedTuple):
    """How the lines of one shape are taken apart."""

    pattern: str
    columns: dict[str, list[int]]
    """The values, by number, that make up each column."""


def read_alike(data: bytes, count: int, first: int, limits: Limits) -> Alike:
    """Rows, numbered from `first` by line, of those of the `count` lines that are alike."""
    lines = _plain_lines(data, count, limits)
    if lines is None or lines.height < _FEW:
        return Alike([], list(range(count)))
    parts, tried = list[Reading](), set[str]()
    sample = _shaped(lines.gather_every(max(lines.height // _SAMPLE, 1)))
    for text in _shapes(sample, 1)[:_MOST_GUESSED]:
        lines = _read_all(lines, text, parts, first, limits)
        tried.add(text)
    if lines.height >= _FEW:
        shaped = _shaped(lines)
        for text in _shapes(shaped, _FEW):
            if text not in tried:
                _read_all(shaped.filter(pl.col("shape") == text), text, parts, first, limits)
    read = pl.concat([pl.Series(dtype=pl.Int64), *(part.rows["row_number"] for part in parts)])
    left = pl.int_range(first, first + count, dtype=pl.Int64, eager=True)
    return Alike(parts, (left.filter(~left.is_in(read.implode())) - first).to_list())


def _shaped(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.with_columns(shape=pl.col("line").str.replace_all(_PIECE, f"${{1}}{_MARK}"))


def _shapes(shaped: pl.DataFrame, least: int) -> list[str]:
    """The shapes that enough lines have, the most common first."""
    usual = shaped.group_by("shape").len().filter(pl.col("len") >= least)
    return usual.sort("len", "shape", descending=True)["shape"].head(_MOST_SHAPES).to_list()


def _read_all(
    lines: pl.DataFrame, text: str, parts: list[Reading], first: int, limits: Limits
) -> pl.DataFrame:
    """Read the lines of this shape into a part of their own; those that are left."""
    shape = _shape(text, limits)
    part = _read(lines, shape, first, limits) if shape else None
    if part is None or part.rows.is_empty():
        return lines
    parts.append(part)
    numbers = (part.rows["row_number"] - first).cast(pl.UInt32)
    return lines.filter(~pl.col("index").is_in(numbers.implode()))


def _plain_lines(data: bytes, count: int, limits: Limits) -> pl.DataFrame | None:
    """The lines by index that the pattern can take apart; None if they are not cut alike."""
    try:
        lines = pl.read_lines(data).get_column("line")
    except ComputeError:
        return None
    if len(lines) != count:
        return None
    line = pl.col("line")
    is_plain = ~line.str.contains(rf"[\\{_MARK}]") & (line.str.len_bytes() < limits.max_field_chars)
    return lines.to_frame("line").with_row_index("index").filter(is_plain)


def _shape(text: str, limits: Limits) -> _Shape | None:
    """What the careful way makes of a shape; None when its lines are to be read one by one."""
    bare = _KEY.sub("", text)
    if bare.count(_MARK) > _MOST_VALUES or _IS_DEEP.search(bare):
        return None
    pattern, template, number, at = "", "", 0, 0
    for match in re.finditer(rf"{_KEY.pattern}|{_MARK}", text):
        between = text[at : match.start()]
        pattern, template = pattern + re.escape(between), template + between
        if match[1] is not None:
            pattern, template = pattern + re.escape(match[1]), template + match[1]
        else:
            pattern, template = pattern + _VALUE, f'{template}"{_MARK}{number}{_MARK}"'
            number += 1
        at = match.end()
    try:
        columns = flatten(decoder().decode(template + text[at:]), {}, limits)
    except (RecordError, ValueError, RecursionError):
        return None
    marked = {name: re.findall(rf"{_MARK}(\d+){_MARK}", value) for name, value in columns.items()}
    if not marked or number == 0:
        return None
    return _Shape(
        f"^{pattern}{re.escape(text[at:])}$",
        {name: [int(one) for one in numbers] for name, numbers in marked.items()},
    )


def _read(lines: pl.DataFrame, shape: _Shape, first: int, limits: Limits) -> Reading:
    """The lines of one shape as rows; one that the pattern does not fit to the letter is left."""
    values = lines.select(
        (pl.col("index").cast(pl.Int64) + first).alias("\0number"),
        pl.col("line").str.extract_groups(shape.pattern).alias("\0values"),
    )
    names = columns_of(list(shape.columns), limits.max_columns)
    columns = [
        _column(numbers).alias(name)
        for name, numbers in zip(names, shape.columns.values(), strict=True)
    ]
    fits = pl.col("\0values").struct.field("1").is_not_null()
    rows = values.filter(fits).select(pl.col("\0number").alias("row_number"), *columns)
    rows = emptied(rows).filter(~pl.all_horizontal(pl.exclude("row_number").is_null()))
    return settle(rows, reject_frame([]), names, rows.height, [])


def _column(numbers: list[int]) -> pl.Expr:
    """One value, or those of a list; null is none, and text loses its quotes."""
    values = []
    for number in numbers:
        value = pl.col("\0values").struct.field(str(number + 1))
        values.append(pl.when(value != "null").then(value.str.strip_chars('"')))
    return (
        values[0] if len(values) == 1 else pl.concat_str(values, separator="; ", ignore_nulls=True)
    )
