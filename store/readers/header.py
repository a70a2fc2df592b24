"""Find the row that names the columns, and what lies above it.

With the feed's names at hand the header is the first row that holds most of them. Without, it
is the first row as wide as most rows are.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rules.feed import ReadRule
from store.readers.reading import DeliveryRefused

SEARCHED_ROWS = 60
"""How far down a header is looked for."""

_DATA = re.compile(r"\S@\S|(?:\d[\s().-]?){6}")
"""What stands in data and not in a column's name: an address, a long number, a date."""

Cells = Sequence[str | None]


class Header(NamedTuple):
    """The names of the columns and their row in the sample; -1: there is none."""

    row: int
    names: list[str]


def find_header(sample: Sequence[Cells], rule: ReadRule, expected: Sequence[str]) -> Header:
    """The header of a sample of rows; `header_row` is looked up by whoever cuts the sample."""
    if not rule.header:
        width = usual_width(sample)
        names = rule.names or [f"column {number}" for number in range(1, width + 1)]
        return Header(-1, list(names))
    index = _named_row(sample, expected)
    if index is None:
        index = _first_full_row(sample)
    return Header(index, header_names(sample[index]))


def refuse_if_no_header(names: Sequence[str], rule: ReadRule, expected: Sequence[str]) -> None:
    """A first row of somebody's data is no header; it is not shown, for it is about a person."""
    if not rule.header or not expected or expected_found(names, expected):
        return
    if any(_DATA.search(name) for name in names):
        raise DeliveryRefused(
            "no row has the names of the feed's columns: the header is missing; ask for the file "
            "with its header, or say `header = false` and `names` in the feed"
        )


def header_names(cells: Cells) -> list[str]:
    """Column names without the space around them; a column without a name is numbered."""
    names = [(cell or "").strip().lstrip("\ufeff") for cell in cells]
    return [name or f"column {number}" for number, name in enumerate(names, 1)]


def expected_found(cells: Cells, expected: Iterable[str]) -> int:
    """How many of the names a row holds, whatever their capitals and spaces."""
    present = {_folded(cell) for cell in cells if cell}
    return len(present & {_folded(name) for name in expected})


def usual_width(sample: Sequence[Cells]) -> int:
    """How many cells most rows have."""
    widths = Counter(len(cells) for cells in sample if any(cells))
    if not widths:
        raise DeliveryRefused("the file has no rows")
    return max(widths, key=lambda width: (widths[width], width))


def _named_row(sample: Sequence[Cells], expected: Sequence[str]) -> int | None:
    found = [expected_found(cells, expected) for cells in sample[:SEARCHED_ROWS]]
    for index, count in enumerate(found):
        if count * 2 > len(expected):
            return index
    best = max(found, default=0)
    return found.index(best) if best >= 2 else None


def _first_full_row(sample: Sequence[Cells]) -> int:
    usual = usual_width(sample)
    full = (index for index, cells in enumerate(sample) if _filled(cells) * 10 >= usual * 8)
    filled = (index for index, cells in enumerate(sample) if _filled(cells))
    return next(full, next(filled, 0))


def _filled(cells: Cells) -> int:
    return sum(1 for cell in cells if cell and cell.strip())


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
