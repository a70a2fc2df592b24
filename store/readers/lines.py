"""Cut a window of a text into lines.

Any of LF, CRLF and CR ends a line. Only these: Python's own `splitlines` also cuts at form
feeds and at Unicode separators, which are part of a value.
"""

import re
from bisect import bisect_left
from functools import cached_property
from itertools import islice

import polars as pl
from polars.exceptions import ComputeError

from store.readers.encodings import SYLLABIC, is_forged
from store.readers.text import Text

_END = re.compile(rb"\r\n|\r|\n")
_ENDS = re.compile(rb"(\r\n|\r|\n)")


class Lines:
    """The lines of one window: their text, and how each of them ended."""

    def __init__(self, raw: bytes, fallback: str | None) -> None:
        self.raw = raw
        self.fallback = fallback
        self.undecodable: set[int] = set()
        self._holding: dict[str, list[int]] = {}
        self.is_as_read = False
        """Whether the bytes are UTF-8 whose lines end in LF or CRLF; known once `text` is."""
        self.recoded = 0
        """How many lines were not UTF-8 and read by the fallback."""

    @cached_property
    def text(self) -> pl.Series:
        """The lines, without their ends."""
        returns = self.raw.count(b"\r") if b"\r" in self.raw else 0
        has_lone_return = bool(returns) and returns != self.raw.count(b"\r\n")
        whole = None if has_lone_return else _read_lines(self.raw)
        self.is_as_read = whole is not None
        if whole is not None:
            return whole
        lines = [self._decode(index, line) for index, line in enumerate(self._cut[::2])]
        return pl.Series("line", lines, dtype=pl.String)

    @cached_property
    def texts(self) -> list[str]:
        """The same as a list, for those who look at single lines."""
        return self.text.to_list()

    def next_holding(self, character: str, index: int) -> int | None:
        """The first line from here on that has this character."""
        if character not in self._holding:
            has = self.text.str.contains(character, literal=True)
            self._holding[character] = has.arg_true().to_list()
        holding = self._holding[character]
        at = bisect_left(holding, index)
        return holding[at] if at < len(holding) else None

    def with_end(self, index: int) -> str:
        """A line as it came, for values that go on over the end of a line."""
        return self.texts[index] + self._ends[index]

    def offset(self, index: int) -> int:
        """Where in the window a line begins."""
        if index == 0:
            return 0
        return next(islice(_END.finditer(self.raw), index - 1, None)).end()

    @cached_property
    def _cut(self) -> list[bytes]:
        cut = _ENDS.split(self.raw)
        return cut if cut[-1] else cut[:-1]

    @cached_property
    def _ends(self) -> list[str]:
        ends = [end.decode() for end in self._cut[1::2]]
        return ends + [""] * (len(self.text) - len(ends))

    def _decode(self, index: int, line: bytes) -> str:
        for encoding in ("utf-8", self.fallback):
            text = _decoded(line, encoding) if encoding else None
            is_one_byte = encoding != "utf-8" and encoding not in SYLLABIC
            if text is not None and is_one_byte and is_forged(line):
                break
            if text is not None:
                self.recoded += encoding == self.fallback
                return text
        self.undecodable.add(index)
        return line.decode(errors="backslashreplace")


def first_lines(text: Text, size: int) -> Lines:
    """Whole lines, about `size` bytes of them."""
    return Lines(text.data[: _line_end(text.data, size)], text.fallback)


def _line_end(data: bytes, near: int) -> int:
    """The end of the line that goes on at this byte."""
    found = _END.search(data, near)
    return found.end() if found else len(data)


def _read_lines(raw: bytes) -> pl.Series | None:
    """The fast way, for text that is UTF-8 throughout."""
    try:
        return pl.read_lines(raw).get_column("line")
    except ComputeError:
        return None


def _decoded(line: bytes, encoding: str) -> str | None:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return None
