"""Score pairs with a model: which levels they reach, and what that weighs.

Levels are SQL, as Splink means them; a pair's weights are sums of numbers that stand in the model.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from transforms.arithmetic import Arithmetic
from transforms.compare import PREPARED_COLUMNS
from transforms.established import Established
from transforms.levels import lay_out, side_by_side
from transforms.plans import Plan, plan_levels
from transforms.sift import Sieve
from transforms.weigh import Weigher, ratios_of, weigh

_PAIRS = 262_144
"""Pairs that are looked at together."""
_MANY = 10_000
"""So many pairs are worth a question more for each comparison, to ask less of most of them."""


class Scorer:
    """A model made ready; what follows from the model alone is worked out once.

    `settings` are in Splink's own shape, hence Any; `tf` are its term frequencies.
    """

    def __init__(self, settings: dict[str, Any], tf: dict[str, pl.DataFrame]) -> None:
        self._settings = settings
        self._weigher = Weigher(settings, tf)
        self._ratios = ratios_of(settings)
        self._established = Established(tf)
        self._planned: tuple[pl.Schema, _Plans] | None = None

    def score(
        self, nodes: pl.DataFrame, pairs: pl.DataFrame, floor: float, database: Arithmetic
    ) -> pl.DataFrame:
        """Pairs (`a`, `b`: places in the order of record numbers) with evidence enough."""
        nodes = nodes.hstack(_prepared(database, nodes)).hstack(self._established.of(nodes))
        whole, sieve = self._plans(nodes.schema)
        is_sifted = floor > -math.inf and pairs.height >= _MANY
        order = nodes["record_number"].arg_sort()
        records = lay_out(nodes, order, *(sieve.plans if is_sifted else [whole]))
        weights = self._weigher.of(nodes.select(pl.col(self._weigher.columns).gather(order)))
        scored = []
        for some in _slices(pairs):
            if is_sifted:
                found, levels = sieve.sift(some, records, weights, floor, database)
            else:
                found, beside = some, side_by_side(records, whole, some["a"], some["b"])
                levels = database.ask("pairs", whole.sql, beside)
            weighed = weigh(found, levels, weights, self._ratios)
            scored.append(weighed.filter(pl.col("evidence") >= floor))
        every = pl.concat(scored)
        numbers = nodes["record_number"].gather(order).to_numpy()
        return every.select(
            pl.Series("record_a", numbers[every["a"].to_numpy()]),
            pl.Series("record_b", numbers[every["b"].to_numpy()]),
            pl.exclude("a", "b", "found_by"),
            "found_by",
        )

    def _plans(self, schema: pl.Schema) -> "_Plans":
        if self._planned is None or self._planned[0] != schema:
            comparisons = self._settings["comparisons"]
            sieve = Sieve(comparisons, schema, self._weigher.most)
            self._planned = (schema, _Plans(plan_levels(comparisons, schema), sieve))
        return self._planned[1]


class _Plans(NamedTuple):
    """How levels are read off pairs: all at once, or step by step."""

    whole: Plan
    sieve: Sieve


def _slices(pairs: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Slices of pairs; one without pairs where there are none."""
    yield from (pairs.slice(start, _PAIRS) for start in range(0, max(pairs.height, 1), _PAIRS))


def _prepared(database: Arithmetic, nodes: pl.DataFrame) -> pl.DataFrame:
    """What comparisons read beside the columns of a node."""
    reads = [
        name for name in nodes.columns if any(name in sql for sql in PREPARED_COLUMNS.values())
    ]
    prepared = ", ".join(f"{sql} as {name}" for name, sql in PREPARED_COLUMNS.items())
    return database.ask("nodes", f"select {prepared} from nodes", nodes.select(reads))
