"""Say what pairs of records mean for a customer: which links them, which speaks against, and where
two contradict each other in a personal detail.

Many records do not state a birth date. Where two do, and contradict each other, a third that has
the mailbox of both would put them together, since it contradicts neither. So between two groups
that contradict each other in a detail, pairs of which one does not state it count as if it did.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.matching import Matching
from transforms.compare import COMPARISONS
from transforms.comparisons.shape import Comparison
from transforms.match import MatchModel, match_weight, weight_of
from transforms.weigh import last_weights

PAIR = ("record_a", "record_b")


Doubts = tuple[pl.DataFrame, NDArray[np.float64]]
"""Pairs (record_a, record_b), and for each a row per detail."""


class Detail(NamedTuple):
    """A comparison in which one person is the same on all records, and a household is not."""

    name: str
    customer: float
    """Bits that its last level, another value, adds to the evidence for one customer."""
    kinship: float
    """Bits that it adds to the evidence for one household."""


class Said(NamedTuple):
    """What pairs mean, and what it takes to know what contradictions mean."""

    pairs: pl.DataFrame
    """record_a, record_b, match_weight, against (the same without the prior), is_link, is_opposed,
    is_bare (a name alone says that they are one), is_at_home (nothing but name and home does),
    is_in_family (nothing but these and the telephone does), and as scored: evidence, kinship, w_
    of what is not a name, and w_ and level_ of each detail."""
    details: tuple[Detail, ...]
    prior: float
    apart_from_names: tuple[str, ...] = ()
    """The columns of weights of what is not a name."""

    def links(self) -> pl.DataFrame:
        """The pairs that link: record_a, record_b, match_weight."""
        return self.pairs.filter("is_link").select(*PAIR, "match_weight")

    def opposed(self) -> pl.DataFrame:
        """The pairs that speak against one customer: record_a, record_b, match_weight below 0."""
        return self.pairs.filter("is_opposed").select(*PAIR, match_weight="against")

    def bare(self) -> pl.DataFrame:
        """The links that rest on a name alone: record_a, record_b."""
        return self.pairs.filter("is_link", "is_bare").select(PAIR)

    def at_home(self) -> pl.DataFrame:
        """The links that rest on name and home, which families share: record_a, record_b."""
        return self.pairs.filter("is_link", "is_at_home").select(PAIR)

    def by_telephone(self) -> pl.DataFrame:
        """The links that rest on a telephone besides name and home: record_a, record_b."""
        return self.pairs.filter("is_link", "is_in_family", ~pl.col("is_at_home")).select(PAIR)

    def contradictions(self, least: float) -> pl.DataFrame:
        """The pairs that contradict each other in a detail by so many bits: record_a, record_b."""
        by_detail = (
            _is_stated(detail) & (pl.col(f"w_{detail.name}") <= -least) for detail in self.details
        )
        return self.pairs.filter(pl.any_horizontal(pl.lit(value=False), *by_detail)).select(PAIR)

    def doubts(self, records: pl.Series, limit: float) -> Doubts:
        """The pairs among these records (record_a, record_b), and for each a row per detail.

        Of a detail: 1 where both records state it, by how many bits they then agree, and how many
        bits less the pair would count if they contradicted each other, too, where one does not
        state it. No pair counts for more than the limit.
        """
        is_here = (pl.col(end).is_in(records.implode()) for end in PAIR)
        pairs = self.pairs.filter(*is_here)
        numbers = pairs.select(
            number.alias(f"{detail.name} {place}")
            for detail in self.details
            for place, number in enumerate(self._doubted(detail, limit))
        )
        return pairs.select(PAIR), numbers.to_numpy().reshape(pairs.height, len(self.details), 3)

    def _doubted(self, detail: Detail, limit: float) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
        stated = _is_stated(detail)
        bits = pl.when(stated).then(f"w_{detail.name}").otherwise(0.0)
        return (
            stated.cast(pl.Float64),
            bits,
            pl.when(stated).then(0.0).otherwise(self._less(detail, limit)),
        )

    def _less(self, detail: Detail, limit: float) -> pl.Expr:
        """How many bits less a pair counts if its two records contradict each other here, too."""
        evidence = pl.col("evidence") + detail.customer
        kinship = pl.col("kinship") + detail.kinship
        link = weight_of(evidence, kinship, self.prior), pl.col("match_weight")
        other = (
            pl.min_horizontal(weight, 0.0)
            for weight in (weight_of(evidence, kinship, 0.0), pl.col("against"))
        )
        then, now = (
            pl.when("is_link").then(of_link).otherwise(of_other).clip(-limit, limit)
            for of_link, of_other in zip(link, other, strict=True)
        )
        return pl.min_horizontal(then - now, 0.0)


def what_is_said(pairs: pl.DataFrame, model: MatchModel, rules: Matching) -> Said:
    """What scored pairs mean under a model; of a pair, `scored_columns` are read."""
    weight, against = match_weight(model.prior), match_weight(0.0)
    is_link = weight >= rules.thresholds.link
    meant = pairs.select(
        *scored_columns(model),
        match_weight=weight,
        against=against,
        is_link=is_link,
        is_opposed=~is_link & (against < 0.0),
        is_bare=~pl.any_horizontal(pl.lit(value=False), *_supports(model, _is_no_name)),
        is_at_home=~pl.any_horizontal(pl.lit(value=False), *_supports(model, _is_no_home)),
        is_in_family=~pl.any_horizontal(pl.lit(value=False), *_supports(model, _is_no_family)),
    )
    return Said(meant, details_of(model.settings), model.prior, _apart_from_names(model))


def scored_columns(model: MatchModel) -> list[str]:
    """What must be known of a scored pair."""
    of_details = (
        f"{what}_{detail.name}" for detail in details_of(model.settings) for what in ("w", "level")
    )
    return list(
        dict.fromkeys([*PAIR, "evidence", "kinship", *of_details, *_apart_from_names(model)])
    )


def _apart_from_names(model: MatchModel) -> tuple[str, ...]:
    """The columns of weights of what is not a name."""
    return tuple(f"w_{name}" for name in _compared(model) if not COMPARISONS[name].is_name)


def _supports(model: MatchModel, kind: Callable[[Comparison], bool]) -> list[pl.Expr]:
    """What speaks for one customer of the comparisons of a kind."""
    return [pl.col(f"w_{name}") > 0.0 for name in _compared(model) if kind(COMPARISONS[name])]


def _is_no_name(compared: Comparison) -> bool:
    """Whether it says more than a name: that a country is the same says what the name said."""
    return not (compared.is_name or compared.goes_with_names)


def _is_no_home(compared: Comparison) -> bool:
    """Whether it says more than name and home, which a family has in common."""
    return compared.is_contact or (compared.is_personal and not compared.is_name)


def _is_no_family(compared: Comparison) -> bool:
    """Whether it says more than name, home and telephone, which a family may have in common."""
    return _is_no_home(compared) and "phone" not in compared.columns


def _compared(model: MatchModel) -> list[str]:
    return [comparison["output_column_name"] for comparison in model.settings["comparisons"]]


def details_of(settings: dict[str, Any]) -> tuple[Detail, ...]:
    """The personal details that a model compares; settings in Splink's own shape, hence Any."""
    return tuple(
        Detail(comparison["output_column_name"], *last_weights(comparison, settings["kinship"]))
        for comparison in settings["comparisons"]
        if COMPARISONS[comparison["output_column_name"]].is_personal
    )


def _is_stated(detail: Detail) -> pl.Expr:
    return pl.col(f"level_{detail.name}") >= 0
