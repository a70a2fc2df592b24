"""Groups of records that grow by links, and refuse the ones that must not be."""

from itertools import product
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.matching import Clustering
from transforms.contradict import Said
from transforms.generations import SCHEMA

_Number = TypeVar("_Number", float, NDArray[np.float64])

PAIR = ("record_a", "record_b")


class Apart(NamedTuple):
    """What keeps records apart."""

    cannot_links: pl.DataFrame
    """record_a, record_b: decided by a steward."""
    keys: pl.DataFrame
    """record_number, source: records of sources whose keys are all different customers."""
    said: Said | None = None
    """What pairs say: which speak against one customer, and which contradict each other."""
    generations: pl.DataFrame = pl.DataFrame(schema=SCHEMA)
    """record_number, generation of the records that say which of one name they are of."""


class Groups:
    """Groups of records that grow by links, and refuse the ones that must not be."""

    def __init__(self, records: list[int], apart: Apart, rules: Clustering) -> None:
        here = set(records)
        self.rules = rules
        self.group = {record: record for record in records}
        self.members = {record: [record] for record in records}
        self.sources: dict[int, set[str]] = {record: set() for record in records}
        for record, source in apart.keys.select("record_number", "source").iter_rows():
            if record in here:
                self.sources[record].add(source)
        self.cannot: set[tuple[int, int]] = set()
        for one, other in apart.cannot_links.select("record_a", "record_b").iter_rows():
            self.cannot.add((min(one, other), max(one, other)))
        self.between: dict[int, dict[int, float]] = {record: {} for record in records}
        self.doubts: dict[int, dict[int, NDArray[np.float64]]] = {record: {} for record in records}

    def weigh(self, pairs: pl.DataFrame) -> None:
        """Note what pairs weigh; no single one counts for more than the limit of the rules."""
        limit = self.rules.most_evidence
        bounded = pl.col("match_weight").clip(-limit, limit)
        for one, other, weight in pairs.select("record_a", "record_b", bounded).iter_rows():
            self.between[one][other] = self.between[other][one] = weight

    def doubt(self, pairs: pl.DataFrame, numbers: NDArray[np.float64]) -> None:
        """Note what pairs would weigh less if they contradicted each other; see `Said.doubts`."""
        for (one, other), number in zip(pairs.iter_rows(), numbers, strict=True):
            self.doubts[one][other] = self.doubts[other][one] = number

    def founder(self, record: int) -> int:
        """The earliest record of the group that `record` is in."""
        return min(self.members[self.group[record]])

    def are_apart(self, pairs: pl.DataFrame) -> pl.Series:
        """Whether the two records of each pair are in different groups."""
        of = [pairs[end].replace_strict(self.group, return_dtype=pl.Int64) for end in PAIR]
        return of[0] != of[1]

    def join(self, one: int, other: int, *, is_decided: bool) -> str | None:
        """Put the groups of two records together, or say why not.

        A must-link outweighs what a source says of its keys; a cannot-link stands against all.
        """
        left, right = self.group[one], self.group[other]
        if left == right:
            return None
        if self._cannot(left, right):
            return "cannot_link"
        if not is_decided and self.sources[left] & self.sources[right]:
            return "two_keys_of_one_source"
        if not is_decided and self._is_weak(left, right):
            return "weak_average"
        if len(self.members[left]) < len(self.members[right]):
            left, right = right, left
        for record in self.members[right]:
            self.group[record] = left
        self.members[left] += self.members.pop(right)
        self.sources[left] |= self.sources.pop(right)
        self._add_up(left, right)
        return None

    def _is_weak(self, left: int, right: int) -> bool:
        """Whether the pairs between two groups, taken together, say too little."""
        sizes = len(self.members[left]), len(self.members[right])
        need = self.rules.average + (self.rules.average_of_groups if min(sizes) > 1 else 0.0)
        found = self.between[left].get(right, 0.0) + self._carried(left, right)
        return found < need * sizes[0] * sizes[1]

    def _carried(self, left: int, right: int) -> float:
        """What two groups' contradictions take from the pairs that do not state them, below 0."""
        doubts = self.doubts[left].get(right)
        if doubts is None:
            return 0.0
        stated, bits, less = doubts.T
        is_contradicted = (stated > 0) & (bits <= -self.rules.contradiction * stated)
        return float(less[is_contradicted].sum())

    def _add_up(self, left: int, right: int) -> None:
        """What one group of two had with others, the joined group has."""
        _add(self.between, left, right)
        _add(self.doubts, left, right)

    def _cannot(self, left: int, right: int) -> bool:
        if not self.cannot:
            return False
        pairs = product(self.members[left], self.members[right])
        return any((min(pair), max(pair)) in self.cannot for pair in pairs)


def _add(between: dict[int, dict[int, _Number]], left: int, right: int) -> None:
    """Give the left group what the right one had with others."""
    for other, number in between.pop(right).items():
        del between[other][right]
        if other != left:
            known = between[left].get(other)
            total = number if known is None else known + number
            between[left][other] = between[other][left] = total
