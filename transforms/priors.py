"""Learn how common matches are among all possible pairs, from what the scored ones say.

The prior of a model is the odds that two random records are one customer. Households and shared
contact points are told in times of it, so that one number moves all three.
"""

import math
from typing import Any, NamedTuple

import polars as pl

from rules.matching import Matching
from transforms.block import cap_keys, capped_keys
from transforms.match import MatchModel, score_pairs
from transforms.mixture import fit_priors

_FAINT = 4.0
"""Log2 of how many households there may be for each whose pairs agree on enough to be scored."""
_LITTLE = 1.0
"""A shift of fewer bits is none: to score all pairs anew is not worth it."""


class Priors(NamedTuple):
    """Log2 odds that two random records are one customer, or two people of one household."""

    match: float
    household: float

    def shift(self, ratio: float) -> float:
        """Bits by which people who share a contact point are rarer than a model takes them to be.

        A model learnt from families sees them everywhere, also in a file of single customers,
        where two records of one address and another birth date are mostly one person. Only a file
        that shows far fewer than its model expects is believed: most are too faint to be seen.
        """
        found = self.household - self.match - ratio + _FAINT
        return round(found, 4) if found < -_LITTLE else 0.0


def estimate_prior(nodes: pl.DataFrame, model: MatchModel, rules: Matching) -> float:
    """The prior that explains how these records score; scores all their pairs once."""
    capped = cap_keys(nodes, capped_keys(nodes, rules), rules)
    ratio = float(model.settings["kinship"]["ratio"])
    return priors_of_pairs(score_pairs(None, capped, model, rules), nodes.height, ratio).match


def priors_of_pairs(pairs: pl.DataFrame, record_count: int, ratio: float) -> Priors:
    """The priors that explain stored pairs; `ratio` is that of the model that scored them.

    The match prior is to be trusted; that of households leaves out the many that agree on too
    little to be scored.
    """
    possible = max(record_count * (record_count - 1) / 2, 1.0)
    kinship = pairs["kinship"].to_numpy() - ratio
    match, household = fit_priors(pairs["evidence"].to_numpy(), kinship, possible)
    return Priors(round(math.log2(match), 4), round(math.log2(household), 4))


def with_rarer_households(settings: dict[str, Any], shift: float) -> dict[str, Any]:
    """A model's settings (Splink's shape, hence Any) for a file where households are rarer.

    The kinship of each pair that it scores is less by as many bits.
    """
    kinship = settings["kinship"]
    ratios = {name: round(kinship[name] + shift, 4) for name in ("ratio", "contact_ratio")}
    return {**settings, "kinship": kinship | ratios} if shift else settings
