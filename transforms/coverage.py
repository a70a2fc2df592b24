"""Estimate which true pairs no blocking rule finds.

Without truth nobody knows what was never compared. But rules that look at different things are
like two people who count the same birds: how many each missed of what the other saw tells how many
both missed.
"""

import math
from typing import NamedTuple

import polars as pl

from rules.matching import Matching
from transforms.block import key_columns
from transforms.evaluate import Z

KINDS: dict[str, tuple[str, ...]] = {
    "e-mail": ("email",),
    "phone": ("phone",),
    "birth date": ("birth",),
    "place": ("address", "street", "house", "postcode", "city"),
}
"""What rules look at beside names, by how their parts begin; the first that fits counts."""


class Lost(NamedTuple):
    """How many links no rule found, as a share of all, with an interval of 95 %."""

    share: float | None
    low: float | None
    high: float | None
    links: int
    """How many links were found."""
    by_kinds: tuple[int, ...]
    """Links by how many kinds of rules found them: one, two and so on."""


FEW = 10
"""With fewer links caught twice nothing can be said."""


class RuleYield(NamedTuple):
    """What one blocking rule brings."""

    rule: str
    pairs: int
    links: int
    only: int
    """Links that no other rule finds."""


def rule_yields(pairs: pl.DataFrame, rules: Matching) -> list[RuleYield]:
    """What each rule brings; pairs: found_by, is_link and count."""
    yields = []
    for number, name in enumerate(key_columns(rules)):
        bit = 1 << number
        mine = pairs.filter(pl.col("found_by") & bit > 0)
        links = mine.filter("is_link")
        only = links.filter(pl.col("found_by") == bit)
        yields.append(RuleYield(name, *(int(part["count"].sum()) for part in (mine, links, only))))
    return yields


def kinds_of_rules(rules: Matching) -> list[str]:
    """What each rule looks at beside names: one of KINDS, or `names` alone."""
    found = []
    for rule in rules.blocking:
        parts = {part for key in rule.keys for part in key}
        looks = (kind for kind, of in KINDS.items() if any(part.startswith(of) for part in parts))
        found.append(next(looks, "names"))
    return found


def estimate_lost(links: pl.DataFrame, rules: Matching) -> Lost:
    """The share of links that blocking lost, by capture and recapture; links: found_by, count.

    Each kind of rule is one attempt to catch a link. Many links caught by one kind alone mean that
    many more were caught by none: of f1 caught once and f2 twice about f1 (f1 - 1) / (2 (f2 + 1))
    were not. Links are not equally easy to catch, and then this is a lower bound: A. Chao,
    Biometrics 43 (1987), 783-791, who gives the variance and the log-normal interval as well.
    """
    kinds = kinds_of_rules(rules)
    caught = pl.sum_horizontal(
        (pl.col("found_by") & _mask(kinds, kind) > 0).cast(pl.Int64)
        for kind in dict.fromkeys(kinds)
    )
    counted = dict(links.group_by(caught.alias("kinds")).agg(pl.col("count").sum()).iter_rows())
    by_kinds = tuple(int(counted.get(n, 0)) for n in range(1, len(set(kinds)) + 1))
    once, twice, seen = by_kinds[0], (*by_kinds, 0)[1], sum(by_kinds)
    if len(by_kinds) < 2 or twice < FEW:
        return Lost(None, None, None, seen, by_kinds)
    lost = once * (once - 1) / (2 * (twice + 1))
    if lost < 0.5:  # the rule of three: nothing seen of so many
        return Lost(0.0, 0.0, 3 / (seen + 3), seen, by_kinds)
    spread = math.exp(Z * math.sqrt(math.log1p(_variance(once, twice) / lost**2)))
    low, high = (part / (seen + part) for part in (lost / spread, lost * spread))
    return Lost(lost / (seen + lost), low, high, seen, by_kinds)


def _mask(kinds: list[str], kind: str) -> int:
    return sum(1 << number for number, of in enumerate(kinds) if of == kind)


def _variance(once: int, twice: int) -> float:
    ratio = once / max(twice, 1)
    return twice * (ratio**2 / 2 + ratio**3 + ratio**4 / 4)
