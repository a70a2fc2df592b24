"""Say how far the records have moved from those that the model was trained on.

Everything is told from counts: how many links show which level of a comparison, and how many
records have which values. So a million records cost a few scans.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from rules.matching import Matching
from transforms.compare import COMPARISONS
from transforms.match import match_weight
from transforms.weigh import level_weights

SMALLEST_SHARE = 1e-4
"""A level that one side never showed counts as this share, so that the index stays finite."""


MADE_OF = {"first_key": "first_name", "last_key": "last_name", "address_key": "address"}
"""Fields that keys are made of: the keys themselves are not kept."""


def level_shift(trained: Sequence[float], now: Sequence[float]) -> float:
    """The population stability index: the sum of (q - p) ln(q / p) over the levels.

    N. Siddiqi, Credit Risk Scorecards (Wiley 2006), ch. 10; it is the symmetric divergence of
    Jeffreys (1946). By custom below 0.1 nothing happened and above 0.25 much did.
    """
    both = zip(_shares(trained), _shares(now), strict=True)
    return sum((q - p) * math.log(q / p) for p, q in both)


def level_shares(links: pl.DataFrame, rules: Matching) -> dict[str, tuple[float, ...]]:
    """For each comparison the share of each level among links: a missing value, then the best.

    links: a column level_<comparison> each, and `count`, so many links show these levels.
    """
    total = max(int(links["count"].sum()), 1)
    found = {}
    for name in rules.comparisons:
        counted = dict(links.group_by(f"level_{name}").agg(pl.col("count").sum()).iter_rows())
        found[name] = tuple(
            round(counted.get(level, 0) / total, 6)
            for level in range(-1, len(COMPARISONS[name].levels))
        )
    return found


def unlinkable_share(
    presence: pl.DataFrame, settings: dict[str, Any], prior: float, rules: Matching
) -> float:
    """The share of records that say too little to be linked even to an exact copy of themselves.

    presence: a yes-or-no column per comparison, whether the record has what its best level needs,
    and `count`. Common names are taken as rare ones, so the true share is not lower. Splink calls
    such records unlinkables; settings have Splink's own shape, hence Any.
    """
    evidence, kinship = pl.lit(0.0), pl.lit(float(settings["kinship"]["ratio"]))
    for comparison in settings["comparisons"]:
        name = comparison["output_column_name"]
        if COMPARISONS[name].is_correction:
            continue
        weight = level_weights(comparison)[0]
        match = comparison["comparison_levels"][1]["m_probability"]
        household = weight + math.log2(settings["kinship"]["shares"][name][0] / match)
        evidence += pl.when(pl.col(name)).then(weight).otherwise(0.0)
        kinship += pl.when(pl.col(name)).then(household).otherwise(0.0)
    weighed = presence.with_columns(evidence=evidence, kinship=kinship).with_columns(
        match_weight=match_weight(prior)
    )
    weak = weighed.filter(pl.col("match_weight") < rules.thresholds.link)
    return float(weak["count"].sum()) / max(int(presence["count"].sum()), 1)


def best_columns(rules: Matching) -> Mapping[str, str]:
    """For each comparison that stands on values the one field that its best level needs."""
    first = {name: COMPARISONS[name].columns[0] for name in rules.comparisons if _stands(name)}
    return {name: MADE_OF.get(column, column) for name, column in first.items()}


def _stands(name: str) -> bool:
    return not COMPARISONS[name].is_correction and bool(COMPARISONS[name].columns)


def _shares(counts: Sequence[float]) -> list[float]:
    total = max(sum(counts), SMALLEST_SHARE)
    return [max(count / total, SMALLEST_SHARE) for count in counts]
