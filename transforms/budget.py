"""Count the pairs that blocking rules would make, before they are made.

Pairs grow with the square of a block, so one careless rule can turn a night into a week. The sizes
of the blocks tell it beforehand, at the price of one pass over sorted keys.
"""

import numpy as np
from numpy.typing import NDArray

from rules.matching import Matching

FEW_RECORDS = 10_000
"""Fewer records may be compared as if they were this many: a small night is never too much."""


class TooManyPairsError(ValueError):
    """The blocking rules would compare more pairs than `max_compared` allows."""


class Budget:
    """What the rules of one run may still find."""

    def __init__(self, new_count: int, rules: Matching) -> None:
        self.records = max(new_count, FEW_RECORDS)
        self.allowed = rules.max_compared
        self.found: dict[str, float] = {}

    def spend(self, rule: str, keys: NDArray[np.int64], is_new: NDArray[np.bool_]) -> None:
        """Count a rule's pairs from its sorted keys; stop where all rules make too many."""
        self.found[rule] = neighbours(keys, is_new) / self.records
        compared = sum(self.found.values())
        if compared > self.allowed:
            worst = max(self.found, key=lambda name: self.found[name])
            raise TooManyPairsError(
                f"blocking would compare each record with {compared:,.0f} others or more, and "
                f"matching.toml allows {self.allowed:,g} (max_compared); the rule {worst} alone "
                f"finds {self.found[worst]:,.0f} of them. Give it a lower max_block or one more "
                "part"
            )


def neighbours(keys: NDArray[np.int64], is_new: NDArray[np.bool_]) -> int:
    """How many others the new records share a block with, one for each other in each block."""
    if not keys.size:
        return 0
    starts = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    sizes = np.diff(starts, append=keys.size)
    new = np.add.reduceat(is_new.astype(np.int64), starts)
    return int((new * (sizes - 1)).sum())
