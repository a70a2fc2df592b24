"""Say what a stricter link threshold would win and cost, by the model's own odds.

A customer of n records hangs together by n - 1 joins, those of a maximum spanning tree of its
links. A join that weighs w bits puts two people together once in 1 + 2^w times. Summed, that is how
many customers are expected to hold two people, and how many right joins a threshold would give up.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

STEPS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0)
"""The thresholds that are looked at, in bits above the one in use."""


class Strictness(NamedTuple):
    """What one link threshold is expected to do."""

    threshold: float
    over_merged: float
    """Of the customers, those that hold two people."""
    given_up: float
    """Of the right joins that there are now, those that would not be made."""
    joins_given_up: int
    """How many joins, right or wrong, a person would be asked about or nobody would make."""


def weigh_strictness(
    members: pl.DataFrame, links: pl.DataFrame, threshold: float
) -> list[Strictness]:
    """What stricter thresholds would do to the customers of this one.

    members: record_number, founder. links: record_a, record_b, match_weight of pairs at or above
    the threshold. Links that clustering refused are no part of it.
    """
    weights = _joins(members, links)
    odds = 1 / (1 + np.exp2(-weights))
    right, records = odds.sum(), members.height
    found = []
    for bits in (threshold + step for step in STEPS):
        kept = weights >= bits
        customers = max(records - int(kept.sum()), 1)
        found.append(
            Strictness(
                bits,
                float((1 - odds[kept]).sum()) / customers,
                float(odds[~kept].sum() / right) if right else 0.0,
                int((~kept).sum()),
            )
        )
    return found


def _joins(members: pl.DataFrame, links: pl.DataFrame) -> NDArray[np.float64]:
    """What the strongest links weigh that hold each customer together."""
    numbered = members.sort("record_number").with_row_index("place")
    inside = (
        links.join(numbered, left_on="record_a", right_on="record_number")
        .join(numbered, left_on="record_b", right_on="record_number", suffix="_b")
        .filter(pl.col("founder") == pl.col("founder_b"))
    )
    if inside.is_empty():
        return np.empty(0)
    weights = inside["match_weight"].to_numpy()
    least = weights.min()
    cost = weights.max() - weights + 1.0  # above 0: what is 0 is no link
    ends = (inside["place"].to_numpy(), inside["place_b"].to_numpy())
    graph = coo_array((cost, ends), shape=(members.height, members.height))
    tree = minimum_spanning_tree(graph.tocsr())
    joins: NDArray[np.float64] = np.maximum(weights.max() + 1.0 - tree.data, least)
    return joins
