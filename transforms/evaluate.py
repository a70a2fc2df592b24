"""Measure clusters against the truth: who is together that should be, and who is not.

Pairs are counted from the sizes of groups and never listed, so a million records take a second.
An interval treats pairs or records as if each were drawn by itself. Pairs of one large customer
stand or fall together, so with few large customers the true interval is wider.
"""

import math
from typing import NamedTuple

import polars as pl

SIZES = {"1": 1, "2": 2, "3": 3, "4": 4, "5 to 9": 5, "10 and more": 10}
"""Bands of cluster size by their smallest size."""

Z = 1.959963984540054
"""Standard deviations on either side that hold 95 %."""


class Share(NamedTuple):
    """So much of so many, with a Wilson interval of 95 %; nothing of nothing has no value."""

    value: float | None
    low: float | None
    high: float | None
    out_of: int


class Quality(NamedTuple):
    """How much of what was put together is right, and how much of what is right was found."""

    precision: Share
    recall: Share
    f1: float | None


class Score(NamedTuple):
    """The quality of some records: of pairs, and of each record's company (B-cubed)."""

    record_count: int
    pairwise: Quality
    b_cubed: Quality


class Band(NamedTuple):
    """Customers and people of one size: precision is of customers' pairs, recall of people's."""

    size: str
    customers: int
    over_merged: int
    precision: Share
    people: int
    over_split: int
    recall: Share


class Choice(NamedTuple):
    """What one link threshold would cost, before clustering refuses or adds anything."""

    threshold: float
    pairs_linked: int
    precision: Share
    recall: Share


def score(members: pl.DataFrame) -> Score:
    """Score `members`: record, cluster, entity; one row per record."""
    return score_by_source(members.with_columns(source=pl.lit("all")))["all"]


def score_by_source(members: pl.DataFrame) -> dict[str, Score]:
    """Score each source: pairs that have a record of it on one side or both, and its records.

    members: record, cluster, entity, source.
    """
    together, true, right = (
        _pairs_by_source(members, key) for key in (["cluster"], ["entity"], ["cluster", "entity"])
    )
    company = _b_cubed(members)
    return {
        row["source"]: Score(
            row["len"],
            _quality(right[row["source"]], together[row["source"]], true[row["source"]]),
            quality(wilson(row["precision"], row["len"]), wilson(row["recall"], row["len"])),
        )
        for row in company.iter_rows(named=True)
    }


def score_by_size(members: pl.DataFrame) -> list[Band]:
    """Score each band of sizes of customers and of people: members as for `score`."""
    customers = _groups(members, "cluster", "entity")
    people = _groups(members, "entity", "cluster")
    bands = []
    for size in SIZES:
        merged, split = (side.filter(pl.col("band") == size) for side in (customers, people))
        bands.append(
            Band(
                size,
                merged.height,
                merged.filter(pl.col("parts") > 1).height,
                share_of(int(merged["right"].sum()), int(merged["pairs"].sum())),
                split.height,
                split.filter(pl.col("parts") > 1).height,
                share_of(int(split["right"].sum()), int(split["pairs"].sum())),
            )
        )
    return bands


def weigh_thresholds(pairs: pl.DataFrame, true_pairs: int, thresholds: list[float]) -> list[Choice]:
    """What each link threshold would cost; pairs: match_weight, is_same."""
    choices = []
    for threshold in thresholds:
        linked = pairs.filter(pl.col("match_weight") >= threshold)["is_same"]
        right = int(linked.sum())
        choices.append(
            Choice(
                threshold,
                linked.len(),
                share_of(right, linked.len()),
                share_of(right, true_pairs),
            )
        )
    return choices


def true_pairs(members: pl.DataFrame) -> int:
    """How many pairs of records are one person."""
    return int(_pairs_of(members.group_by("entity").len()["len"]).sum())


def share_of(part: int, whole: int) -> Share:
    """`part` of `whole` as a share with its interval."""
    return wilson(part / whole if whole else None, whole)


def wilson(value: float | None, count: int) -> Share:
    """A proportion with its Wilson interval, which stays inside 0 and 1 at any size."""
    if value is None or not count:
        return Share(None, None, None, 0)
    z2 = Z * Z / count
    middle = (value + z2 / 2) / (1 + z2)
    half = Z / (1 + z2) * math.sqrt(value * (1 - value) / count + z2 / (4 * count))
    return Share(value, max(0.0, middle - half), min(1.0, middle + half), count)


def quality(precision: Share, recall: Share) -> Quality:
    """Precision and recall with their harmonic mean."""
    if precision.value is None or recall.value is None:
        return Quality(precision, recall, None)
    total = precision.value + recall.value
    f1 = 2 * precision.value * recall.value / total if total else 0.0
    return Quality(precision, recall, f1)


def _quality(right: int, together: int, true: int) -> Quality:
    return quality(share_of(right, together), share_of(right, true))


def _pairs_of(size: pl.Series) -> pl.Series:
    size = size.cast(pl.Int64)
    return size * (size - 1) // 2


def _pairs_by_source(members: pl.DataFrame, key: list[str]) -> dict[str, int]:
    """How many pairs inside groups of `key` have a record of each source: all less the others'."""
    whole = members.group_by(key).agg(n=pl.len().cast(pl.Int64))
    part = members.group_by(*key, "source").agg(m=pl.len().cast(pl.Int64)).join(whole, on=key)
    others = pl.col("n") - pl.col("m")
    touching = (pl.col("n") * (pl.col("n") - 1) - others * (others - 1)) // 2
    return dict(part.group_by("source").agg(touching.sum()).iter_rows())


def _b_cubed(members: pl.DataFrame) -> pl.DataFrame:
    """Per source the mean over its records: of its customer's records how many are it, and
    of its person's records how many are with it.
    """
    both = pl.len().over("cluster", "entity")
    return (
        members.select(
            "source",
            precision=both / pl.len().over("cluster"),
            recall=both / pl.len().over("entity"),
        )
        .group_by("source")
        .agg(pl.len(), pl.col("precision").mean(), pl.col("recall").mean())
        .sort("source")
    )


def _groups(members: pl.DataFrame, of: str, by: str) -> pl.DataFrame:
    """One row per group of column `of`: band, parts by column `by`, pairs, right pairs."""
    cells = members.group_by(of, by).agg(m=pl.len().cast(pl.Int64))
    groups = cells.group_by(of).agg(
        n=pl.col("m").sum(),
        parts=pl.len(),
        right=(pl.col("m") * (pl.col("m") - 1) // 2).sum(),
    )
    band = pl.lit(None, pl.String)
    for name, smallest in SIZES.items():
        band = pl.when(pl.col("n") >= smallest).then(pl.lit(name)).otherwise(band)
    return groups.with_columns(band=band, pairs=pl.col("n") * (pl.col("n") - 1) // 2)
