"""Score pairs with a model: which levels they reach, and what that weighs.

Levels are SQL, as Splink means them; a pair's weights are sums of numbers that stand in the model.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from transforms.arithmetic import Arithmetic
from transforms.compare import PREPARED_COLUMNS
from transforms.established import Established
from transforms.levels import Plan, lay_out, plan_levels, side_by_side
from transforms.weigh import Weigher, ratios_of, weigh

_PAIRS = 131_072
"""Pairs that are looked at together."""


class Scorer:
    """A model made ready; what follows from the model alone is worked out once.

    `settings` are in Splink's own shape, hence Any; `tf` are its term frequencies.
    """

    def __init__(self, settings: dict[str, Any], tf: dict[str, pl.DataFrame]) -> None:
        self._settings = settings
        self._weigher = Weigher(settings, tf)
        self._ratios = ratios_of(settings)
        self._established = Established(tf)
        self._plan: tuple[pl.Schema, Plan] | None = None

    def score(
        self, nodes: pl.DataFrame, pairs: pl.DataFrame, floor: float, database: Arithmetic
    ) -> pl.DataFrame:
        """Pairs (`a`, `b`: places in the order of record numbers) with evidence enough."""
        nodes = nodes.hstack(_prepared(database, nodes)).hstack(self._established.of(nodes))
        plan = self._planned(nodes.schema)
        order = nodes["record_number"].arg_sort()
        rows = order.to_numpy()
        records = lay_out(nodes, order, plan)
        weights = self._weigher.of(nodes.select(pl.col(self._weigher.columns).gather(order)))
        scored = pl.concat(
            weigh(
                some,
                database.ask("pairs", plan.sql, side_by_side(records, plan, some["a"], some["b"])),
                weights,
                self._ratios,
            ).filter(pl.col("evidence") >= floor)
            for some in _slices(pairs)
        )
        numbers = nodes["record_number"].to_numpy()[rows]
        return scored.select(
            pl.Series("record_a", numbers[scored["a"].to_numpy()]),
            pl.Series("record_b", numbers[scored["b"].to_numpy()]),
            pl.exclude("a", "b", "found_by"),
            "found_by",
        )

    def _planned(self, schema: pl.Schema) -> Plan:
        if self._plan is None or self._plan[0] != schema:
            self._plan = (schema, plan_levels(self._settings["comparisons"], schema))
        return self._plan[1]


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
