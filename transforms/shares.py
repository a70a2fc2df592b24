"""How often a pair of each kind reaches each level, before the records at hand are looked at.

For each comparison that is learnt an array: a row for each of `mixture.KINDS`, a column for each
level, the best first. They are the cautious ones of `compare.py`, or those of an earlier model.
"""

from typing import Any, NamedTuple

import numpy as np

from rules.matching import Matching
from transforms.compare import COMPARISONS, is_as_now
from transforms.comparisons.shape import Comparison, Level
from transforms.mixture import KINDS, Floats, Reached, Ties

_STRANGER = KINDS.index("stranger")


class Belief(NamedTuple):
    """What is believed before records are looked at."""

    shares: dict[str, Floats]
    ties: Ties


def learnt(rules: Matching) -> list[str]:
    """The comparisons whose shares are learnt."""
    return [name for name in rules.comparisons if not COMPARISONS[name].is_correction]


def cautious(rules: Matching) -> Belief:
    """What is believed of records without a model."""
    return Belief(default_shares(rules), ties_of(rules))


def leaning_on(settings: dict[str, Any], rules: Matching) -> Belief:
    """What is believed by an earlier model; settings in Splink's own shape, hence Any.

    Every file has many strangers, so how often they agree is never taken from another. What the
    model lacks, or has with other levels, is believed as without a model.
    """
    shares, earlier = default_shares(rules), shares_of(settings)
    known = frozenset(earlier) & frozenset(shares)
    for name in known:
        share = earlier[name] / earlier[name].sum(axis=1, keepdims=True)
        shares[name] = np.vstack([share[:_STRANGER], shares[name][_STRANGER:]])
    return Belief(shares, ties_of(rules)._replace(believed=known))


def shares_of(settings: dict[str, Any]) -> dict[str, Floats]:
    """The shares that a model has learnt of comparisons with the levels that they have now."""
    kinship = settings["kinship"]
    return {
        comparison["output_column_name"]: _rows(comparison, kinship)
        for comparison in settings["comparisons"]
        if is_as_now(comparison) and not COMPARISONS[comparison["output_column_name"]].is_correction
    }


def default_shares(rules: Matching) -> dict[str, Floats]:
    """By comparison the share of each level, a row for each kind, before anything is learnt."""
    return {
        name: np.array(
            [
                [v.match, v.household, _of_contact(COMPARISONS[name], v), v.stranger]
                for v in COMPARISONS[name].levels
            ]
        ).T
        for name in learnt(rules)
    }


def kept_shares(settings: dict[str, Any], rules: Matching) -> dict[str, Floats]:
    """The default shares, and a model's own for each level that it has under the same name.

    Settings are in Splink's own shape, hence Any.
    """
    shares = default_shares(rules)
    for comparison in settings["comparisons"]:
        name = comparison["output_column_name"]
        if name in shares:
            known = dict(
                zip(labels_of(comparison), _rows(comparison, settings["kinship"]).T, strict=True)
            )
            levels = COMPARISONS[name].levels
            mixed = [known.get(v.label, shares[name][:, at]) for at, v in enumerate(levels)]
            shares[name] = np.array(mixed).T / np.array(mixed).T.sum(axis=1, keepdims=True)
    return shares


def labels_of(comparison: dict[str, Any]) -> list[str]:
    """What the levels of a comparison are called; it is in Splink's own shape, hence Any."""
    return [level["label_for_charts"] for level in comparison["comparison_levels"][1:]]


def ties_of(rules: Matching) -> Ties:
    """What is known of the comparisons that the rules name."""
    compared = frozenset(learnt(rules))
    return Ties(
        personal=frozenset(name for name in compared if COMPARISONS[name].is_personal),
        random=frozenset(name for name in compared if not COMPARISONS[name].is_contact),
        known=tuple(
            (name, number)
            for name in rules.comparisons
            for number, level in enumerate(COMPARISONS[name].levels)
            if level.is_known
        ),
        reached=tuple(
            Reached(name, number, *level.in_families)
            for name in rules.comparisons
            for number, level in enumerate(COMPARISONS[name].levels)
            if level.in_families and {of for of, _ in level.in_families} <= compared
        ),
    )


def _rows(comparison: dict[str, Any], kinship: dict[str, Any]) -> Floats:
    name, levels = comparison["output_column_name"], comparison["comparison_levels"][1:]
    match, stranger = ([level[f"{kind}_probability"] for level in levels] for kind in ("m", "u"))
    rows = (match, kinship["shares"][name], kinship["contact_shares"][name], stranger)
    return np.array(rows)


def _of_contact(comparison: Comparison, level: Level) -> float:
    """People who share a contact point: there as alike as one customer, else as strangers."""
    return level.match if comparison.is_contact else level.stranger
