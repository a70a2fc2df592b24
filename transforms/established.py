"""Say which names are given to many, and to how many.

Of two names that look alike one may be a slip of the pen: then it is rare beside the other. Where
both are names that many have, they are two names, and mostly of two people.
"""

import polars as pl

from transforms.comparisons.names import ESTABLISHED, OFTEN


class Established:
    """The names that a model's term frequencies (`MatchModel.tf`) know to be given to many."""

    def __init__(self, tf: dict[str, pl.DataFrame]) -> None:
        self._known = {
            name: (listed[column], listed[f"tf_{column}"])
            for name, column in OFTEN.items()
            if column in tf
            for listed in [_given_to_many(tf[column], column)]
        }

    def of(self, nodes: pl.DataFrame) -> pl.DataFrame:
        """Per node the share of people who have its names, as `OFTEN` calls it; rarer ones null."""
        return nodes.select(
            pl.col(column)
            .replace_strict(*self._known[name], default=None, return_dtype=pl.Float64)
            .alias(name)
            if name in self._known
            else pl.lit(None, pl.Float64).alias(name)
            for name, column in OFTEN.items()
        )


def _given_to_many(terms: pl.DataFrame, column: str) -> pl.DataFrame:
    return terms.filter(pl.col(column).is_not_null(), pl.col(f"tf_{column}") >= ESTABLISHED)
