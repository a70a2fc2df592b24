"""Tell which pairs may have evidence enough, before all is asked of them.

Most pairs that share a block key are strangers, and a few comparisons say so. What codes tell is
asked of all pairs; what is left open is asked comparison by comparison, the ones with the fewest
texts first, of the pairs that could still have enough if all the rest spoke for them as loudly as
it can. What is found is what would be found without: a test holds the two side by side.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.arithmetic import Arithmetic
from transforms.levels import Records, side_by_side
from transforms.plans import OPEN, Plan, plan_levels, plan_told
from transforms.weigh import Numbers, Weights, weigh_levels

_SLACK = 0.001
"""Sums in another order differ behind the last digit; a pair is left out where it is clear."""


class Step(NamedTuple):
    """A comparison that codes alone do not tell."""

    name: str
    plan: Plan


class Sieve:
    """How pairs are sifted, for comparisons in Splink's own shape, hence Any."""

    def __init__(
        self,
        comparisons: list[dict[str, Any]],
        schema: pl.Schema,
        most: Mapping[str, Sequence[float]],
    ) -> None:
        """Plan it over columns of this schema; `most` is what each level may weigh."""
        self._told, left_open = plan_told(comparisons, schema, most)
        self._most = {name: np.array(weights) for name, weights in most.items()}
        steps = [
            Step(name, plan_levels([one], schema))
            for one in comparisons
            if (name := one["output_column_name"]) in left_open
        ]
        self._steps = sorted(steps, key=lambda step: len(step.plan.texts))

    @property
    def plans(self) -> list[Plan]:
        """All that is asked of records."""
        return [self._told, *(step.plan for step in self._steps)]

    def sift(
        self,
        pairs: pl.DataFrame,
        records: Records,
        weights: dict[str, Weights],
        floor: float,
        database: Arithmetic,
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Of the pairs (`a`, `b`) those that may reach the floor, and all `level_…` of these."""
        told = database.ask(
            "pairs", self._told.sql, side_by_side(records, self._told, pairs["a"], pairs["b"])
        )
        levels = {name: told[f"level_{name}"].to_numpy(writable=True) for name in weights}
        a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
        most = np.zeros(pairs.height)
        for name, weighed in weights.items():
            most += _most(weighed, levels[name], a, b, self._most[name])
        left = np.flatnonzero(most >= floor - _SLACK)
        for step in self._steps:
            level, weighed = levels[step.name], weights[step.name]
            asked = left[level[left] >= OPEN]
            if not asked.size:
                continue
            some = side_by_side(
                records, step.plan, pairs["a"].gather(asked), pairs["b"].gather(asked)
            )
            found = database.ask("pairs", step.plan.sql, some).to_series().to_numpy()
            was_most = self._most[step.name][level[asked] - OPEN]
            most[asked] += weigh_levels(weighed, found, a[asked], b[asked]) - was_most
            level[asked] = found
            left = left[most[left] >= floor - _SLACK]
        return pairs[left], pl.DataFrame({f"level_{name}": levels[name][left] for name in weights})


def _most(
    weighed: Weights,
    level: NDArray[np.int8],
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    at_most: Numbers,
) -> Numbers:
    """What a comparison says of each pair, or may say where that is open."""
    told = np.where(level >= OPEN, -1, level)
    found = weigh_levels(weighed, told, a, b)
    is_open = np.flatnonzero(level >= OPEN)
    found[is_open] = at_most[level[is_open] - OPEN]
    return found
