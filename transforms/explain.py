"""Say why two records are, or are not, one customer: the way between them and odds in words."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from rules.matching import Matching
from transforms.match import MatchModel, score_given

DECIDED = 1_000_000.0
"""The weight of a link that a person decided: above any match weight."""


class Link(NamedTuple):
    """A link between two records, as strong as its match weight."""

    one: str
    other: str
    weight: float


class Arrival(NamedTuple):
    """How one record joined: by its strongest link to each part that it touched."""

    record_id: str
    by: list[Link]
    """The strongest first; the record is `one`. None: it stood by itself when it arrived."""


def arrivals(records: list[str], links: pl.DataFrame) -> list[Arrival]:
    """How records, in the order in which they arrived, came together, one after the other.

    links: record_id_a, record_id_b, match_weight. A record that links parts which stood apart until
    then has a link for each of them.
    """
    neighbours = _neighbours(links)
    part: dict[str, str] = {}
    found = []
    for record in records:
        strongest: dict[str, Link] = {}
        for link in neighbours.get(record, ()):
            if link.other in part:
                strongest.setdefault(part[link.other], link)
        found.append(Arrival(record, list(strongest.values())))
        part[record] = record
        for member, of in part.items():
            if of in strongest:
                part[member] = record
    return found


def strongest_path(links: pl.DataFrame, start: str, end: str) -> list[Link]:
    """The chain of links from `start` to `end` whose weakest link is strongest; empty if none.

    links: record_id_a, record_id_b, match_weight.
    """
    neighbours = _neighbours(links)
    came_by: dict[str, Link] = {}
    for link in _spread(neighbours, start):
        came_by[link.other] = link
        if link.other == end:
            return list(_back(came_by, start, end))
    return []


def odds(match_weight: float) -> str:
    """The odds that a match weight stands for, in words."""
    if abs(match_weight) < 0.2:
        return "even odds"
    ratio = 2.0 ** min(abs(match_weight), 40.0)
    shown = f"{ratio:.1f}" if ratio < 10 else f"{float(f'{ratio:.2g}'):,.0f}"
    told = f"about {shown}" if ratio < 1_000_000 else "more than a million"
    return f"{told} to 1 {'for' if match_weight > 0 else 'against'} one customer"


def explain_pair(
    node_a: pl.DataFrame, node_b: pl.DataFrame, model: MatchModel, rules: Matching
) -> pl.DataFrame:
    """Per comparison, what was found in words and what it weighs; no values of the records."""
    nodes = pl.concat([node_a, node_b])
    pair = pl.DataFrame(
        {"record_a": [nodes["record_number"].min()], "record_b": [nodes["record_number"].max()]}
    )
    return explain_levels(score_given(nodes, pair, model, rules), model)


def explain_levels(pairs: pl.DataFrame, model: MatchModel) -> pl.DataFrame:
    """Scored pairs in words: `record_a`, `record_b`, `comparison`, `found`, `weight`."""
    told = [
        pairs.select(
            "record_a",
            "record_b",
            pl.lit(name).alias("comparison"),
            pl.col(f"level_{name}").replace_strict(words, return_dtype=pl.String).alias("found"),
            pl.col(f"w_{name}").alias("weight"),
        )
        for name, words in _level_words(model.settings).items()
    ]
    return pl.concat(told).sort("record_a", "record_b", maintain_order=True)


def _neighbours(links: pl.DataFrame) -> dict[str, list[Link]]:
    """For each record its links, the strongest first."""
    ordered = links.sort(-pl.col("match_weight"), "record_id_a", "record_id_b")
    found: dict[str, list[Link]] = {}
    for one, other, weight in ordered.select(
        "record_id_a", "record_id_b", "match_weight"
    ).iter_rows():
        found.setdefault(one, []).append(Link(one, other, weight))
        found.setdefault(other, []).append(Link(other, one, weight))
    return found


def _spread(neighbours: dict[str, list[Link]], start: str) -> Iterator[Link]:
    """Grow from `start`, each time by the strongest link that leads to a record not reached."""
    reached = {start}
    edge = list(neighbours.get(start, ()))
    while edge:
        link = max(edge, key=lambda link: link.weight)
        edge = [left for left in edge if left.other != link.other]
        if link.other not in reached:
            reached.add(link.other)
            edge += [new for new in neighbours[link.other] if new.other not in reached]
            yield link


def _back(came_by: dict[str, Link], start: str, end: str) -> Iterator[Link]:
    chain = []
    while end != start:
        chain.append(came_by[end])
        end = came_by[end].one
    return reversed(chain)


def _level_words(settings: dict[str, Any]) -> dict[str, dict[int, str]]:
    """Each comparison's levels in words: 0 is the best, -1 a missing value."""
    return {
        comparison["output_column_name"]: {
            number: level["label_for_charts"]
            for number, level in enumerate(comparison["comparison_levels"], -1)
        }
        for comparison in settings["comparisons"]
    }
