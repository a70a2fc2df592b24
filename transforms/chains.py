"""Find where decisions contradict each other: must-links join in a chain what one parts."""

from collections import Counter

import polars as pl

PAIR = ("record_a", "record_b")

SMALL_COMPONENT = 200
"""Up to so many records the shortest chain is looked for; beyond that, any chain will do."""

Neighbours = dict[str, list[tuple[str, int]]]
"""For each record those linked with it, and by which decision."""

Walk = dict[str, tuple[str, int]]
"""For each record that was reached the one before it, and the decision that links the two."""


def contradictions(must_links: pl.DataFrame, cannot_links: pl.DataFrame) -> pl.DataFrame:
    """Return the cannot-links inside a component of must-links, each with a chain that joins it."""
    neighbours = _neighbours(must_links)
    suspects = cannot_links.filter(*(pl.col(record).is_in(list(neighbours)) for record in PAIR))
    forest, component = _forest(neighbours)
    sizes = Counter(component.values())
    rows: list[tuple[str, str, list[int]]] = []
    for record_a, record_b, decision_id in suspects.iter_rows():
        if component[record_a] != component[record_b]:
            continue
        is_small = sizes[component[record_a]] <= SMALL_COMPONENT
        walk = _walk(record_a, neighbours) if is_small else forest
        rows.append((record_a, record_b, sorted(_chain(record_a, record_b, walk) | {decision_id})))
    names = (*PAIR, "decision_ids")
    types = (pl.String, pl.String, pl.List(pl.Int64))
    return pl.DataFrame(rows, schema=list(zip(names, types, strict=True)), orient="row")


def _neighbours(must_links: pl.DataFrame) -> Neighbours:
    neighbours: Neighbours = {}
    for record_a, record_b, decision_id in must_links.iter_rows():
        neighbours.setdefault(record_a, []).append((record_b, decision_id))
        neighbours.setdefault(record_b, []).append((record_a, decision_id))
    return neighbours


def _forest(neighbours: Neighbours) -> tuple[Walk, dict[str, str]]:
    """Return one walk through everything, and for each record the one where its walk began."""
    forest: Walk = {}
    component: dict[str, str] = {}
    for record in neighbours:
        if record not in forest:
            walk = _walk(record, neighbours)
            forest.update(walk)
            component.update(dict.fromkeys(walk, record))
    return forest, component


def _walk(start: str, neighbours: Neighbours) -> Walk:
    """Walk from a record to all that it is linked with, the nearest first."""
    came_from: Walk = {start: (start, 0)}
    reached = [start]
    for record in reached:  # grows while it is walked
        for neighbour, decision_id in neighbours[record]:
            if neighbour not in came_from:
                came_from[neighbour] = (record, decision_id)
                reached.append(neighbour)
    return came_from


def _chain(record_a: str, record_b: str, walk: Walk) -> set[int]:
    """Return the decisions between two records of a walk: both ways back, less what they share."""
    between = _way_back(record_a, walk) ^ _way_back(record_b, walk)
    return {walk[record][1] for record in between}


def _way_back(record: str, walk: Walk) -> set[str]:
    passed: set[str] = set()
    while walk[record][0] != record:
        passed.add(record)
        record = walk[record][0]
    return passed
