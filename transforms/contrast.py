"""Say what another model or another threshold would change: pairs, customers, mistakes."""

import math
from typing import NamedTuple

import polars as pl

STEPS = (-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 8.0)
"""Thresholds around the one in use for which the cost is told."""


class Contrast(NamedTuple):
    """How customers would change."""

    merged: pl.DataFrame
    """founder (the customer as it would be), parts (the customers it would be made of now)."""
    split: pl.DataFrame
    """founder (the customer as it is), parts (the customers that it would fall into)."""


class Cost(NamedTuple):
    """What a link threshold costs, by the model's own odds, before clusters are made."""

    threshold: float
    links: int
    wrong: float
    """Pairs that it would link and that are not one customer."""
    missed: float
    """Pairs that were kept, are one customer and would not be linked."""


def contrast_customers(now: pl.DataFrame, proposed: pl.DataFrame) -> Contrast:
    """Compare two answers: record_number, founder."""
    both = now.select("record_number", old="founder").join(
        proposed.select("record_number", new="founder"), on="record_number"
    )
    return Contrast(_several(both, "new", "old"), _several(both, "old", "new"))


def moved_pairs(now: pl.DataFrame, proposed: pl.DataFrame, link: float) -> pl.DataFrame:
    """Pairs that would be linked and are not, or the reverse: record_a, record_b, before, after.

    now, proposed: record_a, record_b, match_weight. A pair that one side did not keep has no
    weight there. The ones that move furthest come first.
    """
    both = now.select("record_a", "record_b", before="match_weight").join(
        proposed.select("record_a", "record_b", after="match_weight"),
        on=["record_a", "record_b"],
        how="full",
        coalesce=True,
    )
    is_linked = (pl.col(side).fill_null(-math.inf) >= link for side in ("before", "after"))
    step = (pl.col("after").fill_null(0.0) - pl.col("before").fill_null(0.0)).abs()
    was, will_be = is_linked
    return (
        both.with_columns(is_gained=will_be)
        .filter(was != will_be)
        .sort(-step, "record_a", "record_b")
    )


def costs(match_weights: pl.Series, link: float) -> list[Cost]:
    """What link thresholds around `link` cost, if the odds that the weights stand for are true."""
    pairs = pl.DataFrame({"weight": match_weights}).with_columns(
        right=1 / (1 + (-pl.col("weight") * math.log(2)).exp())
    )
    found = []
    for step in STEPS:
        linked = pairs.filter(pl.col("weight") >= link + step)
        others = pairs.filter(pl.col("weight") < link + step)
        wrong = float((1 - linked["right"]).sum())
        found.append(Cost(link + step, linked.height, wrong, float(others["right"].sum())))
    return found


def shares_below(match_weights: pl.Series, thresholds: list[float]) -> list[float]:
    """For each threshold the share of weights below it."""
    total = max(match_weights.len(), 1)
    return [float((match_weights < threshold).sum()) / total for threshold in thresholds]


def mask(value: pl.Expr) -> pl.Expr:
    """A value of which only the first letter of each word and two digits at its end can be read."""
    text = value.cast(pl.String)
    most = text.str.head(-2).str.replace_all(r"\B\p{L}|\p{N}", "•")
    return most + text.str.tail(2).str.replace_all(r"\p{L}", "•")


def _several(both: pl.DataFrame, of: str, by: str) -> pl.DataFrame:
    return (
        both.group_by(pl.col(of).alias("founder"))
        .agg(pl.col(by).unique().sort().alias("parts"), pl.len().cast(pl.Int64).alias("records"))
        .filter(pl.col("parts").list.len() > 1)
        .sort(-pl.col("records"), "founder")
    )
