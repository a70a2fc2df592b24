"""Walk through a JSON document to the array of its records, and through that one by one.

The document is never built as a whole: beside its text only one record is held, so that each
record can be rejected on its own. What is broken outside of a record breaks the document.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from store.readers.flatten import Json, RecordError, decoder
from store.readers.reading import DeliveryRefused

_SPACE = re.compile(r"[ \t\n\r]*")
_LENIENT = json.JSONDecoder(parse_int=str, parse_float=str)
_STRICT = decoder()


class Element(NamedTuple):
    """One element of the array: its value, or why there is none, and its text."""

    value: Json
    fault: str | None
    raw: str


class _CutError(Exception):
    """The text ends, or goes on, where JSON would not."""


def elements(text: str, path: str | None) -> Iterator[Element]:
    """The elements of the array at a dotted path; without a path the document is the array."""
    walk = _Walk(text)
    try:
        yield from walk.document(path.split(".") if path else [])
    except (_CutError, ValueError) as fault:
        raise DeliveryRefused(_complaint(text, walk.at, fault)) from None
    if not walk.found:
        raise DeliveryRefused(f"the document has no array at {path!r}")


def _complaint(text: str, at: int, fault: Exception) -> str:
    position = getattr(fault, "pos", at)
    if not text[position:].strip() or position >= len(text.rstrip()):
        return "the JSON document is cut off: its end is missing"
    line = text.count("\n", 0, position) + 1
    return f"the JSON document is broken at character {position + 1}, in line {line}"


class _Walk:
    """A place in a JSON text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found = False

    def document(self, path: list[str]) -> Iterator[Element]:
        yield from self._value(path)
        self._skip_space()
        if self.at != len(self.text):
            raise _CutError

    def _value(self, path: list[str]) -> Iterator[Element]:
        """A value on the way to the array, or the array."""
        opening = self._next()
        if path and opening == "{":
            yield from self._object(path)
        elif not path and opening == "[" and not self.found:
            self.found = True
            yield from self._array()
        elif not path:
            raise DeliveryRefused(
                "the document is no array of records; `records` in the feed says where that is"
            )
        else:
            self._skip()

    def _object(self, path: list[str]) -> Iterator[Element]:
        self.at += 1
        if self._next() == "}":
            self.at += 1
            return
        while True:
            if self._next() != '"':
                raise _CutError
            key = self._skip()
            self._take(":")
            if key == path[0]:
                yield from self._value(path[1:])
            else:
                self._skip()
            if self._take(",}") == "}":
                return

    def _array(self) -> Iterator[Element]:
        self.at += 1
        if self._next() == "]":
            self.at += 1
            return
        while True:
            self._skip_space()
            yield self._element()
            if self._take(",]") == "]":
                return

    def _element(self) -> Element:
        start = self.at
        try:
            value = self._skip(_STRICT)
        except RecordError as bad:
            self._skip()
            return Element(None, bad.reason, self.text[start : self.at])
        return Element(value, None, self.text[start : self.at])

    def _skip(self, decode: json.JSONDecoder = _LENIENT) -> Json:
        """Read one value and step behind it."""
        self._skip_space()
        try:
            value, self.at = decode.raw_decode(self.text, self.at)
        except RecursionError:
            raise DeliveryRefused("the JSON document is nested too deep") from None
        return value

    def _next(self) -> str:
        self._skip_space()
        return self.text[self.at : self.at + 1]

    def _take(self, wanted: str) -> str:
        mark = self._next()
        if not mark or mark not in wanted:
            raise _CutError
        self.at += 1
        return mark

    def _skip_space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
