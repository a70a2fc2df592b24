"""Standardise numbers that belong to a person wherever they are a customer.

A tax or social security number, a passport, a loyalty card that several sources read. Numbers are
compared within one kind, so a value says its kind before a colon: `us_ssn:078051121`. The feed
knows the kind; a value that names its own keeps it.
"""

import polars as pl

from transforms.standardise.fold import is_blank

FIELD = "person_number"
SHORTEST = 5
LONGEST = 32
"""Signs of a number; what is shorter or longer is something else."""
_FEWEST_DIGITS = 3
"""Words of nothing that no lookup knows (REFUSED, see file) have none."""

_KIND = r"^[^:]*:"
_NAMED = r"(?i)^\s*([a-z][a-z0-9_]{0,19})\s*:(.*)$"


def person_numbers(values: pl.Series, kind: str | None) -> pl.Series:
    """Letters and digits alone, in capitals, behind the kind; what is no number is missing.

    A workbook that took the number for a quantity writes `5304218.0`.
    """
    if is_blank(values):
        return values
    text = pl.col(values.name)
    named = text.str.extract(_NAMED, 1).str.to_lowercase()
    number = pl.coalesce(text.str.extract(_NAMED, 2), text)
    plain = (
        number.str.strip_chars()
        .str.replace(r"^([0-9]+)\.0+$", "${1}")
        .str.replace_all(r"[^\p{L}\p{Nd}]", "")
        .str.to_uppercase()
    )
    is_number = plain.str.len_chars().is_between(SHORTEST, LONGEST) & (
        plain.str.count_matches(r"\p{Nd}") >= _FEWEST_DIGITS
    )
    prefix = pl.coalesce(named, pl.lit(kind, pl.String)) + ":"
    told = pl.concat_str(prefix.fill_null(""), plain)
    return values.to_frame().select(pl.when(is_number).then(told).alias(values.name)).to_series()


def bare_number(number: pl.Expr) -> pl.Expr:
    """A standardised number without its kind."""
    return number.str.replace(_KIND, "")


def shown(field: str, value: str) -> str:
    """A value for the eye: of a person's number its kind and its end, which tell two apart."""
    if field != FIELD or not value:
        return value
    kind, colon, number = value.rpartition(":")
    return f"{kind}{colon}***{number[-3:]}"
