"""Lay out how rows become fewer on their way: a band from step to step, and what leaves it.

Numbers in, places on a canvas out; the pages draw them as SVG, stretched to the width there is.
"""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 1000.0, 150.0
NODE = 0.01
"""Of the width: the bar that each step stands at."""
LEAST = 1.5
"""Whatever is not nothing is seen."""
FALL = 46.0
"""Room below the band, through which what leaves it falls."""


class Step(NamedTuple):
    """A step: how many reach it, and how many leave before the next one, by why."""

    name: str
    reached: float
    leaving: Sequence[tuple[str, float]] = ()


class Ribbon(NamedTuple):
    """A closed path, and what it stands for: the name of a reason, or nothing for what goes on."""

    path: str
    why: str


class Drawn(NamedTuple):
    """Bars (x, width, height) from the top, and the ribbons between and below them."""

    bars: list[tuple[float, float, float]]
    ribbons: list[Ribbon]


def draw(steps: Sequence[Step]) -> Drawn:
    """The picture of all steps on a canvas of `WIDTH` and `HEIGHT`."""
    most = max((step.reached for step in steps), default=0) or 1
    span, node = WIDTH / max(len(steps), 1), WIDTH * NODE
    bars, ribbons = [], []
    for number, step in enumerate(steps):
        x, height = number * span, _thick(step.reached, most)
        bars.append((round(x, 1), round(node, 1), round(height, 1)))
        begin = x + node
        goes_on = steps[number + 1].reached if number + 1 < len(steps) else step.reached
        top = min(_thick(goes_on, most), height)
        ribbons.append(Ribbon(_level(begin, x + span, top), ""))
        ribbons += _falling(step, begin, span - node, top, most)
    return Drawn(bars, [ribbon for ribbon in ribbons if ribbon.path])


def _thick(count: float, most: float) -> float:
    return max((HEIGHT - FALL) * count / most, LEAST) if count > 0 else 0.0


def _level(x: float, end: float, height: float) -> str:
    return f"M{x:.1f} 0H{end:.1f}V{height:.1f}H{x:.1f}Z" if height else ""


def _falling(step: Step, x: float, room: float, top: float, most: float) -> list[Ribbon]:
    """What leaves goes down beside each other, the first one farthest to the right."""
    found = []
    told = [(why, count) for why, count in step.leaving if count > 0]
    wide = room * 0.7 / max(len(told), 1)
    for number, (why, count) in enumerate(told):
        thick = _thick(count, most)
        right = x + room * 0.86 - number * wide
        left = right - min(wide * 0.8, max(thick, 4.0))
        found.append(Ribbon(_bend(x, top, thick, left, right), why))
        top += thick
    return found


def _bend(x: float, top: float, thick: float, left: float, right: float) -> str:
    """From a stretch of a bar's side to a stretch of the bottom."""
    low = top + thick
    return (
        f"M{x:.1f} {top:.1f}C{right:.1f} {top:.1f} {right:.1f} {top:.1f} {right:.1f} {HEIGHT}"
        f"H{left:.1f}C{left:.1f} {low:.1f} {left:.1f} {low:.1f} {x:.1f} {low:.1f}Z"
    )
