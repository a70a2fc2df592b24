"""A model's settings in Splink's own shape, hence Any: made of the comparisons, and changed."""

import math
from typing import Any

from rules.matching import Matching
from transforms.compare import COMPARISONS
from transforms.comparisons.shape import Level
from transforms.mixture import Mixture


def empty_settings(rules: Matching) -> dict[str, Any]:
    """Splink's settings for the comparisons that the rules name, with default weights."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": 0.5,
        "comparisons": [_comparison_settings(name) for name in rules.comparisons],
        "blocking_rules_to_generate_predictions": [],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
        "linker_uid": "touchstone",
    }


def order_remarks(settings: dict[str, Any]) -> tuple[str, ...]:
    """Levels that weigh more than the first, best level of their comparison."""
    remarks = []
    for comparison in settings["comparisons"]:
        if COMPARISONS[comparison["output_column_name"]].is_correction:
            continue
        best, *rest = comparison["comparison_levels"][1:]
        remarks += [
            f"{comparison['output_column_name']}: '{level['label_for_charts']}' weighs more than "
            f"'{best['label_for_charts']}'"
            for level in rest
            if level["m_probability"] / level["u_probability"]
            > best["m_probability"] / best["u_probability"]
        ]
    return tuple(remarks)


def numbered(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings under which a level weighs its own number: 1 the best, 0 a missing value."""
    return {
        **settings,
        "comparisons": [
            {
                **c,
                "comparison_levels": [
                    _numbered_level(*v) for v in enumerate(c["comparison_levels"])
                ],
            }
            for c in settings["comparisons"]
        ],
    }


def with_shares(settings: dict[str, Any], mixture: Mixture) -> dict[str, Any]:
    """The settings, in Splink's own shape, hence Any, with the shares that were found."""
    shares, contact_shares = {}, {}
    for comparison in settings["comparisons"]:
        if comparison["output_column_name"] not in mixture.shares:
            continue
        match, household, contact, stranger = mixture.shares[comparison["output_column_name"]]
        weights = {0.0}
        for number, level in enumerate(comparison["comparison_levels"][1:]):
            level["u_probability"] = round(float(stranger[number]), 9)
            level["m_probability"] = _distinct(round(float(match[number]), 9), level, weights)
        name = comparison["output_column_name"]
        shares[name] = [max(round(float(v), 9), 1e-9) for v in household]
        contact_shares[name] = [max(round(float(v), 9), 1e-9) for v in contact]
    kinship = {"ratio": 0.0, "contact_ratio": 0.0}
    return {**settings, "kinship": {**kinship, "shares": shares, "contact_shares": contact_shares}}


def _comparison_settings(name: str) -> dict[str, Any]:
    comparison = COMPARISONS[name]
    missing = {
        "sql_condition": comparison.missing,
        "label_for_charts": "a value is missing",
        "is_null_level": True,
    }
    return {
        "output_column_name": name,
        "comparison_description": name,
        "comparison_levels": [missing, *(_level_settings(v) for v in comparison.levels)],
    }


def _level_settings(level: Level) -> dict[str, Any]:
    terms = {"tf_adjustment_column": level.term, "tf_adjustment_weight": 1.0} if level.term else {}
    return {
        "sql_condition": level.sql,
        "label_for_charts": level.label,
        "m_probability": level.match,
        "u_probability": level.stranger,
        **terms,
    }


def _numbered_level(number: int, level: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in level.items() if not key.startswith("tf_")}
    return (
        plain
        if number == 0
        else {**plain, "m_probability": 2.0 ** (number - 20), "u_probability": 2.0**-20}
    )


def _distinct(match: float, level: dict[str, Any], weights: set[float]) -> float:
    """A match share so little more that no two levels of a comparison weigh exactly the same."""
    while (weight := math.log2(match / level["u_probability"])) in weights:
        match = round(match + 1e-9, 9)
    weights.add(weight)
    return match
