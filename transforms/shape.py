"""Show what a text looks like without what it says, for those who may not, or need not, read it."""

import unicodedata

CUT = "…"
OTHER = "·"


def shape(text: str, most: int) -> str:
    """Letters as x or X, digits as 0, ASCII punctuation as it is, all else as a dot.

    What comes out is printable ASCII but for the dot and the sign that it was cut at `most`.
    """
    shown = "".join(_sign(character) for character in text[:most])
    return shown + CUT if len(text) > most else shown


def visible(text: str) -> str:
    """A text as it is, but what would steer how it is shown (controls, direction) as a dot."""
    return "".join(OTHER if unicodedata.category(sign)[0] == "C" else sign for sign in text)


def _sign(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Lu":
        return "X"
    if kind[0] in "LM":
        return "x"
    if kind[0] == "N":
        return "0"
    return character if " " <= character <= "~" else OTHER
