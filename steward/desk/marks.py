"""Mark where two values differ: by letter, by digit, and dates by their parts."""

import re
import unicodedata
from difflib import SequenceMatcher
from typing import NamedTuple

LIKE_ENOUGH = 0.7
"""Values that share less are different as a whole; marking every letter would say nothing."""
LONGEST = 200
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Control and format characters: none of them is seen, and some turn the text around them."""


class Part(NamedTuple):
    """A stretch of a value."""

    text: str
    is_marked: bool


def mark(one: str | None, other: str | None) -> tuple[list[Part], list[Part]]:
    """Both values in parts, with those marked in which they differ."""
    if not one or not other or one == other or max(len(one), len(other)) > LONGEST:
        return _whole(one), _whole(other)
    first, second = _pieces(one), _pieces(other)
    matcher = SequenceMatcher(None, _folded(first), _folded(second), autojunk=False)
    if matcher.ratio() < LIKE_ENOUGH:
        return _whole(one), _whole(other)
    left: list[Part] = []
    right: list[Part] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        _add(left, "".join(first[a:b]), is_marked=kind != "equal")
        _add(right, "".join(second[c:d]), is_marked=kind != "equal")
    return left, right


def visible(text: str) -> str:
    """The text with characters that nobody sees shown by their names, so that none can deceive."""
    return UNSEEN.sub(_named, text)


def _named(found: re.Match[str]) -> str:
    letter = found.group()
    return f"⟨{unicodedata.name(letter, f'U+{ord(letter):04X}').lower()}⟩"


def _pieces(text: str) -> list[str]:
    """What is compared: the parts of a date, else letters with what combines with them."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return re.findall(r"\d+|-", text)
    pieces: list[str] = []
    for letter in text:
        if pieces and unicodedata.combining(letter):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def _folded(pieces: list[str]) -> list[str]:
    return [piece.casefold() for piece in pieces]


def _whole(text: str | None) -> list[Part]:
    return [Part(text, is_marked=False)] if text else []


def _add(parts: list[Part], text: str, *, is_marked: bool) -> None:
    if text:
        parts.append(Part(text, is_marked))
