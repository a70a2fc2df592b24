"""Read JSON documents and NDJSON: one object is one row.

A line of NDJSON that is broken is rejected with its number; a document that is broken is
refused, because nobody can say what its missing part held.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import polars as pl

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers.bytes import Content
from store.readers.flatten import RecordError, checked, decoder, flatten
from store.readers.json_alike import read_alike
from store.readers.json_document import elements
from store.readers.reading import (
    DeliveryRefused,
    Reading,
    Reject,
    columns_of,
    emptied,
    joined,
    reject_frame,
    settle,
)
from store.readers.text import Text, read_texts, sliced

_BATCH = 5_000
_SAMPLE = 1 << 20
_NUMBER = "\0number"
"""The row number until no delivered column can be taken for it: none has a NUL in its name."""
_RECORD_SEPARATOR = "\x1e"
"""Before each record in a JSON text sequence (RFC 7464)."""


class _Record(NamedTuple):
    """One record by its number, or the reason why it is none."""

    row_number: int
    columns: dict[str, str]
    reason: str | None
    raw: str


def read_json(
    content: Content, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Iterator[Reading]:
    """Every element of the document's array of records."""
    text = _whole(content, rule, limits)
    yield _document(text, rule, limits, [*content.notes, text.note])


def read_ndjson(
    content: Content, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Iterator[Reading]:
    """Every line; a document that is one array is read as what it is."""
    texts = _with_ends(read_texts(content.pieces, rule.encoding))
    text = next(texts)
    notes = [*content.notes, text.note]
    if is_document(text.data):
        notes.append("a JSON document, although NDJSON is declared")
        yield _document(_gathered(chain([text], texts), limits), rule, limits, notes)
        return
    first, names, damaged = 1, set[str](), 0
    for window in sliced(chain([text], texts)):
        read = _window(window.data, first, rule, limits)
        first += read.row_count
        names.update(read.columns)
        damaged += read.rejects.height
        _refuse_if_hopeless(damaged, limits)
        columns_of(sorted(names), limits.max_columns)
        if first - 1 > limits.max_rows:
            raise DeliveryRefused(f"there are more lines than the limit of {limits.max_rows:,}")
        yield read._replace(notes=notes if window.is_last else [])


def _with_ends(windows: Iterator[Text]) -> Iterator[Text]:
    """The windows; where CR alone ends a line, which no value has as it is, LF does."""
    for window in windows:
        is_of_returns = b"\n" not in window.data and b"\r" in window.data
        yield window._replace(data=window.data.replace(b"\r", b"\n")) if is_of_returns else window


def _window(data: bytes, first: int, rule: ReadRule, limits: Limits) -> Reading:
    """The lines of one window: alike ones together, the others one by one."""
    lines = _cut(data)
    alike = read_alike(data, len(lines), first, limits)
    careful = _collect(_lines(lines, alike.left, first, rule, limits), limits, [])
    return joined([*alike.parts, careful])


def _document(text: Text, rule: ReadRule, limits: Limits, notes: list[str]) -> Reading:
    try:
        document = text.data.decode()
    except UnicodeDecodeError as error:
        raise DeliveryRefused(f"the text is not UTF-8 at byte {error.start + 1}") from None
    return _collect(_documented(document, rule, limits), limits, notes)


def _whole(content: Content, rule: ReadRule, limits: Limits) -> Text:
    return _gathered(read_texts(content.pieces, rule.encoding), limits)


def _gathered(texts: Iterator[Text], limits: Limits) -> Text:
    """A document in one piece."""
    first = next(texts)
    pieces = chain([first.data], (text.data for text in texts))
    return first._replace(data=Content(pieces, 0, []).whole(limits))


def _collect(records: Iterable[_Record], limits: Limits, notes: list[str]) -> Reading:
    """Rows of all columns seen; a column that a record lacks is missing there."""
    batches, rejects, names = list[pl.DataFrame](), list[Reject](), dict[str, None]()
    batch, count = list[_Record](), 0
    for count, record in enumerate(records, 1):
        if record.reason:
            rejects.append(Reject(record.row_number, record.reason, record.raw))
            _refuse_if_hopeless(len(rejects), limits)
            continue
        names |= dict.fromkeys(record.columns)
        if len(names) > limits.max_columns:
            break  # refused below, before a frame has them all
        batch.append(record)
        if len(batch) == _BATCH:
            batches.append(_frame(batch))
            batch = []
        if count > limits.max_rows:
            raise DeliveryRefused(f"there are more records than the limit of {limits.max_rows:,}")
    columns = columns_of(list(names), limits.max_columns)
    empty = pl.DataFrame(schema={_NUMBER: pl.Int64} | dict.fromkeys(names, pl.String))
    rows = emptied(pl.concat([empty, *batches, _frame(batch)], how="diagonal"))
    rows = rows.rename(dict(zip([_NUMBER, *names], ["row_number", *columns], strict=True)))
    return settle(rows, reject_frame(rejects), columns, count, notes)


def _refuse_if_hopeless(damaged: int, limits: Limits) -> None:
    if damaged > limits.max_rejects:
        raise DeliveryRefused(
            f"more than {limits.max_rejects:,} records of it cannot be read; ask for the file again"
        )


def _frame(batch: list[_Record]) -> pl.DataFrame:
    names = dict.fromkeys(name for record in batch for name in record.columns)
    schema = dict.fromkeys(names, pl.String)
    values = pl.DataFrame([record.columns for record in batch], schema=schema)
    numbers = pl.Series(_NUMBER, [record.row_number for record in batch], dtype=pl.Int64)
    return values.insert_column(0, numbers)


def _cut(data: bytes) -> list[bytes]:
    """The lines; JSON ends one with LF, or CRLF."""
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _lines(
    lines: Sequence[bytes], chosen: Iterable[int], first: int, rule: ReadRule, limits: Limits
) -> Iterator[_Record]:
    decode = decoder().decode
    for index in chosen:
        number, line = first + index, lines[index]
        try:
            value = decode(line.decode().removeprefix(_RECORD_SEPARATOR))
            columns = checked(flatten(value, rule.name_value_lists, limits), limits)
        except (RecordError, ValueError, RecursionError) as fault:
            raw = line.decode(errors="backslashreplace").rstrip("\r\n")
            yield _Record(number, {}, _reason(fault, raw), raw)
        else:
            yield _Record(number, columns, None, "")


def _reason(fault: Exception, raw: str) -> str:
    if isinstance(fault, RecordError):
        return fault.reason
    if isinstance(fault, UnicodeDecodeError):
        return "undecodable_bytes"
    if isinstance(fault, RecursionError):
        return "nested_too_deep"
    return "malformed_json" if raw.strip() else "blank_row"


def _documented(document: str, rule: ReadRule, limits: Limits) -> Iterator[_Record]:
    for number, element in enumerate(elements(document, rule.records), 1):
        if number > limits.max_document_rows:
            raise DeliveryRefused(
                f"the document has more than {limits.max_document_rows:,} records; ask for one "
                "a line (NDJSON), which has no such limit"
            )
        if element.fault:
            yield _Record(number, {}, element.fault, element.raw)
            continue
        try:
            columns = checked(flatten(element.value, rule.name_value_lists, limits), limits)
        except RecordError as bad:
            yield _Record(number, {}, bad.reason, element.raw)
        else:
            yield _Record(number, columns, None, "")


def is_document(data: bytes) -> bool:
    """Whether what should be lines is one value over many lines, or one array in one."""
    first = [line for line in data[:_SAMPLE].split(b"\n")[:20] if line.strip()]
    if not first or not first[0].lstrip().startswith((b"[", b"{")):
        return False
    if len(first) == 1:
        return first[0].lstrip().startswith(b"[")
    values = [line for line in first if _is_json(line)]
    return len(values) * 2 < len(first) or not any(b"{" in line for line in values)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True
