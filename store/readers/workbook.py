"""Read XLSX: one sheet, each cell as the text that a person would see in it.

The row number is the sheet's own. A workbook is a zip of XML, so it is looked through before it
is opened: what it unpacks to, whether it declares entities, how wide a grid its cells span.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

import fastexcel
import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers.bytes import Content, is_workbook, kind_of
from store.readers.header import (
    SEARCHED_ROWS,
    expected_found,
    find_header,
    header_names,
    refuse_if_no_header,
)
from store.readers.reading import (
    DeliveryRefused,
    Reading,
    columns_of,
    emptied,
    screen,
    settle,
    without_headers,
    without_separators,
    without_trailer,
    without_unnamed,
)

_PIECE = 1 << 20
_OVERLAP = 64
_CELL = r"""\br\s*=\s*["'][A-Za-z]{1,3}\d{1,7}["']"""
_DENSE_CELLS = 1 << 22
_UNPACKED = 4
"""A workbook may unpack to so many times what a document may hold, and its texts to half that."""
_POINTERS = (b't="s"', b"t='s'")
_POINTER = re.compile(rb"""t=["']s["'][^>]*>\s*<(?:\w+:)?v>\s*(\d{1,9})\s*<""")
_TEXT = re.compile(rb"<(?:\w+:)?si[ >/]")
_MIDNIGHT = r"^(\d{4}-\d\d-\d\d) 00:00:00$"
_DATETIME = r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)$"


def read_xlsx(
    content: Content, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Iterator[Reading]:
    """Every row below the header of the sheet."""
    data = content.whole(limits)
    _look_through(data, limits)
    name, cells = _load(data, rule, expected)
    if cells.height > limits.max_rows:
        raise DeliveryRefused(f"{cells.height} rows are more than the limit of {limits.max_rows}")
    notes = [*content.notes, f"sheet {name!r}"]
    first, names = _header(cells, rule, expected)
    if first > 1:
        notes.append(f"header in row {first}; what is above it is no row")
    columns = columns_of(names, limits.max_columns)
    rows = _rows(cells, columns).slice(first)
    yield _reading(rows, names if rule.header else [], rule, limits, notes)


def _reading(
    rows: pl.DataFrame, header: list[str], rule: ReadRule, limits: Limits, notes: list[str]
) -> Reading:
    """Everything that was read, in its two parts."""
    rows, early, trailers = without_trailer(rows, rule.trailer)
    if trailers:
        notes.append(f"trailer: {trailers} rows at the end are no records")
    count = rows.height + early.height
    rows, screened = screen(rows, limits.max_field_chars)
    rows, repeated = without_headers(rows, header)
    rows, separators = without_separators(rows)
    rows, dropped = without_unnamed(rows)
    notes += [f"{name} has neither name nor values and is left out" for name in dropped]
    rejects = pl.concat([screened, repeated, separators, early])
    return settle(rows, rejects, rows.columns[1:], count, notes)


def _header(cells: pl.DataFrame, rule: ReadRule, expected: Sequence[str]) -> tuple[int, list[str]]:
    """How many rows of the sheet are not data, and the names of the columns."""
    if rule.header and rule.header_row:
        if rule.header_row > cells.height:
            raise DeliveryRefused(f"the sheet ends before its header in row {rule.header_row}")
        return rule.header_row, header_names(cells.row(rule.header_row - 1))
    header = find_header(cells.head(SEARCHED_ROWS).rows(), rule, expected)
    if len(header.names) != cells.width:
        raise DeliveryRefused(
            f"the sheet has {cells.width} columns, the feed names {len(header.names)}"
        )
    refuse_if_no_header(header.names, rule, expected)
    return header.row + 1, header.names


def _rows(cells: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """The sheet as numbered rows, down to the last one that holds anything."""
    rows = cells.rename(dict(zip(cells.columns, columns, strict=True)))
    text = pl.col(pl.String)
    day = text.str.replace(_MIDNIGHT, "${1}").str.replace(_DATETIME, "${1}T${2}")
    rows = emptied(rows.with_columns(day.name.keep()))
    numbers = pl.int_range(1, rows.height + 1, dtype=pl.Int64, eager=True)
    filled = rows.select(~pl.all_horizontal(pl.all().is_null())).to_series().arg_true()
    rows = rows.insert_column(0, numbers.alias("row_number"))
    return rows.head(int(filled[-1]) + 1 if len(filled) else 0)


def _load(data: bytes, rule: ReadRule, expected: Sequence[str]) -> tuple[str, pl.DataFrame]:
    """The sheet that the feed names, or else the first with its columns, or else the first.

    Only sheets that are not hidden are looked at. Without names to look for, the sheet that holds
    the most is taken: the first may be a summary.
    """
    try:
        book = fastexcel.read_excel(data)
        if rule.sheet is not None:
            if rule.sheet not in book.sheet_names:
                known = ", ".join(book.sheet_names)
                raise DeliveryRefused(f"there is no sheet {rule.sheet!r}, only {known}")
            return rule.sheet, _filled(_cells(book, rule.sheet).cells)
        sheets = {name: _cells(book, name) for name in book.sheet_names}
    except fastexcel.FastExcelError as error:
        raise DeliveryRefused(f"the workbook cannot be read: {type(error).__name__}") from None
    shown = {name: sheet.cells for name, sheet in sheets.items() if sheet.is_shown}
    if not shown:
        raise DeliveryRefused("the workbook has no sheet that is not hidden")
    name = max(shown, key=lambda name: _fitness(shown[name], expected))
    return name, _filled(shown[name])


class _Sheet(NamedTuple):
    cells: pl.DataFrame
    is_shown: bool


def _cells(book: fastexcel.ExcelReader, name: str) -> _Sheet:
    sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
    cells: pl.DataFrame = sheet.to_polars()
    return _Sheet(cells, bool(sheet.visible == "visible"))


def _fitness(cells: pl.DataFrame, expected: Sequence[str]) -> int:
    """How many of the feed's columns a sheet names; without a feed, how much it holds."""
    if not expected:
        return cells.height * cells.width
    head = cells.head(SEARCHED_ROWS).cast(pl.String).rows()
    return max((expected_found(row, expected) for row in head), default=0)


def _filled(cells: pl.DataFrame) -> pl.DataFrame:
    if cells.width == 0 or cells.height == 0:
        raise DeliveryRefused("the sheet is empty")
    return cells.cast(pl.String)


def _look_through(data: bytes, limits: Limits) -> None:
    """Refuse a workbook that would cost more than it shows."""
    if not is_workbook(io.BytesIO(data)):
        kind = kind_of(data)
        found = f"it is {kind}, not XLSX" if kind else "it is not an XLSX workbook"
        raise DeliveryRefused(f"{found}; open it in a spreadsheet program and save it as .xlsx")
    most = min(limits.max_expanded_bytes, _UNPACKED * limits.max_document_bytes)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            budget, pointers = most, 0
            for member in archive.infolist():
                with archive.open(member) as stream:
                    part = _check_part(stream, member.filename, budget)
                budget, pointers = budget - part.size, pointers + part.pointers
            _refuse_if_it_swells(archive, pointers, most // 2)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError):
        raise DeliveryRefused("the workbook is damaged, cut off or locked") from None


class _Part(NamedTuple):
    """One file of a workbook: its bytes, and how many cells point to a shared text."""

    size: int
    pointers: int


def _check_part(stream: IO[bytes], name: str, budget: int) -> _Part:
    """Read one part of the workbook in pieces."""
    size, cells, pointers, last_row, columns, tail = 0, 0, 0, 0, set[str](), b""
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > budget:
            raise DeliveryRefused("unpacked, the workbook is more than the limit of bytes")
        if b"<!DOCTYPE" in tail + piece or b"<!ENTITY" in tail + piece:
            raise DeliveryRefused("the workbook declares XML entities, which no delivery needs")
        if name.startswith("xl/worksheets/"):
            places = _places(tail + piece)
            cells += places.height
            pointers += sum((tail + piece).count(pointer) for pointer in _POINTERS)
            columns.update(places["column"].unique().to_list())
            last_row = max(last_row, places.select(pl.col("row").max()).item() or 0)
        tail = piece[-_OVERLAP:]
    _refuse_if_sparse(cells, last_row, columns)
    return _Part(size, pointers)


def _refuse_if_it_swells(archive: zipfile.ZipFile, pointers: int, most: int) -> None:
    """A text that is written once and pointed to by every cell is read once for each of them.

    A cell whose pointer is not found counts for the longest text.
    """
    texts = next((name for name in archive.namelist() if name.endswith("sharedStrings.xml")), None)
    if texts is None or not pointers:
        return
    xml = archive.read(texts)
    starts = [found.start() for found in _TEXT.finditer(xml)] or [0]
    sizes = np.diff(np.array([*starts, len(xml)], dtype=np.int64))
    longest = int(sizes.max())
    if longest * pointers <= most:
        return
    total, unfound = 0, pointers
    for places in _pointed(archive):
        known = places[places < len(sizes)]
        total, unfound = total + int(sizes[known].sum()), unfound - len(known)
        if total > most:
            break
    if total + max(unfound, 0) * longest > most:
        raise DeliveryRefused("unpacked, the workbook's texts are more than the limit of bytes")


def _pointed(archive: zipfile.ZipFile) -> Iterator[NDArray[np.int64]]:
    """Which shared texts the cells of all sheets point to, some at a time."""
    for name in archive.namelist():
        if not name.startswith("xl/worksheets/"):
            continue
        left = b""
        with archive.open(name) as stream:
            while piece := stream.read(_PIECE):
                left += piece
                found = list(_POINTER.finditer(left))
                yield np.array([int(one[1]) for one in found], dtype=np.int64)
                left = left[max(found[-1].end() if found else 0, len(left) - _PIECE) :]


def _places(xml: bytes) -> pl.DataFrame:
    """The cells that a piece of a sheet speaks of: column and row."""
    found = pl.Series([xml.decode("latin-1")]).str.extract_all(_CELL).explode().drop_nulls()
    return found.to_frame("cell").select(
        column=pl.col("cell").str.extract(r"([A-Za-z]{1,3})\d").str.to_uppercase(),
        row=pl.col("cell").str.extract(r"(\d+)").cast(pl.Int64),
    )


def _refuse_if_sparse(cells: int, last_row: int, columns: set[str]) -> None:
    """One cell in the far corner would have the whole grid built for it."""
    width = max((_column_number(column) for column in columns), default=0)
    if last_row * width > max(_DENSE_CELLS, cells * 100):
        raise DeliveryRefused(
            f"the sheet spans {last_row} rows and {width} columns for {cells} cells"
        )


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
