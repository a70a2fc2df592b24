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
    unknown = [
        name
        for name in columns
        if name not in known and not any(fnmatchcase(name, left) for left in feed.ignore)
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
    columns = [pl.coalesce(values).alias(field) for field, values in ours.items()]
    fixed = [
        pl.lit(text, pl.String).alias(field)
        for field, text in feed.constants.items()
        if field not in ours
    ]
    return rows.select("row_number", *columns, *fixed)


def _is_pattern(name: str) -> bool:
    return any(mark in name for mark in "*?[")
