"""Conform rows of text to our columns: theirs become ours, still as text.

A column neither mapped nor ignored stops the delivery, and so does a missing one: a partner who
renames a column must not erase a field.
"""

from fnmatch import fnmatchcase
from typing import NamedTuple

import polars as pl

from rules.feed import Feed

_NESTED = frozenset({"json", "ndjson"})


class Drift(NamedTuple):
    """How the columns of a delivery differ from what its feed says."""

    unknown: list[str]
    missing: list[str]


def find_drift(columns: list[str], feed: Feed) -> Drift:
    """Compare delivered `columns` with the feed's; a nested record may lack any of them."""
    known = set(feed.columns)
    shaped = known | _branches(feed) | _twigs(columns, feed)
    unknown = [
        name
        for name in columns
        if name not in shaped and not any(fnmatchcase(name, left) for left in feed.ignore)
    ]
    if feed.read.format in _NESTED:
        missing = [] if known & set(columns) or not columns else sorted(known)
    else:
        expected = known | set(feed.ignore)
        missing = sorted(expected - set(columns) - set(feed.optional))
        missing = [name for name in missing if not _is_pattern(name)]
    return Drift(unknown, missing)


def conform(rows: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """Map `rows` (row_number and their columns) to row_number and our columns, all text.

    Where several of theirs are mapped to one of ours, the first that is not missing wins.
    """
    ours: dict[str, list[pl.Expr]] = {}
    for theirs, field in feed.columns.items():
        if theirs in rows.columns:
            ours.setdefault(field, []).append(pl.col(theirs))
    columns = [_value(field, values).alias(field) for field, values in ours.items()]
    fixed = [
        pl.lit(text, pl.String).alias(field)
        for field, text in feed.constants.items()
        if field not in ours
    ]
    return rows.select("row_number", *columns, *fixed)


def misshapen(rows: pl.DataFrame, feed: Feed) -> pl.Series:
    """Numbers of the rows that nest in another way than the feed's columns.

    Such a row says `customer: "x"` where `customer.name` is expected, or the other way round: the
    row is not what was agreed, the others of its delivery are.
    """
    names = _branches(feed) | _twigs(rows.columns, feed)
    odd = [pl.col([name]).is_not_null() for name in rows.columns if name in names]
    if not odd:
        return rows["row_number"].clear()
    return rows.filter(pl.any_horizontal(odd))["row_number"]


def _value(field: str, values: list[pl.Expr]) -> pl.Expr:
    """The first value that is not missing; a key of nothing but space is none."""
    if field == "source_key":
        values = [pl.when(value.str.strip_chars() != "").then(value) for value in values]
    return pl.coalesce(values)


def _twigs(columns: list[str], feed: Feed) -> set[str]:
    """Delivered names below a column of the feed that others give as a plain value."""
    if feed.read.format not in _NESTED:
        return set()
    plain = tuple(f"{name}." for name in columns if name in feed.columns)
    found = {name for name in columns if name.startswith(plain) and name not in feed.columns}
    return {name for name in found if not any(fnmatchcase(name, left) for left in feed.ignore)}


def _branches(feed: Feed) -> set[str]:
    """The names that lead to columns of nested records, and are none themselves."""
    if feed.read.format not in _NESTED:
        return set()
    parts = [name.split(".") for name in feed.columns]
    above = {".".join(words[:end]) for words in parts for end in range(1, len(words))}
    is_left = {name for name in above if any(fnmatchcase(name, left) for left in feed.ignore)}
    return above - is_left - set(feed.columns)


def _is_pattern(name: str) -> bool:
    return any(mark in name for mark in "*?[")
