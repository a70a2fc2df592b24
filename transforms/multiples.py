"""Lay out small multiples: many little charts on one scale, so that they compare at a glance.

Numbers in, places on a canvas out; the pages draw them as SVG.
"""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

EDGE = 3.0
"""Room on every side, so that a point on the edge is whole."""
NOTICED = 0.0005
"""A smaller step than half a tenth of a point is none."""

Values = Sequence[float | None]
"""A figure by run, the oldest first; none where it was not measured."""


class Multiple(NamedTuple):
    """One little line, in which the last run stands against those before it."""

    path: str
    x: float
    y: float
    """The last point."""
    band_y: float
    band_height: float
    """Between the least and the most of the runs before."""
    value: float | None
    step: float | None
    """Against the median of the runs before; none without any."""
    is_least: bool
    """Whether it is clearly less than it ever was."""


class Column(NamedTuple):
    """A column of two parts, one on the other."""

    x: float
    width: float
    lower_y: float
    lower_height: float
    upper_y: float
    upper_height: float


def common_floor(series: Iterable[Values]) -> float:
    """Where the scale of shares begins for all of them: a whole tenth that none lies under."""
    least = min((value for values in series for value in values if value is not None), default=0.0)
    return max(0.0, int(least * 10 - 1e-9) / 10)


def scaled(values: Values) -> Values:
    """Counts as parts of the most there was, so that they can be drawn like shares."""
    most = max((value for value in values if value is not None), default=0.0) or 1.0
    return [None if value is None else value / most for value in values]


def multiple(values: Values, width: float, height: float, floor: float = 0.0) -> Multiple:
    """The line of one figure on a canvas, from `floor` at its bottom to 1 at its top."""
    told = [(number, value) for number, value in enumerate(values) if value is not None]
    if not told:
        return Multiple("", 0, 0, 0, 0, None, None, False)
    step = (width - 2 * EDGE) / max(len(values) - 1, 1)
    points = [(width - EDGE - step * (len(values) - 1 - n), _y(v, height, floor)) for n, v in told]
    before, now = [value for _, value in told[:-1]], told[-1][1]
    top, bottom = (_y(end, height, floor) for end in (max(before), min(before))) if before else (
        points[-1][1], points[-1][1])  # fmt: skip
    change = now - median(before) if before else None
    return Multiple(
        path="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points),
        x=round(points[-1][0], 1),
        y=round(points[-1][1], 1),
        band_y=round(top - 1, 1),
        band_height=round(bottom - top + 2, 1),
        value=now,
        step=None if change is None else (change if abs(change) >= NOTICED else 0.0),
        is_least=len(before) > 1 and now < min(before) - 0.01,
    )


def columns(parts: Sequence[tuple[float, float]], width: float, height: float) -> list[Column]:
    """A column for each pair of counts, the highest as high as the canvas."""
    most = max((lower + upper for lower, upper in parts), default=0) or 1
    step = width / max(len(parts), 1)
    found = []
    for number, (lower, upper) in enumerate(parts):
        low, high = (height * part / most for part in (lower, upper))
        gap = min(2.0, step / 4)
        found.append(
            Column(
                round(number * step, 1),
                round(step - gap, 1),
                round(height - low, 1),
                round(low, 1),
                round(height - low - high, 1),
                round(high, 1),
            )
        )
    return found


def _y(value: float, height: float, floor: float) -> float:
    part = (value - floor) / (1 - floor or 1)
    return height - EDGE - (height - 2 * EDGE) * min(max(part, 0.0), 1.0)
