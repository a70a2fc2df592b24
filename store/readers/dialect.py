"""Find out how a CSV file is written: its delimiter, its header and where its rows begin.

What the feed declares is taken as said; a delimiter that leaves one column where another gives
many refuses the delivery, because every row of it would be nonsense.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rules.feed import ReadRule
from store.readers.header import (
    SEARCHED_ROWS,
    expected_found,
    find_header,
    header_names,
    refuse_if_no_header,
    usual_width,
)
from store.readers.lines import Lines, first_lines
from store.readers.reading import DeliveryRefused
from store.readers.text import Text

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = (",", ";", "\t", "|", "^", "~", ":")
_SAMPLE_BYTES = 1 << 17
_SAMPLE_ROWS = 200
_LONGEST_HEAD = 1 << 20
_SEPARATOR_LINE = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE)


class Dialect(NamedTuple):
    """How a line becomes cells."""

    delimiter: str
    quote: str | None


class Shape(NamedTuple):
    """A CSV file up to its first row."""

    dialect: Dialect
    names: list[str]
    """The names of the columns as the header has them; `column 3` where it has none."""
    first_row: int
    """The number of the first row: lines above the header count, and the header is one row."""
    start: int
    """The byte at which it begins."""
    notes: list[str]


class _Row(NamedTuple):
    line: int
    used: int
    cells: list[str]


def find_shape(text: Text, rule: ReadRule, expected: Sequence[str]) -> Shape:
    """Read the head of the file and settle what the feed leaves open."""
    lines = first_lines(text, _SAMPLE_BYTES)
    _refuse_endless(lines)
    quote = rule.quote or None
    named, skip = _separator_line(lines)
    delimiter = _declared(rule.delimiter) or named or _guess_delimiter(lines, quote, expected)
    dialect = Dialect(delimiter, quote)
    sample = _rows(lines, dialect, (rule.header_row or 1) - 1 if rule.header else skip)
    sample = [row for row in sample if row.line >= skip]
    if not sample:
        raise DeliveryRefused("the file ends before its header")
    header, names = _header(sample, rule, expected)
    refuse_if_no_header(names, rule, expected)
    if len(names) < 2:
        _refuse_if_another_fits(lines, dialect, expected)
    at, used = sample[header][:2] if header >= 0 else (skip - 1, 1)
    after = at + used
    names = _widened(names, sample[header + 1 :])
    start = lines.offset(after) if after < len(lines.texts) else len(lines.raw)
    return Shape(dialect, names, at + 2, start, _notes(dialect, rule, header, sample))


def _refuse_endless(lines: Lines) -> None:
    """A head of one line that goes on and on names no columns."""
    if len(lines.raw) > _LONGEST_HEAD and len(lines.texts[0]) > _LONGEST_HEAD:
        raise DeliveryRefused(
            f"its first line has more than {_LONGEST_HEAD:,} characters and names no columns; "
            "ask for a file with one record a line"
        )


def _notes(dialect: Dialect, rule: ReadRule, header: int, sample: list[_Row]) -> list[str]:
    notes = [] if rule.delimiter else [f"delimiter {dialect.delimiter!r} (found out)"]
    if header >= 0 and sample[header].line > 0:
        notes.append(f"header in line {sample[header].line + 1}; what is above it is no row")
    return notes


def _declared(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    character = {r"\t": "\t"}.get(delimiter, delimiter)
    if len(character) != 1:
        raise DeliveryRefused(f"the feed declares a delimiter of {len(character)} characters")
    return character


def _separator_line(lines: Lines) -> tuple[str | None, int]:
    """Spreadsheets may write `sep=;` above the header."""
    match = _SEPARATOR_LINE.fullmatch(lines.texts[0]) if lines.texts else None
    return (match[1], 1) if match else (None, 0)


def _rows(lines: Lines, dialect: Dialect, start: int = 0) -> list[_Row]:
    """The first rows of the file, read leniently: they only show how it is written."""
    rows, line = list[_Row](), start
    while line < len(lines.texts) and len(rows) < _SAMPLE_ROWS:
        rows.append(_row_at(lines, dialect, line))
        line += rows[-1].used
    return rows


def _row_at(lines: Lines, dialect: Dialect, line: int) -> _Row:
    spaced = spaced_cells(dialect, lines.texts[line])
    if spaced:
        return _Row(line, 1, spaced)
    stop = min(line + 20, len(lines.texts))
    group = reader(dialect, (lines.with_end(index) for index in range(line, stop)))
    try:
        return _Row(line, max(group.line_num, 1), next(group))._replace(used=group.line_num)
    except (csv.Error, StopIteration):
        cells = lines.texts[line].split(dialect.delimiter)
        return _Row(line, 1, cells)


def reader(dialect: Dialect, lines: Iterator[str]) -> "Reader":
    """Python's own reader, in its strict mode."""
    if dialect.quote is None:
        return csv.reader(
            lines, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE, quotechar=None, strict=True
        )
    return csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)


def spaced_cells(dialect: Dialect, line: str) -> list[str]:
    """The cells of a line with a space between delimiter and quote; none if it has none."""
    delimiter, quote = dialect
    if quote is None or f"{delimiter} {quote}" not in line or line.count(quote) % 2:
        return []
    group = csv.reader([line], delimiter=delimiter, quotechar=quote, skipinitialspace=True)
    return next(group, [])


def row_pattern(dialect: Dialect, width: int) -> str:
    """A line that is one row of this width by the letter of the format."""
    delimiter = re.escape(dialect.delimiter)
    if dialect.quote is None:
        return f"^[^{delimiter}]*(?:{delimiter}[^{delimiter}]*){{{width - 1}}}$"
    quote = re.escape(dialect.quote)
    cell = f"(?:{quote}(?:[^{quote}]|{quote}{quote})*{quote}|[^{quote}{delimiter}]*)"
    return f"^{cell}(?:{delimiter}{cell}){{{width - 1}}}$"


def _header(sample: list[_Row], rule: ReadRule, expected: Sequence[str]) -> tuple[int, list[str]]:
    cells = [row.cells for row in sample]
    if rule.header and rule.header_row:
        return 0, header_names(cells[0])
    index, names = find_header(cells, rule, expected)
    return index, names


def _widened(names: list[str], rows: list[_Row]) -> list[str]:
    """Rows that all end in empty cells beyond the header have columns without a name there."""
    rows = [row for row in rows if any(row.cells)]
    if not rows:
        return names
    width = usual_width([row.cells for row in rows])
    beyond = {cell for row in rows if len(row.cells) == width for cell in row.cells[len(names) :]}
    if width <= len(names) or beyond - {""}:
        return names
    return [*names, *(f"column {number}" for number in range(len(names) + 1, width + 1))]


def _guess_delimiter(lines: Lines, quote: str | None, expected: Sequence[str]) -> str:
    """The one whose header holds the most expected names, then the one that cuts most evenly."""
    return max(DELIMITERS, key=lambda delimiter: _fitness(lines, delimiter, quote, expected))


def _fitness(
    lines: Lines, delimiter: str, quote: str | None, expected: Sequence[str]
) -> tuple[int, float]:
    rows = _rows(lines, Dialect(delimiter, quote))
    found = max((expected_found(row.cells, expected) for row in rows[:SEARCHED_ROWS]), default=0)
    widths = Counter(len(row.cells) for row in rows if any(row.cells))
    width = max(widths, key=lambda width: (width > 1, widths[width]), default=1)
    evenness = widths[width] / max(widths.total(), 1) if width > 1 else 0.0
    return found, evenness**2 * min(width, 12)


def _refuse_if_another_fits(lines: Lines, dialect: Dialect, expected: Sequence[str]) -> None:
    other = _guess_delimiter(lines, dialect.quote, expected)
    if other == dialect.delimiter:
        return
    rows = _rows(lines, Dialect(other, dialect.quote))
    if len(rows) > 1 and all(len(row.cells) > 2 for row in rows if any(row.cells)):
        raise DeliveryRefused(
            f"cut at {dialect.delimiter!r} there is one column; it looks as if cut at {other!r}"
        )
