"""Take a person's number in an entry: of which kind it is, and what of it will be kept.

It is offered where the feed of entries maps it. The kinds are those that the feeds say; a number
that names its kind itself, such as `us_ssn:078051121`, keeps it.
"""

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from rules.feed import Feed
from rules.lookups import Lookups
from steward.problem import FieldError
from transforms.standardise.person_numbers import FIELD, person_numbers
from transforms.standardise.placeholders import blank_placeholders

KIND = "number_kind"
"""What the form calls the kind that was chosen."""
_WRONG = "cannot be one: too short or too long, too few digits, or one that programs make up."


class Offered(NamedTuple):
    """How an entry asks for the number."""

    kinds: list[str]
    """What there is to choose from, the entries' own kind first."""
    usual: str
    """What is chosen already; empty where people must choose."""


class Number(NamedTuple):
    """What is known of a number that was typed."""

    text: str
    """As it is sent, its kind before it."""
    value: str | None
    """As it will be kept; null if it cannot be a number."""
    error: FieldError | None


def offered(feed: Feed, feeds: Iterable[Feed]) -> Offered | None:
    """What to offer where entries go to `feed`; none if that takes no numbers."""
    if feed.columns.get(FIELD) != FIELD:
        return None
    own = feed.parse.person_number
    others = sorted({one.parse.person_number for one in feeds if one.parse.person_number} - {own})
    kinds = [own, *others] if own else others
    return Offered(kinds, own or (kinds[0] if len(kinds) == 1 else ""))


def read_number(said: dict[str, str], offer: Offered | None, lookups: Lookups) -> Number | None:
    """Check the number that was typed; none if there is none."""
    typed = said.get(FIELD, "")
    if not typed or offer is None:
        return None
    kind = said.get(KIND, "")
    if kind not in offer.kinds:
        kind = offer.usual
    told = pl.DataFrame({FIELD: [typed]}, schema={FIELD: pl.String})
    value = person_numbers(blank_placeholders(told, [FIELD], lookups)[FIELD], kind or None).item()
    if value is None:
        return Number(typed, None, FieldError(FIELD, "person_number_invalid", _WRONG))
    if offer.kinds and ":" not in value:
        why = FieldError(FIELD, "person_number_without_kind", "choose which number it is.")
        return Number(typed, value, why)
    return Number(value, value, None)
