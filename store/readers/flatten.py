"""Turn one JSON object into columns of text.

Nested objects become dotted names, lists of plain values one text, and numbers keep the very
digits they came with: a customer number of twenty digits is no number to count with.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from rules.limits import Limits

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_quoted = json.encoder.encode_basestring

Json = Any
"""What `json` makes of a text: its library does not say more."""

NameValueLists = Mapping[str, tuple[str, str]]


class RecordError(Exception):
    """The record cannot be read; `reason` is the word that its reject gets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Number(str):
    """The digits of a number, told apart from text only when a list is written out again."""

    __slots__ = ()


def decoder() -> json.JSONDecoder:
    """A decoder that loses nothing: digits stay, and a key given twice is an error."""
    return json.JSONDecoder(
        object_pairs_hook=_unique, parse_int=Number, parse_float=Number, parse_constant=Number
    )


def flatten(record: Json, lists: NameValueLists, limits: Limits) -> dict[str, str]:
    """The columns of a record that have a value, or `RecordError`."""
    if not isinstance(record, dict):
        raise RecordError("not_an_object")
    columns: dict[str, str] = {}
    _fill(columns, record, "", lists, limits.max_nesting)
    if len(columns) > limits.max_columns:
        raise RecordError("too_many_columns")
    return columns


def checked(columns: dict[str, str], limits: Limits) -> dict[str, str]:
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


def _fill(
    columns: dict[str, str], record: dict[str, Json], path: str, lists: NameValueLists, depth: int
) -> None:
    """Add what a record holds, one column for each value; `depth` is how deep it may go."""
    if depth == 0:
        raise RecordError("nested_too_deep")
    for key, value in record.items():
        name = path + key
        if isinstance(value, dict):
            _fill(columns, value, f"{name}.", lists, depth - 1)
            continue
        if name in lists and isinstance(value, list):
            _add_named(columns, name, value, *lists[name])
            continue
        text = _text(value, depth - 1)
        if text is None:
            continue
        if name in columns:
            raise RecordError("duplicate_keys")
        columns[name] = text


def _text(value: Json, depth: int) -> str | None:
    if isinstance(value, list):
        return _list_text(value, depth)
    return None if value is None else _scalar(value)


def _list_text(values: list[Json], depth: int) -> str | None:
    if any(isinstance(value, dict | list) for value in values):
        return compact(values, depth)
    return "; ".join(_scalar(value) for value in values if value is not None) or None


def _add_named(columns: dict[str, str], name: str, pairs: list[Json], key: str, value: str) -> None:
    """`[{"name": "E-Mail", "value": "x"}]` read as the column `answers.E-Mail`."""
    for pair in pairs:
        if not isinstance(pair, dict) or not isinstance(pair.get(key), str):
            raise RecordError("name_value_list")
        column, texts = f"{name}.{pair[key]}", _texts(pair.get(value))
        if texts:
            before = [columns[column]] if column in columns else []
            columns[column] = "; ".join([*before, *texts])


def _texts(value: Json) -> list[str]:
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    if isinstance(value, dict):
        return [compact(value, 20)]
    return [] if value is None else [_scalar(value)]


def _scalar(value: Json) -> str:
    return value if isinstance(value, str) else "true" if value else "false"


def compact(value: Json, depth: int) -> str:
    """JSON again, without spaces, its numbers digit by digit as they came."""
    if depth < 0:
        raise RecordError("nested_too_deep")
    if isinstance(value, dict):
        pairs = [f"{_quoted(key)}:{compact(one, depth - 1)}" for key, one in value.items()]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join([compact(one, depth - 1) for one in value]) + "]"
    if isinstance(value, Number) or not isinstance(value, str):
        return "null" if value is None else _scalar(value)
    return _quoted(value)


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise RecordError("duplicate_keys")
    return record
