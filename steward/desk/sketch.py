"""Draw records and the links between them, without chance: the same records, the same picture."""

import math
from typing import NamedTuple

from steward.desk.seen import Seen
from steward.desk.words import signed
from store.opened import Row

MOST = 25
"""More records are shown in the table alone."""
_HEIGHT = 130.0


class Node(NamedTuple):
    """A record."""

    label: str
    name: str
    x: float
    y: float
    colour: int
    """The number of its source's colour, from 1 to 4."""
    is_asked: bool


class Edge(NamedTuple):
    """A link between two records, or what speaks against one."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str
    """`link`, `ask` or `against`."""
    width: float
    label: str


class Hull(NamedTuple):
    """The ground on which one customer's records stand."""

    x: float
    y: float
    rx: float
    ry: float
    name: str


class Sketch(NamedTuple):
    """The picture."""

    width: float
    height: float
    nodes: list[Node]
    edges: list[Edge]
    hulls: list[Hull]
    says: str
    """The same in words."""


def sketch(seen: Seen, one: Row, other: Row, width: float = 300.0) -> Sketch | None:
    """The records of the two customers, and the question between them."""
    ours = [row for row in seen.records if row["customer_id"] == one["customer_id"]]
    theirs = [row for row in seen.records if row["customer_id"] != one["customer_id"]]
    if len(seen.records) > MOST:
        return None
    height = _HEIGHT if width < 400 else 270.0
    side = width * 0.25
    places = _ring(ours, side, height, one, 0.0)
    places |= _ring(theirs, width - side, height, other, math.pi)
    labels = labels_of(seen, one, other)
    colours = _colours(seen)
    asked = {one["record_number"], other["record_number"]}
    nodes = [
        Node(
            labels[row["record_number"]],
            str(row["source"]).replace("_", " "),
            *places[row["record_number"]],
            colours[row["source"]],
            row["record_number"] in asked,
        )
        for row in seen.records
    ]
    edges = [_edge(pair, places, asked) for pair in seen.pairs]
    hulls = [_hull(rows, places) for rows in (ours, theirs) if rows]
    if not any(edge.kind == "ask" for edge in edges):
        edges.append(_line(places, one, other))
    return Sketch(
        width, height, nodes, _fewest(edges), hulls, _says(ours, theirs, labels, one, other)
    )


def labels_of(seen: Seen, one: Row, other: Row) -> dict[int, str]:
    """A and B for the two that are asked about, numbers for the others."""
    labels = {one["record_number"]: "A", other["record_number"]: "B"}
    rest = [row for row in seen.records if row["record_number"] not in labels]
    return labels | {row["record_number"]: str(at) for at, row in enumerate(rest, 1)}


def _colours(seen: Seen) -> dict[str, int]:
    sources = list(dict.fromkeys(row["source"] for row in seen.records))
    return {source: at % 4 + 1 for at, source in enumerate(sources)}


def _ring(
    rows: list[Row], middle: float, height: float, first: Row, turn: float
) -> dict[int, tuple[float, float]]:
    """Places on a ring around a middle, that of `first` at `turn`; one alone stands in it."""
    if len(rows) == 1:
        return {rows[0]["record_number"]: (round(middle, 1), round(height / 2, 1))}
    reach = min(height / 2 - 28, (6 + height / 18) * (1 + len(rows) / 2))
    wide = min(reach * 1.2, middle * 0.7)
    ordered = sorted(rows, key=lambda row: row["record_number"] != first["record_number"])
    return {
        row["record_number"]: (
            round(middle + wide * math.cos(angle), 1),
            round(height / 2 + reach * math.sin(angle), 1),
        )
        for at, row in enumerate(ordered)
        for angle in [2 * math.pi * at / len(rows) + turn + (0.7 if at and len(rows) == 2 else 0)]
    }


def _hull(rows: list[Row], places: dict[int, tuple[float, float]]) -> Hull:
    xs, ys = zip(*(places[row["record_number"]] for row in rows), strict=True)
    (left, right), (top, bottom) = (min(xs), max(xs)), (min(ys), max(ys))
    name = str(rows[0]["customer_id"])
    rx, ry = (right - left) / 2 + 30, (bottom - top) / 2 + 26
    return Hull((left + right) / 2, (top + bottom) / 2, rx, ry, name)


def _edge(pair: Row, places: dict[int, tuple[float, float]], asked: set[int]) -> Edge:
    ends = (places[pair["record_a"]], places[pair["record_b"]])
    weight = float(pair["match_weight"])
    if {pair["record_a"], pair["record_b"]} == asked:
        return Edge(*ends[0], *ends[1], "ask", 3.0, f"{signed(weight)} ?")
    if weight < 0:
        return Edge(*ends[0], *ends[1], "against", 1.5, signed(weight))
    return Edge(*ends[0], *ends[1], "link", round(min(6.0, 1.5 + weight / 5), 1), signed(weight))


def _line(places: dict[int, tuple[float, float]], one: Row, other: Row) -> Edge:
    return Edge(*places[one["record_number"]], *places[other["record_number"]], "ask", 3.0, "?")


def _fewest(edges: list[Edge]) -> list[Edge]:
    """Numbers on all edges of a big picture cannot be read: only the question keeps its own."""
    if len(edges) <= 6:
        return edges
    return [edge if edge.kind == "ask" else edge._replace(label="") for edge in edges]


def _says(ours: list[Row], theirs: list[Row], labels: dict[int, str], one: Row, other: Row) -> str:
    def named(rows: list[Row]) -> str:
        return ", ".join(
            f"{labels[row['record_number']]} ({str(row['source']).replace('_', ' ')})"
            for row in rows
        )

    return (
        f"One customer has the records {named(ours)}; the other {named(theirs)}. The question is "
        f"whether {labels[one['record_number']]} and {labels[other['record_number']]} belong "
        "together."
    )
