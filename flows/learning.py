"""Learn a match model from the records of the warehouse: whole, its prior, or its population."""

from datetime import date
from typing import NamedTuple

import polars as pl

from flows.known import Known
from flows.proposal import answer_of, customers, provenance, weighed
from rules.matching import Matching
from store.errors import TouchstoneError
from store.rulebook import Model
from transforms.drift import level_shares
from transforms.extend import missing_comparisons, untrained_levels, with_missing
from transforms.families import refreshed_families, shows_families
from transforms.frequencies import refreshed_frequencies
from transforms.match import MatchModel, score_pairs
from transforms.priors import priors_of_pairs, with_rarer_households
from transforms.propose import manifest_of
from transforms.train import train

Learnt = tuple[Model, pl.DataFrame]
"""A model, and the pairs there are as it weighs them."""


class Named(NamedTuple):
    """What a proposal is called, and its day."""

    name: str
    day: date


def learn_whole(
    known: Known, rules: Matching, seed: int, named: Named, earlier: Model | None = None
) -> Learnt:
    """A model of its own: weights, term frequencies and prior.

    earlier: the model that counts as well where these records show too little.
    """
    leant_on = matching_of(earlier) if earlier else None
    trained = train(known.nodes, rules, seed, known.verdicts, earlier=leant_on)
    told = {"leant_on": earlier and earlier.name}
    manifest = provenance(known, manifest_of(trained, named.day)).model_copy(update=told)
    model = Model(named.name, trained.model.settings, trained.model.tf, manifest)
    pairs = weighed(_scored(known, model, rules), manifest.prior)
    return _with_levels(model, pairs, rules), pairs


def learn_population(
    model: Model, known: Known, rules: Matching, seed: int, named: Named
) -> Learnt:
    """The same weights with the term frequencies, the families and the prior of these records."""
    pairs = weighed(known.pairs, model.manifest.prior)
    now = answer_of(known, pairs, matching_of(model), rules.fitted(model.manifest))
    members = customers(known, now)
    found = refreshed_frequencies(known.nodes, members, matching_of(model), rules)
    model = _with_families(model, known, rules, seed)._replace(frequencies=found)
    fresh, pairs = learn_prior(model, _scored(known, model, rules), known, named)
    return _with_levels(fresh, pairs, rules), pairs


def learn_prior(model: Model, pairs: pl.DataFrame, known: Known, named: Named) -> Learnt:
    """The same weights; the prior that explains these pairs, which the model has scored.

    Where households are far rarer than the model takes them to be, that is learnt as well.
    """
    ratio = float(model.settings["kinship"]["ratio"])
    found = priors_of_pairs(pairs, known.nodes.height, ratio)
    seen = provenance(known, model.manifest)
    told = {"prior": found.match, "trained_on": named.day, "record_count": known.nodes.height}
    fresh = model._replace(
        name=named.name,
        settings=with_rarer_households(model.settings, found.shift(ratio)),
        manifest=seen.model_copy(update={**told, "verdicts": model.manifest.verdicts}),
    )
    shift = float(fresh.settings["kinship"]["ratio"]) - ratio
    return fresh, weighed(pairs.with_columns(pl.col("kinship") + shift), found.match)


def extended(model: Model, rules: Matching) -> Model:
    """The model with the comparisons that the rules name and it lacks; all else stays."""
    added = missing_comparisons(model.settings, rules)
    if not added:
        raise TouchstoneError(
            f"The model {model.name} has every comparison that matching.toml names; "
            "there is nothing to add."
        )
    told = {
        "comparisons": rules.comparisons,
        "untrained": (*model.manifest.untrained, *untrained_levels(model.settings, added)),
        "levels": {n: seen for n, seen in model.manifest.levels.items() if n not in added},
    }
    return model._replace(
        settings=with_missing(model.settings, rules),
        manifest=model.manifest.model_copy(update=told),
    )


def matching_of(model: Model) -> MatchModel:
    """What scores pairs by it."""
    return MatchModel(model.settings, model.frequencies, model.manifest.prior)


def _with_families(model: Model, known: Known, rules: Matching, seed: int) -> Model:
    """The model with what families of these records share, if they show any."""
    used = matching_of(model)
    if not shows_families(known.pairs, known.nodes.height, used):
        return model
    shared = refreshed_families(known.nodes, used, rules, seed, known.verdicts)
    return model._replace(settings=shared)


def _scored(known: Known, model: Model, rules: Matching) -> pl.DataFrame:
    return score_pairs(None, known.nodes, matching_of(model), rules)


def _with_levels(model: Model, pairs: pl.DataFrame, rules: Matching) -> Model:
    """The model with what its links looked like, for nights to be measured against."""
    links = pairs.filter(pl.col("match_weight") >= rules.thresholds.link)
    levels = [f"level_{name}" for name in rules.comparisons]
    shares = level_shares(links.group_by(levels).agg(count=pl.len()), rules)
    return model._replace(manifest=model.manifest.model_copy(update={"levels": shares}))
