"""Measure linking from the verdicts of people on a sample of pairs.

The pairs are sampled by strata of match weight, so that the rare ones, in which mistakes sit, are
judged as often as the common ones; each stratum then counts by its size (W. G. Cochran, Sampling
Techniques, 3rd ed. 1977, ch. 5). What blocking never compared cannot be drawn, so its estimate,
with its own uncertainty, is part of recall.
"""

import math
from typing import NamedTuple

import polars as pl

from rules.matching import Thresholds
from transforms.coverage import Lost
from transforms.evaluate import Share, share_of

STRATA = (
    "linked with ease",
    "linked narrowly",
    "asked about",
    "apart narrowly",
    "apart",
)
"""Bands of match weight, the strongest first; the first two are links."""

LINKS = 2
NARROW = 6.0
"""Bits on either side of the bands within which a pair is there narrowly."""
BANDS = {
    "linked": STRATA[:LINKS],
    "review": STRATA[LINKS : LINKS + 1],
    "apart": STRATA[LINKS + 1 :],
}
"""What becomes of a pair, and the strata in which that happens to it."""
ENOUGH = 20
"""With fewer verdicts in a stratum nothing is said, unless it has no more pairs."""


class Judged(NamedTuple):
    """One stratum: its pairs, how many were judged, and how many of these are one customer."""

    stratum: str
    pairs: int
    judged: int
    same: int
    share: Share
    """Of those whose answer was not known without chance."""
    known: int = 0
    """Pairs of it that people decided otherwise than by chance: they stand for themselves alone."""
    known_same: int = 0

    @property
    def is_enough(self) -> bool:
        """Whether so many were judged that something can be said of the others."""
        return self.judged >= min(ENOUGH, self.pairs - self.known)


class Band(NamedTuple):
    """One band: its pairs, how many were judged, and which share of them is one customer."""

    band: str
    pairs: int
    judged: int
    same: int
    share: Share


class Total(NamedTuple):
    """So many pairs, with an interval of 95 %."""

    value: float
    low: float
    high: float


class Estimate(NamedTuple):
    """What the verdicts say of all pairs; a share is missing where they are too few."""

    strata: list[Judged]
    precision: Share
    recall: Share
    too_few: list[str]
    """The strata that want more verdicts."""


def floors(thresholds: Thresholds) -> dict[str, float]:
    """The least match weight of each stratum but the last."""
    least = (thresholds.link + NARROW, thresholds.link, thresholds.review)
    return dict(zip(STRATA, (*least, thresholds.review - NARROW), strict=False))


def stratum(match_weight: pl.Expr, thresholds: Thresholds) -> pl.Expr:
    """The stratum that a pair of this weight is in."""
    found = pl.lit(STRATA[-1])
    for name, least in reversed(floors(thresholds).items()):
        found = pl.when(match_weight >= least).then(pl.lit(name)).otherwise(found)
    return found


def draw(pairs: pl.DataFrame, size: int) -> pl.DataFrame:
    """`size` pairs, as many of each stratum; pairs: stratum, and `lot`, a random text of each.

    Where a stratum has too few the others give more. The order is that of the lots, so that it
    tells nothing of the stratum.
    """
    ranked = pairs.with_columns(turn=pl.col("lot").rank("ordinal").over("stratum"))
    return ranked.sort("turn", "lot").head(size).sort("lot").drop("turn")


def estimate(pairs: pl.DataFrame, lost: Lost, known: pl.DataFrame | None = None) -> Estimate:
    """Precision and recall of links; pairs: stratum, is_same (missing where nobody judged), count.

    known: the same of pairs beside these whose answer is known, though chance did not choose them.
    They are strata of their own that were judged whole, and say nothing of any other pair.

    A total is the sum over the strata of pairs times the share judged to be one customer. Its
    interval is put together from the Wilson intervals of the strata, so that a stratum without a
    mistake does not count as certain: G. Y. Zou, W. Huang and X. Zhang, Computational Statistics &
    Data Analysis 53 (2009). Recall is made of the ratio of two totals, missed and right, with the
    interval of A. Donner and G. Y. Zou, Statistical Methods in Medical Research 21 (2012).
    """
    strata = [_stratum(pairs, name, known) for name in STRATA]
    too_few = [s.stratum for s in strata if not s.is_enough]
    links, others = strata[:LINKS], strata[LINKS:]
    count = sum(s.pairs for s in links)
    none = Share(None, None, None, 0)
    if not count or {s.stratum for s in links} & set(too_few):
        return Estimate(strata, none, none, too_few)
    right = _sum([_total(s) for s in links])
    judged = sum(s.judged for s in links)
    precision = Share(right.value / count, right.low / count, right.high / count, judged)
    if too_few or lost.share is None or not right.value:
        return Estimate(strata, precision, none, too_few)
    missed = _sum([*(_total(s) for s in others), _unseen(lost, right.value / count)])
    fewest, most = _ratio(missed, right)
    recall = Share(
        right.value / (right.value + missed.value),
        1 / (1 + most),
        1 / (1 + fewest),
        sum(s.judged for s in strata),
    )
    return Estimate(strata, precision, recall, too_few)


def by_band(found: Estimate) -> list[Band]:
    """The bands, each put together from its strata; no share where one of these has too few."""
    parts = {part.stratum: part for part in found.strata}
    return [_band(band, [parts[name] for name in names]) for band, names in BANDS.items()]


def _band(band: str, parts: list[Judged]) -> Band:
    pairs, judged, same = (
        sum(getattr(part, name) for part in parts) for name in ("pairs", "judged", "same")
    )
    share = Share(None, None, None, 0)
    if pairs and all(part.is_enough for part in parts):
        total = _sum([_total(part) for part in parts])
        share = Share(total.value / pairs, total.low / pairs, total.high / pairs, judged)
    return Band(band, pairs, judged, same, share)


def _stratum(pairs: pl.DataFrame, name: str, known: pl.DataFrame | None) -> Judged:
    judged, count, same = _told(pairs.filter(pl.col("stratum") == name))
    others = pairs.clear() if known is None else known.filter(pl.col("stratum") == name)
    _, more, more_same = _told(others)
    return Judged(name, judged + more, count, same, share_of(same, count), more, more_same)


def _told(pairs: pl.DataFrame) -> tuple[int, int, int]:
    """How many pairs these are, how many of them were judged, and how many of those are same."""
    judged = pairs.filter(pl.col("is_same").is_not_null())
    parts = (pairs, judged, judged.filter("is_same"))
    every, told, same = (int(part["count"].sum()) for part in parts)
    return every, told, same


def _total(s: Judged) -> Total:
    """How many pairs of a stratum are one customer; certain where all of them were judged."""
    if s.share.value is None or s.share.low is None or s.share.high is None:
        return Total(float(s.known_same), float(s.known_same), float(s.known_same))
    others = s.pairs - s.known
    left = math.sqrt(1 - s.judged / others)
    below, above = s.share.value - s.share.low, s.share.high - s.share.value
    return Total(
        s.known_same + others * s.share.value,
        s.known_same + others * (s.share.value - left * below),
        s.known_same + others * (s.share.value + left * above),
    )


def _unseen(lost: Lost, precision: float) -> Total:
    """How many pairs that are one customer no rule found: as many of them as of other links."""
    found = [
        lost.links * share / (1 - share) * precision
        for share in (lost.share, lost.low, lost.high)
        if share is not None
    ]
    return Total(*found)


def _sum(parts: list[Total]) -> Total:
    value = sum(part.value for part in parts)
    below = math.sqrt(sum((part.value - part.low) ** 2 for part in parts))
    above = math.sqrt(sum((part.high - part.value) ** 2 for part in parts))
    return Total(value, max(0.0, value - below), value + above)


def _ratio(one: Total, other: Total) -> tuple[float, float]:
    """The interval of one total over another."""
    product = one.value * other.value
    low = product**2 - one.low * other.high * (2 * one.value - one.low) * (
        2 * other.value - other.high
    )
    high = product**2 - one.high * other.low * (2 * one.value - one.high) * (
        2 * other.value - other.low
    )
    least = (product - math.sqrt(max(low, 0))) / (other.high * (2 * other.value - other.high))
    most = (product + math.sqrt(max(high, 0))) / (other.low * (2 * other.value - other.low))
    return max(least, 0.0), most
