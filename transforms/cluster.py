"""Decide which records are one customer.

Plain connected components would let one bad link glue two people together. So inside a component
the links are taken strongest first, and a link is refused and goes to a data steward when it would
put two records together that must stay apart, or when the evidence between the two sides, averaged
over all pairs of their records, is too weak. A pair that says nothing counts as nothing; one that
speaks against counts against. Everything is ordered by weight and then by record, so the same
pairs give the same clusters.
"""

from typing import NamedTuple

import polars as pl

from rules.matching import Clustering
from transforms.components import components
from transforms.contradict import Doubts
from transforms.edges import MUST, cut, edges_of, no_refusals, without_weak
from transforms.groups import Apart, Groups

PAIR = ("record_a", "record_b")


class Clusters(NamedTuple):
    """The answer: each record in one cluster, and what was refused on the way."""

    members: pl.DataFrame
    """record_number, founder (the cluster's earliest record), component (the earliest record
    that any chain of links reaches)."""
    refusals: pl.DataFrame
    """record_a, record_b, match_weight, why, component."""


def cluster(
    records: pl.Series,
    links: pl.DataFrame,
    must_links: pl.DataFrame,
    apart: Apart,
    rules: Clustering,
) -> Clusters:
    """Cluster `records` by `links` (record_a, record_b, match_weight) and `must_links`."""
    edges = edges_of(records, links, must_links)
    members = components(records, edges)
    parts, kept, let_go = cut(members, edges, rules)
    parts, kept, weak = without_weak(parts, kept, apart, rules)
    disputed = [
        _disputed(parts, apart),
        _opposed(parts, apart, rules),
        _loose(parts, kept, rules),
    ]
    inside = parts.filter(pl.col("component").is_in(pl.concat(disputed).unique().implode()))
    settled, refused = _settle(inside, kept, apart, rules)
    founders = (
        parts.join(settled, on="record_number", how="left", maintain_order="left")
        .select("record_number", founder=pl.coalesce("founder", "component"))
        .join(members, on="record_number", maintain_order="left")
    )
    weak = weak.filter(_are_apart(weak, founders))
    refusals = pl.concat([refused, let_go, weak]).join(
        members.rename({"record_number": "record_a"}), on="record_a", maintain_order="left"
    )
    return Clusters(founders, refusals)


def pairs_to_weigh(
    records: pl.Series,
    links: pl.DataFrame,
    must_links: pl.DataFrame,
    known: pl.DataFrame,
    rules: Clustering,
) -> pl.DataFrame:
    """The pairs inside components of which nothing is known yet: record_a, record_b.

    known: record_a, record_b of the pairs that are stored. Two records whose link alone holds
    them together have no third whose word is missing.
    """
    edges = edges_of(records, links, must_links)
    parts, _, _ = cut(components(records, edges), edges, rules)
    several = parts.filter(pl.len().over("component") > 2)
    pairs = several.join(several, on="component", suffix="_b").filter(
        pl.col("record_number") < pl.col("record_number_b")
    )
    return (
        pairs.select(record_a="record_number", record_b="record_number_b")
        .join(known, on=["record_a", "record_b"], how="anti")
        .sort("record_a", "record_b")
    )


def _are_apart(pairs: pl.DataFrame, members: pl.DataFrame) -> pl.Series:
    """Whether the two records of each pair are of different customers."""
    of = [
        pairs.select(record_number=end).join(
            members, on="record_number", how="left", maintain_order="left"
        )["founder"]
        for end in PAIR
    ]
    return of[0] != of[1]


def _disputed(members: pl.DataFrame, apart: Apart) -> pl.Series:
    """Components in which two records must stay apart."""
    of = members.select("record_number", "component")
    both = _inside(of, apart.cannot_links)
    twice = (
        apart.keys.join(of, on="record_number")
        .group_by("component", "source")
        .len()
        .filter(pl.col("len") > 1)
    )
    return pl.concat([both["component"], twice["component"]])


def _opposed(members: pl.DataFrame, apart: Apart, rules: Clustering) -> pl.Series:
    """Components in which two records speak against each other, or contradict each other."""
    against = [_opposition(apart).select(PAIR)]
    if apart.said is not None:
        against.append(apart.said.contradictions(rules.contradiction))
    return _inside(members, pl.concat(against))["component"]


def _loose(members: pl.DataFrame, edges: pl.DataFrame, rules: Clustering) -> pl.Series:
    """Components so large, with a link so weak, that it might not carry the average."""
    n = pl.col("n")
    large = members.with_columns(n=pl.len().over("component")).filter(n > 2)
    weakest = (
        edges.join(large, left_on="record_a", right_on="record_number")
        .group_by("component")
        .agg(pl.col("match_weight").min(), n.first())
    )
    need = rules.average + rules.average_of_groups
    return weakest.filter(pl.col("match_weight") * 4 / (n * n) < need)["component"]


def _inside(members: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs with both records in one component."""
    return (
        pairs.join(members, left_on="record_a", right_on="record_number")
        .join(members, left_on="record_b", right_on="record_number", suffix="_b")
        .filter(pl.col("component") == pl.col("component_b"))
    )


def _settle(
    inside: pl.DataFrame, edges: pl.DataFrame, apart: Apart, rules: Clustering
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take the links of disputed components one by one, strongest first."""
    records = inside["record_number"]
    ordered = edges.filter(pl.col("record_a").is_in(records.implode())).sort(
        -pl.col("match_weight"), "record_a", "record_b"
    )
    against = _inside(inside, _opposition(apart)).select(ordered.columns)
    doubts = _doubts(inside, apart, rules)
    groups = _lone(records, doubts, apart, rules)
    refused = _take(groups, ordered, against)
    unsure = _fitting_two(groups, ordered, refused, rules)
    if unsure.height:
        sure = ordered.join(unsure, on=["record_a", "record_b"], how="anti", maintain_order="left")
        groups = _lone(records, doubts, apart, rules)
        refused = _take(groups, sure, against)
        refused = pl.concat([refused, unsure])
    founders = [groups.founder(record) for record in records]
    settled = pl.DataFrame(
        {"record_number": records, "founder": founders},
        schema={"record_number": pl.Int64, "founder": pl.Int64},
    )
    return settled, refused.filter(groups.are_apart(refused))


def _doubts(inside: pl.DataFrame, apart: Apart, rules: Clustering) -> Doubts | None:
    """What pairs would weigh less, in components in which two contradict each other."""
    if apart.said is None:
        return None
    found = _inside(inside, apart.said.contradictions(rules.contradiction))["component"]
    records = inside.filter(pl.col("component").is_in(found.unique().implode()))["record_number"]
    return apart.said.doubts(records, rules.most_evidence)


def _lone(records: pl.Series, doubts: Doubts | None, apart: Apart, rules: Clustering) -> Groups:
    """A group for each record."""
    groups = Groups(records.to_list(), apart, rules)
    if doubts is not None:
        groups.doubt(*doubts)
    return groups


def _take(groups: Groups, links: pl.DataFrame, against: pl.DataFrame) -> pl.DataFrame:
    """Join groups by links, in this order; the links that were refused."""
    groups.weigh(pl.concat([links, against]))
    refused = [
        (one, other, match_weight, why)
        for one, other, match_weight in links.iter_rows()
        if (why := groups.join(one, other, is_decided=match_weight >= MUST))
    ]
    found = pl.DataFrame(refused, schema=no_refusals().schema, orient="row")
    return found.filter(groups.are_apart(found))


def _fitting_two(
    groups: Groups, links: pl.DataFrame, refused: pl.DataFrame, rules: Clustering
) -> pl.DataFrame:
    """The links of records that fit a second customer about as well as the one they are in.

    Each record's own links alone count: one that has a copy of itself is no doubtful record.
    """
    second = _by_record(refused.filter(pl.col("why") != "cannot_link"))
    doubtful = (
        _by_record(links.filter(~groups.are_apart(links)))
        .join(second, on="record_number", suffix="_second")
        .filter(pl.col("match_weight") < pl.col("match_weight_second") + rules.clear)
        .select("record_number", most=pl.col("match_weight_second") + rules.clear)
    )
    of = [
        links.join(doubtful, left_on=end, right_on="record_number", maintain_order="left")
        for end in ("record_a", "record_b")
    ]
    unsure = pl.concat(of).filter(pl.col("match_weight") < pl.col("most"))
    why = pl.lit("fits_two_customers")
    return unsure.select(links.columns).unique(maintain_order=True).with_columns(why=why)


def _by_record(links: pl.DataFrame) -> pl.DataFrame:
    """The strongest link of each record."""
    ends = (links.select(pl.col(end).alias("record_number"), "match_weight") for end in PAIR)
    return pl.concat(ends).group_by("record_number").agg(pl.col("match_weight").max())


def _opposition(apart: Apart) -> pl.DataFrame:
    if apart.said is not None:
        return apart.said.opposed()
    return no_refusals().select("record_a", "record_b", "match_weight")
