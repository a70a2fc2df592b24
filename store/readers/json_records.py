"""Read JSON documents and NDJSON: one object is one row.

A line of NDJSON that is broken is rejected with its number; a document that is broken is
refused, because nobody can say what its missing part held.
"""

import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import polars as pl

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers.bytes import Content
from store.readers.flatten import RecordError, decoder, flatten
from store.readers.json_document import elements
from store.readers.reading import (
    DeliveryRefused,
    Reading,
    Reject,
    columns_of,
    emptied,
    reject_frame,
    settle,
)
from store.readers.text import Text, to_utf8

_BATCH = 5_000
_SAMPLE = 1 << 20
_NUMBER = "\0number"
"""The row number until no delivered column can be taken for it: none has a NUL in its name."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class _Record(NamedTuple):
    """One record by its number, or the reason why it is none."""

    row_number: int
    columns: dict[str, str]
    reason: str | None
    raw: str


def read_json(
    content: Content, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Reading:
    """Every element of the document's array of records."""
    text = to_utf8(content.data, rule.encoding)
    document = _whole(text)
    return _collect(_documented(document, rule, limits), limits, [*content.notes, text.note])


def read_ndjson(
    content: Content, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Reading:
    """Every line; a document that is one array is read as what it is."""
    text = to_utf8(content.data, rule.encoding)
    notes = [*content.notes, text.note]
    if text.data.count(b"\n") > limits.max_rows:
        raise DeliveryRefused(f"there are more lines than the limit of {limits.max_rows}")
    if is_document(text.data):
        notes.append("a JSON document, although NDJSON is declared")
        return _collect(_documented(_whole(text), rule, limits), limits, notes)
    return _collect(_lines(text.data, rule, limits), limits, notes)


def _collect(records: Iterable[_Record], limits: Limits, notes: list[str]) -> Reading:
    """Rows of all columns seen; a column that a record lacks is missing there."""
    batches, rejects, names = list[pl.DataFrame](), list[Reject](), dict[str, None]()
    batch, count = list[_Record](), 0
    for count, record in enumerate(records, 1):
        if record.reason:
            rejects.append(Reject(record.row_number, record.reason, record.raw))
            continue
        names |= dict.fromkeys(record.columns)
        batch.append(record)
        if len(batch) == _BATCH:
            batches.append(_frame(batch))
            batch = []
        if count > limits.max_rows:
            raise DeliveryRefused(f"there are more records than the limit of {limits.max_rows}")
    columns = columns_of(list(names), limits.max_columns)
    empty = pl.DataFrame(schema={_NUMBER: pl.Int64} | dict.fromkeys(names, pl.String))
    rows = emptied(pl.concat([empty, *batches, _frame(batch)], how="diagonal"))
    rows = rows.rename(dict(zip([_NUMBER, *names], ["row_number", *columns], strict=True)))
    return settle(rows, reject_frame(rejects), columns, count, notes)


def _frame(batch: list[_Record]) -> pl.DataFrame:
    names = dict.fromkeys(name for record in batch for name in record.columns)
    schema = dict.fromkeys(names, pl.String)
    values = pl.DataFrame([record.columns for record in batch], schema=schema)
    numbers = pl.Series(_NUMBER, [record.row_number for record in batch], dtype=pl.Int64)
    return values.insert_column(0, numbers)


def _lines(data: bytes, rule: ReadRule, limits: Limits) -> Iterator[_Record]:
    decode = decoder().decode
    for number, line in enumerate(io.BytesIO(data), 1):
        try:
            value = decode(line.decode())
            columns = _checked(flatten(value, rule.name_value_lists, limits), limits)
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
        if element.fault:
            yield _Record(number, {}, element.fault, element.raw)
            continue
        try:
            columns = _checked(flatten(element.value, rule.name_value_lists, limits), limits)
        except RecordError as bad:
            yield _Record(number, {}, bad.reason, element.raw)
        else:
            yield _Record(number, columns, None, "")


def _checked(columns: dict[str, str], limits: Limits) -> dict[str, str]:
    """No half characters, no NUL, nothing endless."""
    if not any(columns.values()):
        raise RecordError("blank_row")
    text = "\n".join([*columns, *columns.values()])
    if not text.isascii() and _SURROGATE.search(text):
        raise RecordError("lone_surrogate")
    if "\0" in text:
        raise RecordError("nul_byte")
    if len(text) > limits.max_field_chars:
        longest = max(len(value) for value in columns.values())
        if longest > limits.max_field_chars:
            raise RecordError("field_too_long")
    return columns


def is_document(data: bytes) -> bool:
    """Whether what should be lines is one value over many lines, or one array in one."""
    first = [line for line in data[:_SAMPLE].split(b"\n")[:20] if line.strip()]
    if not first or not first[0].lstrip().startswith((b"[", b"{")):
        return False
    objects = sum(_is_json(line, dict) for line in first)
    if len(first) == 1:
        return first[0].lstrip().startswith(b"[")
    return objects * 2 < len(first)


def _is_json(line: bytes, kind: type) -> bool:
    try:
        return isinstance(json.loads(line, parse_int=str), kind)
    except (ValueError, RecursionError):
        return False


def _whole(text: Text) -> str:
    try:
        return text.data.decode()
    except UnicodeDecodeError as error:
        raise DeliveryRefused(f"the text is not UTF-8 at byte {error.start + 1}") from None
