"""Weigh the levels that pairs reach: what Splink would say, with no prior.

A level weighs log2(m / u), and one with term frequencies weighs that of the value that the two
share, as Splink works it out; a test holds this against Splink's own answer. All sums are of
parts rounded to four digits, so that the parts add up to the whole.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


_FEW = 64
"""So many values are looked up one by one."""


class Terms(NamedTuple):
    """A level that weighs what its term weighs."""

    level: int
    weights: Numbers
    """For each record, in the order of their numbers; not a number where it has no value."""


class Weights(NamedTuple):
    """What the levels of one comparison weigh, a missing value first and then best level first."""

    customer: Numbers
    household: Numbers
    """What turns evidence for one customer into evidence for one household."""
    contact: Numbers
    """The same for two who share a telephone or a mailbox and nothing else."""
    terms: tuple[Terms, ...]


class Ratios(NamedTuple):
    """Log2 of how often two records are of another kind, in times of one customer."""

    household: float
    contact: float


def weigh(
    pairs: pl.DataFrame, levels: pl.DataFrame, weights: dict[str, Weights], ratios: Ratios
) -> pl.DataFrame:
    """Pairs (`a`, `b`) with `evidence`, `kinship`, and per comparison `w_…` and `level_…`.

    Kinship is the evidence of a household or of a shared contact point, whichever it is.
    """
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    evidence = np.zeros(pairs.height)
    parts: dict[str, Numbers] = {}
    for name, weighed in weights.items():
        level = levels[f"level_{name}"].to_numpy()
        parts[f"w_{name}"] = weigh_levels(weighed, level, a, b)
        evidence += parts[f"w_{name}"]
    evidence = rounded(evidence)
    household, contact = evidence + ratios.household, evidence + ratios.contact
    for name, weighed in weights.items():
        at = levels[f"level_{name}"].to_numpy() + 1
        household += weighed.household[at]
        contact += weighed.contact[at]
    summed = {"evidence": evidence, "kinship": rounded(np.logaddexp2(household, contact))}
    return pairs.with_columns(
        *(pl.Series(name, numbers) for name, numbers in {**summed, **parts}.items()),
        *levels.get_columns(),
    )


def weigh_levels(
    weighed: Weights, level: NDArray[np.int8], a: NDArray[np.uint32], b: NDArray[np.uint32]
) -> Numbers:
    """What one comparison says of each pair that reaches such a level."""
    found: Numbers = weighed.customer[level + 1]
    for terms in weighed.terms:
        at = np.flatnonzero(level == terms.level)
        both = np.fmin(terms.weights[a[at]], terms.weights[b[at]])
        found[at] = np.where(np.isnan(both), found[at], both)
    return found


def term_weights(settings: dict[str, Any], tf: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Per column, each term with what it weighs in each level that asks for it.

    The row without a term stands for all others. `settings` in Splink's own shape, hence Any.
    """
    found: dict[str, pl.DataFrame] = {}
    for comparison in settings["comparisons"]:
        levels = comparison["comparison_levels"][1:]
        for number, weight in enumerate(level_weights(comparison)):
            column = levels[number].get("tf_adjustment_column")
            if column:
                known = found.get(column, tf[column].select(column))
                weights = _term_weights(weight, levels[number], levels, tf)
                found[column] = known.with_columns(weights.alias(_named(comparison, number)))
    return found


class Weigher:
    """The weights of a model made ready: what follows from the model alone is worked out once.

    `settings` in Splink's own shape, hence Any; `tf` are its term frequencies.
    """

    def __init__(self, settings: dict[str, Any], tf: dict[str, pl.DataFrame]) -> None:
        self._terms = term_weights(settings, tf)
        self._comparisons = settings["comparisons"]
        kinship = settings["kinship"]
        self._levels = {
            comparison["output_column_name"]: Weights(
                rounded(np.array([0.0, *level_weights(comparison)])),
                _other(comparison, kinship["shares"]),
                _other(comparison, kinship["contact_shares"]),
                (),
            )
            for comparison in self._comparisons
        }
        self._by_term: dict[str, dict[str | None, tuple[float, ...]]] = {}
        self.most = {
            comparison["output_column_name"]: self._most_of(comparison)
            for comparison in self._comparisons
        }
        """What each level of a comparison may weigh, whatever the term."""

    @property
    def columns(self) -> list[str]:
        """The columns whose values are terms."""
        return list(self._terms)

    def of(self, values: pl.DataFrame) -> dict[str, Weights]:
        """What the levels weigh between records with these values of terms, by comparison."""
        if values.height <= _FEW:
            found = {column: self._few(column, values[column]) for column in self._terms}
        else:
            asked = [_looked_up(known, values[column]) for column, known in self._terms.items()]
            found = dict(zip(self._terms, pl.collect_all(asked), strict=True))
        levels = self._levels
        return {
            (name := one["output_column_name"]): levels[name]._replace(
                terms=tuple(_terms(one, found))
            )
            for one in self._comparisons
        }

    def _most_of(self, comparison: dict[str, Any]) -> list[float]:
        weights = self._levels[comparison["output_column_name"]].customer[1:]
        levels = comparison["comparison_levels"][1:]
        return [
            max(float(weight), *self._terms[column][_named(comparison, number)])
            if (column := level.get("tf_adjustment_column"))
            else float(weight)
            for number, (weight, level) in enumerate(zip(weights, levels, strict=True))
        ]

    def _few(self, column: str, values: pl.Series) -> pl.DataFrame:
        """As `_looked_up`; to look a few up takes less than to join them."""
        if column not in self._by_term:
            self._by_term[column] = {row[0]: row[1:] for row in self._terms[column].iter_rows()}
        known, names = self._by_term[column], self._terms[column].columns[1:]
        other, none = known[None], (math.nan,) * len(names)
        rows = [none if value is None else known.get(value, other) for value in values]
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64), orient="row")


def ratios_of(settings: dict[str, Any]) -> Ratios:
    """The ratios of a model, in Splink's own shape, hence Any."""
    return Ratios(settings["kinship"]["ratio"], settings["kinship"]["contact_ratio"])


def level_weights(comparison: dict[str, Any]) -> list[float]:
    """The weight of each level, best level first, as Splink works it out."""
    weighed = comparison["comparison_levels"][1:]
    return [math.log2(v["m_probability"] / v["u_probability"]) for v in weighed]


def last_weights(
    comparison: dict[str, Any], kinship: dict[str, dict[str, list[float]]]
) -> tuple[float, float]:
    """What the last level, another value, adds to the evidence for one customer, and for kin."""
    customer = level_weights(comparison)[-1]
    share = kinship["shares"][comparison["output_column_name"]][-1]
    match = comparison["comparison_levels"][-1]["m_probability"]
    return customer, customer + math.log2(share / match)


def rounded(numbers: Numbers) -> Numbers:
    """Four digits, halves away from zero as the database does it."""
    scaled = numbers * 10_000
    found: Numbers = np.copysign(np.floor(np.abs(scaled) + 0.5), scaled) / 10_000
    return found


def _other(comparison: dict[str, Any], shares: dict[str, list[float]]) -> Numbers:
    levels = comparison["comparison_levels"][1:]
    given = zip(levels, shares[comparison["output_column_name"]], strict=True)
    return np.array([0.0, *(round(math.log2(share / v["m_probability"]), 4) for v, share in given)])


def _terms(comparison: dict[str, Any], found: dict[str, pl.DataFrame]) -> list[Terms]:
    """The levels with term frequencies; the commoner of two terms counts, as with Splink."""
    return [
        Terms(number, found[column][_named(comparison, number)].to_numpy())
        for number, level in enumerate(comparison["comparison_levels"][1:])
        if (column := level.get("tf_adjustment_column"))
    ]


def _named(comparison: dict[str, Any], number: int) -> str:
    return f"{comparison['output_column_name']} {number}"


def _term_weights(
    weight: float, level: dict[str, Any], levels: list[dict[str, Any]], tf: dict[str, pl.DataFrame]
) -> pl.Series:
    """What each term weighs where two records share it."""
    column = level["tf_adjustment_column"]
    exact = f"{column}_l = {column}_r"
    usual = next(v["u_probability"] for v in levels if v["sql_condition"] == exact)
    frequency = np.maximum(
        tf[column][f"tf_{column}"].to_numpy(), level.get("tf_minimum_u_value", 0.0)
    )
    adjusted = level.get("tf_adjustment_weight", 1.0) * (math.log2(usual) - np.log2(frequency))
    return pl.Series(rounded(weight + adjusted))


def _looked_up(known: pl.DataFrame, values: pl.Series) -> pl.LazyFrame:
    """What the terms of records weigh, in their order; not a number where one has none."""
    column, *weights = known.columns
    other = known.filter(pl.col(column).is_null()).row(0, named=True)
    there = values.to_frame(column).lazy()
    found = there.join(known.lazy(), on=column, how="left", maintain_order="left")
    is_there = pl.col(column).is_not_null()
    return found.select(
        pl.when(is_there).then(pl.col(name).fill_null(other[name])).otherwise(math.nan).alias(name)
        for name in weights
    )
