"""Propose how a first delivery of a new feed is to be read.

A proposal is a draft for a person, never used by a run: a delivery is read as its feed says.
"""

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from rules.feed import Format, ReadRule
from rules.limits import Limits
from store.readers.bytes import SUFFIXES, Content, is_workbook, open_delivery
from store.readers.dialect import find_shape
from store.readers.flatten import Json
from store.readers.json_records import is_document
from store.readers.lines import first_lines
from store.readers.reading import DeliveryRefused
from store.readers.text import WINDOW, Text, read_texts

_SAMPLE = 200
_TAIL_BYTES = 4096
_DEEP = 5
_TRAILER = re.compile(
    r"(grand total|total|sum|summe|somme|suma|gesamt|insgesamt|end of|ende|fin|rows?|records?)\b",
    re.IGNORECASE,
)
_NAMES = ("name", "key", "label", "question", "field", "purpose", "type")
_VALUES = ("value", "answer", "text", "content", "granted", "response", "number")


def sniff(path: Path, limits: Limits | None = None) -> ReadRule:
    """A draft of `[read]` for deliveries like this one."""
    limits = limits or Limits()
    pattern = re.sub(r"\d{2,}", "*", path.name)
    likely: list[Format] = sorted(SUFFIXES, key=lambda kind: not _names(path, kind))
    refusals = list[DeliveryRefused]()
    for wanted in likely:
        with ExitStack() as opened:
            try:
                content = opened.enter_context(open_delivery(path, wanted, limits))
            except DeliveryRefused as refused:
                refusals.append(refused)
                continue
            return _rule(content, pattern, limits)
    raise refusals[0]


def _rule(content: Content, pattern: str, limits: Limits) -> ReadRule:
    """The draft for a file by its own bytes; its name only picks a zip's member."""
    head = _head(content, limits.max_document_bytes)
    if head.startswith(b"PAR1"):
        return ReadRule(format="parquet", path=pattern)
    if is_workbook(io.BytesIO(head)):
        return ReadRule(format="xlsx", path=pattern)
    text = next(read_texts(iter([head]), None))
    return _json_rule(text, pattern) if _is_json(text.data) else _csv_rule(text, pattern)


def _head(content: Content, most: int) -> bytes:
    """All of the file, or as much of it as is looked at."""
    head = bytearray()
    for piece in content.pieces:
        head += piece
        if len(head) >= most:
            break
    return bytes(head)


def _names(path: Path, wanted: Format) -> bool:
    return any(suffix in SUFFIXES[wanted] for suffix in path.suffixes)


def _csv_rule(text: Text, pattern: str) -> ReadRule:
    shape = find_shape(text, ReadRule(format="csv", path=pattern), ())
    is_first = shape.first_row == 2
    return ReadRule(
        format="csv",
        path=pattern,
        delimiter=shape.dialect.delimiter,
        encoding=_encoding(text),
        header_row=None if is_first else shape.first_row - 1,
        trailer=_trailer(text, shape.dialect.delimiter),
    )


def _encoding(text: Text) -> str | None:
    """What to declare: nothing, unless every line with accents is cp1252."""
    lines = first_lines(text, WINDOW)
    accented = lines.text.str.contains(r"[^\x00-\x7f]").sum()
    return "cp1252" if lines.recoded and lines.recoded == accented else None


def _trailer(text: Text, delimiter: str) -> str | None:
    tail = text.data[-_TAIL_BYTES:].decode(errors="replace").splitlines()
    last = next((line for line in reversed(tail) if line.strip(f"{delimiter} \t")), "")
    first_cell = last.split(delimiter)[0].strip(' "')
    match = _TRAILER.match(first_cell)
    return rf"{match[0]}\b" if match else None


def _json_rule(text: Text, pattern: str) -> ReadRule:
    is_one_line = b"\n" not in text.data.strip()
    if not is_document(text.data) and not (is_one_line and re.search(r"\.json(\.|$)", pattern)):
        sample = [value for value in _lines(text.data) if isinstance(value, dict)]
        return ReadRule(format="ndjson", path=pattern, name_value_lists=_name_value_lists(sample))
    try:
        document = json.loads(text.data, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise DeliveryRefused("the JSON document is broken or cut off") from None
    arrays = {path: found for path, found in _arrays(document, "", _DEEP) if found}
    path = max(arrays, key=lambda path: len(arrays[path]), default="")
    return ReadRule(
        format="json",
        path=pattern,
        records=path or None,
        name_value_lists=_name_value_lists(arrays.get(path, [])[:_SAMPLE]),
    )


def _is_json(data: bytes) -> bool:
    lines = [line for line in data.split(b"\n", _SAMPLE)[:_SAMPLE] if line.strip()]
    starts = [line.lstrip()[:1] in (b"{", b"[") for line in lines]
    return starts[0] or sum(starts) * 2 > len(starts)


def _lines(data: bytes) -> Iterator[Json]:
    for line in data.split(b"\n", _SAMPLE)[:_SAMPLE]:
        try:
            yield json.loads(line, parse_int=str)
        except (ValueError, RecursionError):
            continue


def _arrays(value: Json, path: str, depth: int) -> Iterator[tuple[str, list[Json]]]:
    """The arrays of objects in a document that can be reached by names alone."""
    if isinstance(value, list):
        yield path, [one for one in value if isinstance(one, dict)]
    elif isinstance(value, dict) and depth:
        for key, inner in value.items():
            yield from _arrays(inner, f"{path}.{key}" if path else key, depth - 1)


def _name_value_lists(sample: Sequence[Json]) -> dict[str, tuple[str, str]]:
    """Lists whose objects all have a name and a value under the usual words."""
    found: dict[str, list[Json]] = {}
    for record in sample:
        for path, pairs in _arrays(record, "", _DEEP):
            found.setdefault(path, []).extend(pairs)
    named = {path: _name_and_value(pairs) for path, pairs in found.items() if pairs}
    return {path: pair for path, pair in named.items() if pair}


def _name_and_value(pairs: Sequence[Json]) -> tuple[str, str] | None:
    shared = set.intersection(*(set(pair) for pair in pairs))
    name = next((word for word in _NAMES if word in shared), None)
    value = next((word for word in _VALUES if word in shared), None)
    return (name, value) if name and value else None
