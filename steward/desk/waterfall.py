"""Lay out evidence as a waterfall: each comparison's bar begins where the one before ended."""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 196.0
_MARGIN = 14.0
_LABEL = 34.0


class Bar(NamedTuple):
    """One step: where it begins and ends, in pixels from the left."""

    weight: float
    start: float
    end: float
    label_x: float
    anchor: str
    """On which side of `label_x` the number stands: `start` or `end`."""
    is_inside: bool = False
    """Whether it stands on the bar, which leaves no room beside it."""

    @property
    def left(self) -> float:
        """Where the bar's rectangle begins."""
        return min(self.start, self.end)

    @property
    def width(self) -> float:
        """How wide it is."""
        return round(abs(self.end - self.start), 1)


class Waterfall(NamedTuple):
    """The steps on one scale, with the band in which a person decides."""

    prior: Bar
    steps: tuple[Bar, ...]
    total: Bar
    band_left: float
    band_right: float
    zero: float

    @property
    def band_width(self) -> float:
        """How wide the band is."""
        return round(self.band_right - self.band_left, 1)


def lay_out(prior: float, weights: Sequence[float], review: float, link: float) -> Waterfall:
    """Place the steps from the prior to the sum."""
    at = [prior]
    for weight in weights:
        at.append(at[-1] + weight)
    low, high = min(*at, review, 0.0), max(*at, link, 0.0)
    scale = (WIDTH - 2 * _MARGIN) / ((high - low) or 1.0)

    def place(value: float) -> float:
        return round(_MARGIN + (value - low) * scale, 1)

    steps = tuple(
        _bar(weight, place(begin), place(begin + weight))
        for weight, begin in zip(weights, at, strict=False)
    )
    total = at[-1]
    return Waterfall(
        _bar(prior, place(prior), place(prior)),
        steps,
        _bar(total, place(0.0), place(total)),
        place(review),
        place(link),
        place(0.0),
    )


def _bar(weight: float, start: float, end: float) -> Bar:
    """The number stands where there is room: on the right, on the left, or else on the bar."""
    left, right = min(start, end) - 5, max(start, end) + 5
    if right + _LABEL <= WIDTH:
        return Bar(weight, start, end, round(right, 1), "start")
    if left >= _LABEL:
        return Bar(weight, start, end, round(left, 1), "end")
    return Bar(weight, start, end, round(right - 10, 1), "end", is_inside=True)
