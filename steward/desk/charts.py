"""Lay out charts: numbers in, places on a canvas out; the templates draw them as SVG."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 560, 210
LONG = 760
LEFT, RIGHT, TOP, BOTTOM = 44, 120, 14, 28
"""The canvas of a chart, of a long one, and the room around what is drawn in it."""


class Tick(NamedTuple):
    """A mark on an axis."""

    at: float
    says: str


class Curve(NamedTuple):
    """A line through points."""

    name: str
    path: str
    end_x: float
    end_y: float
    last: float


class Lines(NamedTuple):
    """A chart of lines over nights."""

    curves: list[Curve]
    ticks_x: list[Tick]
    ticks_y: list[Tick]


class Bar(NamedTuple):
    """A bar that lies."""

    name: str
    value: float
    width: float
    look: str


class Point(NamedTuple):
    """A share with its interval, over the middle of its band."""

    x: float
    y: float
    low: float
    high: float


def line_chart(nights: Sequence[str], series: Mapping[str, Sequence[float]]) -> Lines:
    """Lines over nights, from zero; labels at the ends are moved apart."""
    top = nice(max((value for values in series.values() for value in values), default=1))
    step = (LONG - LEFT - RIGHT) / max(1, len(nights) - 1)
    xs = [LEFT + step * number for number in range(len(nights))]
    curves = [_curve(name, xs, values, top) for name, values in series.items() if values]
    every = max(1, -(-len(nights) // 6))
    ticks_x = [Tick(xs[n], nights[n]) for n in range(0, len(nights), every)]
    ticks_y = [Tick(height(top * part / 4, top), short(top * part / 4)) for part in range(5)]
    return Lines(_apart(curves), ticks_x, ticks_y)


def bars(values: dict[str, tuple[float, str]], width: float) -> list[Bar]:
    """Bars by name, the longest as wide as the room; a look for each."""
    top = max((value for value, _ in values.values()), default=0) or 1
    return [Bar(name, value, width * value / top, look) for name, (value, look) in values.items()]


def height(value: float, top: float) -> float:
    """How far down the canvas a value is."""
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / (top or 1), 1)


def across(part: float) -> float:
    """How far along the canvas a part between 0 and 1 is."""
    return round(LEFT + (WIDTH - LEFT - 14) * part, 1)


def nice(value: float) -> float:
    """The next round number for the top of an axis."""
    size = 1.0
    while size * 10 <= value:
        size *= 10
    return next(size * step for step in (1, 2, 4, 5, 10) if size * step >= value) or 1.0


def short(value: float) -> str:
    """A number on an axis."""
    for size, unit in ((1_000_000, " M"), (1_000, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _curve(name: str, xs: Sequence[float], values: Sequence[float], top: float) -> Curve:
    points = [(x, height(value, top)) for x, value in zip(xs, values, strict=True)]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Curve(name, path, points[-1][0], points[-1][1], values[-1])


def _apart(curves: list[Curve]) -> list[Curve]:
    """Move labels that would lie on each other."""
    found: list[Curve] = []
    for curve in sorted(curves, key=lambda curve: -curve.end_y):
        below = found[-1].end_y if found else HEIGHT
        found.append(curve._replace(end_y=min(curve.end_y, below - 13)))
    return found
