"""Say which links may hold records together, before customers are made of these.

Too many records hang together by a shared value and not by being one person, so there the weakest
links are let go. And a link that cannot carry what it would join is let go wherever it is: one of a
name alone, or of name and home between father and son.
"""

import math
from functools import partial

import polars as pl

from rules.matching import Clustering
from transforms.components import components
from transforms.generations import at_odds
from transforms.groups import Apart
from transforms.namesakes import unsupported, weigh_names

PAIR = ("record_a", "record_b")
MUST = 1_000_000.0
"""The weight of a must-link: above any match_weight."""
_STEP = 2.0
"""How many bits of the weakest links give way at a time where too many records hang together."""


def edges_of(records: pl.Series, links: pl.DataFrame, must_links: pl.DataFrame) -> pl.DataFrame:
    """All links among these records, those that people decided among them."""
    here = records.implode()
    return pl.concat(
        [
            must_links.select("record_a", "record_b", match_weight=pl.lit(MUST)),
            links.select("record_a", "record_b", "match_weight"),
        ]
    ).filter(pl.col("record_a").is_in(here) & pl.col("record_b").is_in(here))


def cut(
    members: pl.DataFrame, edges: pl.DataFrame, rules: Clustering
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Let the weakest links of components with too many records go, until none has too many.

    Gives the parts, the links that are left and those that were let go.
    """
    let_go = [no_refusals()]
    while True:
        large = members.filter(pl.len().over("component") > rules.max_records)
        of = edges.join(large, left_on="record_a", right_on="record_number", how="left")
        weak = (
            pl.col("component").is_not_null()
            & (pl.col("match_weight") < MUST)
            & (pl.col("match_weight") < pl.col("match_weight").min().over("component") + _STEP)
        )
        gone = of.filter(weak)
        if gone.is_empty():
            return members, edges, pl.concat(let_go)
        why = pl.lit("too_many_records")
        let_go.append(gone.select("record_a", "record_b", "match_weight", why=why))
        edges = of.filter(~weak).select(edges.columns)
        members = components(members["record_number"], edges)


def without_weak(
    parts: pl.DataFrame, edges: pl.DataFrame, apart: Apart, rules: Clustering
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Let go the links that cannot carry what they would join; as `cut`."""
    let_go = [no_refusals()]
    if apart.said is None:
        return parts, edges, let_go[0]
    is_decided = pl.col("match_weight") >= MUST
    links, decided = edges.filter(~is_decided), edges.filter(is_decided)
    records, said = parts["record_number"], apart.said
    told = parts.join(apart.generations, on="record_number", how="left")
    for why, find in (
        ("another_generation", partial(at_odds, told, least=rules.contradiction)),
        ("name_alone", partial(unsupported, records, least=rules.name_alone)),
    ):
        weak = find(links=links, decided=decided, said=said)
        let_go.append(links.join(weak, on=PAIR, how="semi").with_columns(why=pl.lit(why)))
        links = links.join(weak, on=PAIR, how="anti")
    gone = pl.concat(let_go)
    if gone.is_empty():
        return parts, edges, gone
    kept = pl.concat([decided, links])
    return components(records, kept), kept, gone


def names_alone(
    records: pl.Series,
    links: pl.DataFrame,
    must_links: pl.DataFrame,
    apart: Apart,
    rules: Clustering,
) -> pl.Series:
    """What each name says that alone joins two groups of records: bits, less what namesakes take.

    Arguments as of `cluster`.
    """
    if apart.said is None:
        return pl.Series(dtype=pl.Float64)
    edges = edges_of(records, links, must_links)
    parts, kept, _ = cut(components(records, edges), edges, rules)
    every = rules.model_copy(update={"name_alone": -math.inf})
    _, kept, _ = without_weak(parts, kept, apart, every)
    is_decided = pl.col("match_weight") >= MUST
    decided = kept.filter(is_decided)
    return weigh_names(records, kept.filter(~is_decided), decided, apart.said)[1]["weight"]


def no_refusals() -> pl.DataFrame:
    """No link let go: record_a, record_b, match_weight, why."""
    return pl.DataFrame(
        schema={
            "record_a": pl.Int64,
            "record_b": pl.Int64,
            "match_weight": pl.Float64,
            "why": pl.String,
        }
    )
