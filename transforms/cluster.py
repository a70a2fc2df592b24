"""Decide which records are one customer.

Plain connected components would let one bad link glue two people together. So inside a component
that holds a contradiction the links are taken strongest first, and a link that would put two
records together that must stay apart is refused and goes to a data steward. Everything is
ordered by weight and then by record, so the same pairs give the same clusters.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_MUST = 1_000_000.0
"""The weight of a must-link: above any match_weight."""


class Apart(NamedTuple):
    """What keeps records apart."""

    cannot_links: pl.DataFrame
    """record_a, record_b: decided by a steward."""
    keys: pl.DataFrame
    """record_number, source: records of sources whose keys are all different customers."""


class Clusters(NamedTuple):
    """The answer: each record in one cluster, and what was refused on the way."""

    members: pl.DataFrame
    """record_number, founder (the cluster's earliest record), component (the earliest record
    that any chain of links reaches)."""
    refusals: pl.DataFrame
    """record_a, record_b, match_weight, why, component."""


def cluster(
    records: pl.Series, links: pl.DataFrame, must_links: pl.DataFrame, apart: Apart
) -> Clusters:
    """Cluster `records` by `links` (record_a, record_b, match_weight) and `must_links`."""
    edges = pl.concat(
        [
            must_links.select("record_a", "record_b", match_weight=pl.lit(_MUST)),
            links.select("record_a", "record_b", "match_weight"),
        ]
    ).filter(
        pl.col("record_a").is_in(records.implode()) & pl.col("record_b").is_in(records.implode())
    )
    members = _components(records, edges)
    disputed = _disputed(members, apart)
    inside = members.filter(pl.col("component").is_in(disputed.implode()))
    if inside.is_empty():
        alone = members.select("record_number", founder="component", component="component")
        return Clusters(alone, _no_refusals())
    settled, refusals = _settle(inside, edges, apart)
    founders = members.join(settled, on="record_number", how="left").select(
        "record_number", founder=pl.coalesce("founder", "component"), component="component"
    )
    return Clusters(founders, refusals)


def _components(records: pl.Series, edges: pl.DataFrame) -> pl.DataFrame:
    """Label each record with the smallest record that it is connected to."""
    ordered = records.unique().sort()
    ends = [np.searchsorted(ordered.to_numpy(), edges[end].to_numpy()) for end in edges.columns[:2]]
    size = ordered.len()
    graph = coo_array(
        (np.ones(edges.height, dtype=np.int8), (ends[0], ends[1])), shape=(size, size)
    )
    count, labels = connected_components(graph, directed=False)
    first = np.empty(count, dtype=np.int64)
    first[labels[::-1]] = ordered.to_numpy()[::-1]  # of equal labels the last one written stays
    return pl.DataFrame({"record_number": ordered, "component": first[labels]})


def _disputed(members: pl.DataFrame, apart: Apart) -> pl.Series:
    """Components in which two records must stay apart."""
    of = members.select("record_number", "component")
    both = (
        apart.cannot_links.join(of, left_on="record_a", right_on="record_number")
        .join(of, left_on="record_b", right_on="record_number", suffix="_b")
        .filter(pl.col("component") == pl.col("component_b"))
    )
    twice = (
        apart.keys.join(of, on="record_number")
        .group_by("component", "source")
        .len()
        .filter(pl.col("len") > 1)
    )
    return pl.concat([both["component"], twice["component"]]).unique().sort()


def _settle(
    inside: pl.DataFrame, edges: pl.DataFrame, apart: Apart
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take the links of disputed components one by one, strongest first."""
    of = dict(inside.select("record_number", "component").iter_rows())
    groups = _Groups(list(of), apart)
    refused: list[tuple[int, int, float, str, int]] = []
    ordered = edges.filter(pl.col("record_a").is_in(inside["record_number"].implode())).sort(
        -pl.col("match_weight"), "record_a", "record_b"
    )
    for one, other, match_weight in ordered.iter_rows():
        why = groups.join(one, other, is_decided=match_weight >= _MUST)
        if why:
            refused.append((one, other, match_weight, why, of[one]))
    settled = pl.DataFrame(
        {"record_number": list(of), "founder": [groups.founder(record) for record in of]},
        schema={"record_number": pl.Int64, "founder": pl.Int64},
    )
    refusals = pl.DataFrame(refused, schema=_no_refusals().schema, orient="row")
    return settled, refusals


class _Groups:
    """Groups of records that grow by links, and refuse the ones that must not be."""

    def __init__(self, records: list[int], apart: Apart) -> None:
        here = set(records)
        self.group = {record: record for record in records}
        self.members = {record: [record] for record in records}
        self.sources: dict[int, set[str]] = {record: set() for record in records}
        for record, source in apart.keys.select("record_number", "source").iter_rows():
            if record in here:
                self.sources[record].add(source)
        self.cannot: set[tuple[int, int]] = set()
        for one, other in apart.cannot_links.select("record_a", "record_b").iter_rows():
            self.cannot.add((min(one, other), max(one, other)))

    def founder(self, record: int) -> int:
        """The earliest record of the group that `record` is in."""
        return min(self.members[self.group[record]])

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
        if len(self.members[left]) < len(self.members[right]):
            left, right = right, left
        for record in self.members[right]:
            self.group[record] = left
        self.members[left] += self.members.pop(right)
        self.sources[left] |= self.sources.pop(right)
        return None

    def _cannot(self, left: int, right: int) -> bool:
        if not self.cannot:
            return False
        pairs = product(self.members[left], self.members[right])
        return any((min(pair), max(pair)) in self.cannot for pair in pairs)


def _no_refusals() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "record_a": pl.Int64,
            "record_b": pl.Int64,
            "match_weight": pl.Float64,
            "why": pl.String,
            "component": pl.Int64,
        }
    )
