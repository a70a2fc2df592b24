"""Learn what families share where a model is used, and not where it was trained.

Whether husband and wife give one telephone or two, and whether an address is told with its street,
is of the file and of those who fill in its forms. A model from elsewhere that expects families to
share a telephone takes two of them who do not for one person, and the reverse.
"""

from typing import Any

import polars as pl

from rules.matching import Matching
from transforms.compare import COMPARISONS
from transforms.match import MatchModel
from transforms.mixture import KINDS, Floats, Mixture, tied
from transforms.priors import priors_of_pairs
from transforms.shares import default_shares, shares_of, ties_of
from transforms.train import look_at_kinds

BELIEF = 1_000
"""So many pairs of a household the model's own shares count for."""
_MATCH, _HOUSEHOLD = KINDS.index("match"), KINDS.index("household")


def shows_families(pairs: pl.DataFrame, record_count: int, model: MatchModel) -> bool:
    """Whether the pairs that a model scored show about as many households as matches, or more.

    Where they are far rarer, what looks like a household is mostly something else, say garbled
    copies of one person, and teaches nothing of families.
    """
    ratio = float(model.settings["kinship"]["ratio"])
    return priors_of_pairs(pairs, record_count, ratio).shift(0.0) == 0.0


def refreshed_families(
    nodes: pl.DataFrame,
    model: MatchModel,
    rules: Matching,
    seed: int,
    verdicts: pl.DataFrame | None = None,
) -> dict[str, Any]:
    """The model's settings (Splink's shape, hence Any) with what families of these records share.

    verdicts: pairs that people judged, record_a, record_b, is_same. What one person's records look
    like, and strangers', stays as it is.
    """
    seen = look_at_kinds(nodes, model.tf, rules, seed, verdicts).mixture
    return with_families(model.settings, seen, rules)


def with_families(settings: dict[str, Any], seen: Mixture, rules: Matching) -> dict[str, Any]:
    """The settings with the shares of households that were seen, as far as there are many."""
    shares = shares_of(settings)
    for name, share in shares.items():
        if _is_shared(name):
            share[_HOUSEHOLD] = _mixed(share, name, seen)
    known = tied(shares, default_shares(rules), ties_of(rules))
    households = {
        name: [max(round(float(v), 9), 1e-9) for v in share[_HOUSEHOLD]]
        for name, share in known.items()
    }
    kinship = settings["kinship"]
    return {**settings, "kinship": {**kinship, "shares": kinship["shares"] | households}}


def _is_shared(name: str) -> bool:
    """Whether it is of how people live and are reached, and not of who they are."""
    comparison = COMPARISONS[name]
    return not (comparison.is_name or comparison.is_personal or comparison.goes_with_names)


def _mixed(share: Floats, name: str, mixture: Mixture) -> Floats:
    """A household's shares of levels, of the model and of the file.

    What the file says is how much likelier a household shows a level than one person does: how
    often a form asks for a street is the same for both.
    """
    found = mixture.shares[name]
    told = share[_MATCH] * found[_HOUSEHOLD] / found[_MATCH]
    count = float(mixture.seen[name][_HOUSEHOLD].sum())
    both: Floats = count * told / told.sum() + BELIEF * share[_HOUSEHOLD]
    return both / (count + BELIEF)
