"""Show rows as they came without what they say: names of cells, and the shapes of their texts."""

import json
import re
from typing import Any

from transforms.shape import CUT, shape, visible

CELLS = 12
"""Cells of a row that are shown."""

_OURS = frozenset({"row_number", "record_number", "received_at", "source"})
"""Beside the delivered cells of a row that failed a check; they say nothing to its sender."""

_CELL, _LINE = 60, 240
_LOOKS_PERSONAL = re.compile(r"@|\d\D?\d\D?\d\D?\d\D?\d")


def cells(raw: str, known: frozenset[str]) -> list[dict[str, str | None]]:
    """A row by name and shape of its cells that are not blank; by its whole shape if it has none.

    A name that neither we nor the feed know is data like any other.
    """
    parsed = _parsed(raw)
    if parsed is None:
        return [{"name": None, "shape": shape(raw, _LINE)}]
    shown: list[dict[str, str | None]] = [
        {"name": name if name in known else shape(name, _CELL), "shape": shape(text, _CELL)}
        for name, text in parsed
        if text and (name in known or name not in _OURS)
    ]
    more: list[dict[str, str | None]] = [{"name": None, "shape": CUT}]
    return shown[:CELLS] + (more if len(shown) > CELLS else [])


def plain_words(text: str, known: frozenset[str]) -> str:
    """A reason or a note; a quoted name that looks like somebody's data is masked in it."""

    def name(quoted: re.Match[str]) -> str:
        inside = quoted[2]
        if inside in known or not _LOOKS_PERSONAL.search(inside):
            return quoted[0]
        return f"{quoted[1]}{shape(inside, _CELL)}{quoted[1]}"

    named = re.sub(r"(['\"])(.*?)\1", name, text)
    return visible(re.sub(r"\S+@\S+", lambda found: shape(found[0], _CELL), named))


def _parsed(raw: str) -> list[tuple[str, str]] | None:
    """Names and texts of a JSON object, each as often as it is there; None if it is none."""
    try:
        record = json.loads(raw, object_pairs_hook=tuple, parse_int=str, parse_float=str)
        if not isinstance(record, tuple):
            return None
        return [(name, _text(value)) for name, value in record]
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> str:  # whatever JSON can hold
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
