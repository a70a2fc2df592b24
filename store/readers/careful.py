"""Read one CSV row at a time where a line alone does not say what it is.

A row here is tried by the letter of the format. What fails is rejected as one line, and reading
goes on with the next: an unclosed quote costs its own row and never those after it. No row that
is too short or too long is filled up or cut, for nobody can say which of its cells are shifted.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from store.readers.dialect import Dialect, reader, row_pattern, spaced_cells
from store.readers.lines import Lines

_DRAWN = re.compile(r"\s*([-=_*+#~])\1\1[-=_*+#~.|:\s]*")
"""A cell that is only a drawn line."""


_TELLING_WIDTH, _SWALLOWED = 4, 10
"""A value that holds more than ten lines, each like a row of four cells or more, is an open quote
that swallows its successors."""


class Outcome(NamedTuple):
    """What became of the line: cells, or the reason why there are none."""

    cells: list[str]
    reason: str | None
    used: int
    raw: str


class UnfinishedError(Exception):
    """A quoted value goes on beyond the lines at hand."""


class CarefulReader:
    """Reads rows of a known width out of the lines of one window."""

    def __init__(self, dialect: Dialect, width: int, max_chars: int) -> None:
        self.dialect = dialect
        self.width = width
        self.max_chars = max_chars
        self._sound = re.compile(row_pattern(dialect, width))

    def row_at(self, lines: Lines, index: int, is_sound: Sequence[bool], is_last: bool) -> Outcome:
        """The row that begins in this line; `UnfinishedError` if it may end in the next window.

        `is_sound` tells the lines that could be rows by themselves.
        """
        line = lines.texts[index]
        if index in lines.undecodable:
            return Outcome([], "undecodable_bytes", 1, line)
        group = reader(self.dialect, self._onwards(lines, index, is_sound, is_last))
        try:
            cells = next(group)
        except csv.Error as error:
            return Outcome([], self._fault(line, error), 1, line)
        return self._judged(lines, index, cells, group.line_num)

    def _opens_value(self, line: str) -> bool:
        quote = self.dialect.quote
        return quote is not None and line.count(quote) % 2 == 1

    def _judged(self, lines: Lines, index: int, cells: list[str], used: int) -> Outcome:
        raw = "".join(lines.with_end(at) for at in range(index, index + used)).rstrip("\r\n")
        if used == 1:
            cells = self._spaced(raw) or cells
        filled = [cell for cell in cells if cell.strip()]
        if not filled:
            return Outcome([], "blank_row", used, raw)
        if all(_DRAWN.fullmatch(cell) for cell in filled):
            return Outcome([], "separator_row", used, raw)
        if len(cells) != self.width:
            return self._misfit(lines, index, used, raw)
        broken = any(at in lines.undecodable for at in range(index, index + used))
        return Outcome(cells, "undecodable_bytes" if broken else self._flaw(cells), used, raw)

    def _flaw(self, cells: list[str]) -> str | None:
        """What no value may hold."""
        if any("\0" in cell for cell in cells):
            return "nul_byte"
        return "field_too_long" if any(len(cell) > self.max_chars for cell in cells) else None

    def _misfit(self, lines: Lines, index: int, used: int, raw: str) -> Outcome:
        """A row of the wrong width; one that swallowed good rows has an unclosed quote."""
        if used == 1:
            return Outcome([], "ragged_row", 1, raw)
        if any(self._is_row(lines.texts[at]) for at in range(index + 1, index + used)):
            return Outcome([], "unclosed_quote", 1, lines.texts[index])
        return Outcome([], "ragged_row", used, raw)

    def _spaced(self, line: str) -> list[str]:
        """The cells of `a, "b, c"`, where a space stands before the quote; none if it is not."""
        if self._sound.fullmatch(line):
            return []
        cells = spaced_cells(self.dialect, line)
        return cells if len(cells) == self.width else []

    def _is_row(self, line: str) -> bool:
        try:
            return len(next(reader(self.dialect, iter([line])), [])) == self.width
        except csv.Error:
            return False

    def _fault(self, line: str, error: csv.Error) -> str:
        if "limit" in str(error):
            return "field_too_long"
        return "unclosed_quote" if self._opens_value(line) else "misplaced_quote"

    def _may_close(self, lines: Lines, index: int, is_last: bool) -> bool:
        """Whether the next quote could end a value: looked up, so that no line is read for it."""
        quote = self.dialect.quote or ""
        at = lines.next_holding(quote, index) if quote else None
        if at is None:
            return not is_last
        rest = lines.texts[at].partition(quote)[2]
        after = rest.lstrip(quote)
        is_doubled = (len(rest) - len(after)) % 2 == 1
        return is_doubled or not after or after.startswith(self.dialect.delimiter)

    def _onwards(
        self, lines: Lines, index: int, is_sound: Sequence[bool], is_last: bool
    ) -> Iterator[str]:
        """The lines from here on, as far as one value may reach."""
        yield lines.with_end(index)
        if not self._may_close(lines, index + 1, is_last):
            return
        read, swallowed = len(lines.texts[index]), 0
        for at in range(index + 1, len(lines.texts)):
            yield lines.with_end(at)
            read += len(lines.texts[at])
            swallowed += is_sound[at] and self.width >= _TELLING_WIDTH
            if read > self.max_chars * 2 or swallowed > _SWALLOWED:
                return
        if not is_last:
            raise UnfinishedError
