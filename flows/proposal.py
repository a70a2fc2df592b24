"""What a proposed model would change: the facts of its report."""

from typing import Any, NamedTuple

import polars as pl

from flows.known import SHOWN, Known
from rules.matching import Clustering, Matching, ModelManifest
from store.rulebook import Model
from transforms.cluster import cluster, pairs_to_weigh
from transforms.contradict import Said, scored_columns, what_is_said
from transforms.contrast import contrast_customers, costs, mask, moved_pairs, shares_below
from transforms.coverage import estimate_lost, rule_yields
from transforms.edges import names_alone
from transforms.groups import Apart
from transforms.match import MatchModel, match_weight, score_given
from transforms.namesakes import bits_asked
from transforms.weigh import level_weights

EXAMPLES = 6
"""So many pairs gained, pairs lost, customers merged and customers split are shown."""

_SELF = 20_000
"""So many records are compared with themselves to find the unlinkable ones."""

Row = dict[str, Any]
"""Part of a report; `Any` is whatever a template can show."""


class Answer(NamedTuple):
    """What one model says of the pairs of the warehouse."""

    pairs: pl.DataFrame
    """record_a, record_b, match_weight."""
    said: Said
    """What these say, and the pairs that are not stored."""
    rules: Matching
    """By which they are made customers."""


def weighed(pairs: pl.DataFrame, prior: float) -> pl.DataFrame:
    """Pairs with their match weight under a prior."""
    return pairs.with_columns(match_weight=match_weight(prior))


def answer_of(known: Known, pairs: pl.DataFrame, model: MatchModel, rules: Matching) -> Answer:
    """The answer of a model that these weighed pairs are from, as a run would reach it."""
    must, _ = _said(known)
    links = pairs.filter(pl.col("match_weight") >= rules.thresholds.link)
    numbers = known.records["record_number"]
    wanted = pairs_to_weigh(numbers, links, must, pairs, rules.clustering)
    rest = score_given(known.nodes, wanted, model, rules)
    columns = scored_columns(model)
    every = pl.concat([pairs.select(columns), rest.select(columns)])
    return Answer(pairs, what_is_said(every, model, rules), rules)


def customers(known: Known, answer: Answer) -> pl.DataFrame:
    """Who would be one customer by these pairs: record_number, founder."""
    return cluster(*_clustered(known, answer)).members


def with_names(model: Model, known: Known, answer: Answer) -> tuple[Model, Answer]:
    """The model with the bits that it asks for of a name alone, and its answer by these."""
    count = customers(known, answer)["founder"].n_unique()
    said = names_alone(*_clustered(known, answer))
    bits = bits_asked(said, count, answer.rules.training.namesakes)
    manifest = model.manifest.model_copy(update={"name_alone": bits})
    return model._replace(manifest=manifest), answer._replace(rules=answer.rules.fitted(manifest))


def _clustered(
    known: Known, answer: Answer
) -> tuple[pl.Series, pl.DataFrame, pl.DataFrame, Apart, Clustering]:
    """What `cluster` is asked with."""
    links = answer.pairs.filter(pl.col("match_weight") >= answer.rules.thresholds.link)
    must, cannot = _said(known)
    chosen = links.select("record_a", "record_b", "match_weight")
    apart = Apart(cannot, known.keys, answer.said, known.generations)
    return known.records["record_number"], chosen, must, apart, answer.rules.clustering


def _said(known: Known) -> list[pl.DataFrame]:
    """The pairs that people put together, and those that they kept apart."""
    return [
        known.verdicts.filter(pl.col("is_same") == is_same).select("record_a", "record_b")
        for is_same in (True, False)
    ]


def changes(known: Known, now: Answer, proposed: Answer, *, show_values: bool) -> Row:
    """What the proposal changes for pairs and customers, with examples."""
    contrast = contrast_customers(customers(known, now), customers(known, proposed))
    moved = moved_pairs(now.pairs, proposed.pairs, now.rules.thresholds.link)
    values = _values(known, show_values=show_values)
    return {
        "merged": contrast.merged.height,
        "split": contrast.split.height,
        "gained": moved.filter("is_gained").height,
        "lost": moved.filter(~pl.col("is_gained")).height,
        "examples": {
            "gained": _examples(moved.filter("is_gained"), values),
            "lost": _examples(moved.filter(~pl.col("is_gained")), values),
            "merged": [_group(row, values) for row in contrast.merged.head(EXAMPLES).to_dicts()],
            "split": [_group(row, values) for row in contrast.split.head(EXAMPLES).to_dicts()],
        },
    }


def weights_of(model: Model) -> list[Row]:
    """Per comparison its levels: in words, m, u, of a household, the weight, its share in links."""
    shares = model.settings["kinship"]["shares"]
    found = []
    for comparison in model.settings["comparisons"]:
        name = comparison["output_column_name"]
        trained = model.manifest.levels.get(name, ())
        levels = zip(
            comparison["comparison_levels"][1:],
            level_weights(comparison),
            shares[name],
            strict=True,
        )
        found.append(
            {
                "name": name,
                "missing": trained[0] if trained else None,
                "levels": [
                    {
                        "label": level["label_for_charts"],
                        "m": level["m_probability"],
                        "u": level["u_probability"],
                        "household": household,
                        "weight": weight,
                        "by_term": bool(level.get("tf_adjustment_column")),
                        "seen": trained[number] if trained else None,
                    }
                    for number, (level, weight, household) in enumerate(levels, 1)
                ],
            }
        )
    return found


def unlinkables(known: Known, model: Model, rules: Matching) -> Row:
    """How strongly records are linked to an exact copy of themselves: the best they can reach."""
    numbers = known.nodes["record_number"]
    drawn = numbers.gather_every(max(numbers.len() // _SELF, 1))
    own = pl.DataFrame({"record_a": drawn, "record_b": drawn})
    nodes = known.nodes.filter(pl.col("record_number").is_in(drawn.implode()))
    match_model = MatchModel(model.settings, model.frequencies, model.manifest.prior)
    scored = weighed(score_given(nodes, own, match_model, rules), model.manifest.prior)
    link = rules.thresholds.link
    at = [float(weight) for weight in range(-10, 31, 2)]
    return {
        "records": drawn.len(),
        "share": float((scored["match_weight"] < link).sum()) / max(drawn.len(), 1),
        "at": [int(weight) for weight in at],
        "shares": shares_below(scored["match_weight"], at),
        "mark": (link - at[0]) / 2,
    }


def blocking_of(pairs: pl.DataFrame, rules: Matching) -> Row:
    """What each blocking rule finds, and what all of them lose by an estimate."""
    is_link = pl.col("match_weight") >= rules.thresholds.link
    counted = pairs.group_by("found_by", is_link=is_link).agg(count=pl.len())
    return {
        "rules": [found._asdict() for found in rule_yields(counted, rules)],
        "lost": estimate_lost(counted.filter("is_link"), rules),
        "links": int(counted.filter("is_link")["count"].sum()),
    }


def thresholds_of(pairs: pl.DataFrame, rules: Matching) -> list[Row]:
    """What link thresholds around the one in use cost, by the model's own odds."""
    link = rules.thresholds.link
    return [
        {**cost._asdict(), "in_use": cost.threshold == link}
        for cost in costs(pairs["match_weight"], link)
    ]


def page_facts(model: Model, known: Known, pairs: pl.DataFrame, rules: Matching) -> Row:
    """What the report says of the proposal itself; pairs: those that it keeps, weighed."""
    weights = weights_of(model)
    return {
        "manifest": model.manifest,
        "thresholds": rules.thresholds,
        "weights": weights,
        "most_weight": max(abs(level["weight"]) for part in weights for level in part["levels"]),
        "unlinkable": unlinkables(known, model, rules),
        "blocking": blocking_of(pairs, rules),
        "costs": thresholds_of(pairs, rules),
        "shown": SHOWN,
    }


def provenance(known: Known, manifest: ModelManifest) -> ModelManifest:
    """The manifest with the range of data and the verdicts that it was learnt from."""
    return manifest.model_copy(
        update={
            "first_received": known.records["received_at"].dt.date().min(),
            "last_received": known.records["received_at"].dt.date().max(),
            "verdicts": known.verdicts.height,
        }
    )


class _Values(NamedTuple):
    """What examples show of each record, and what says whether two values are the same."""

    whole: pl.DataFrame
    shown: pl.DataFrame


def _values(known: Known, *, show_values: bool) -> _Values:
    whole = known.records.with_columns(pl.col(name).cast(pl.String) for name in SHOWN)
    masked = whole.with_columns(mask(pl.col(name)).alias(name) for name in SHOWN)
    return _Values(whole, whole if show_values else masked)


def _examples(moved: pl.DataFrame, values: _Values) -> list[Row]:
    return [
        {
            "before": row["before"],
            "after": row["after"],
            **_records([row["record_a"], row["record_b"]], values),
        }
        for row in moved.head(EXAMPLES).iter_rows(named=True)
    ]


def _group(row: Row, values: _Values) -> Row:
    """The founders of the customers that would become one, or that one would fall into."""
    return {**_records(row["parts"][:2], values), "parts": len(row["parts"])}


def _records(numbers: list[int], values: _Values) -> Row:
    """Two records side by side; a masked value does not tell whether it is the other's as well."""
    wanted = pl.DataFrame({"record_number": numbers})
    whole, shown = (
        wanted.join(frame, on="record_number", how="left", maintain_order="left").to_dicts()
        for frame in values
    )
    same = {name: len({record[name] for record in whole}) == 1 for name in SHOWN}
    return {"records": shown, "same": same}
