"""Show a person's number: its kind in words, and of the number no more than a page needs."""

from rules.number_kinds import NumberKinds
from transforms.standardise.person_numbers import FIELD

END = 3
"""Signs of a number that tell two of one kind apart for the eye."""


def shown(field: str, value: str, kinds: NumberKinds) -> str:
    """A value for the eye: of a person's number its kind and its end."""
    return _told(value, kinds, END) if field == FIELD else value


def shown_whole(field: str, value: str, kinds: NumberKinds) -> str:
    """A value for who must tell it from another one and decide: the number in full."""
    return _told(value, kinds, None) if field == FIELD else value


def _told(value: str, kinds: NumberKinds, end: int | None) -> str:
    kind, _, number = (value or "").rpartition(":")
    if not number:
        return value
    told = number if end is None else f"***{number[-end:]}"
    return f"{kinds.title(kind)} {told}" if kind else told
