"""Say how a proposed model differs from the one in use: which pairs change their band."""

from datetime import date
from typing import NamedTuple

import polars as pl

from rules.matching import ModelManifest
from transforms.train import TrainedModel

BANDS = ("link", "review", "apart")


class Move(NamedTuple):
    """So many pairs of one band now would be in another."""

    before: str
    after: str
    pairs: int


def manifest_of(trained: TrainedModel, on: date) -> ModelManifest:
    """Say where a trained model comes from."""
    compared = trained.model.settings["comparisons"]
    return ModelManifest(
        trained_on=on,
        seed=trained.seed,
        record_count=trained.record_count,
        prior=trained.model.prior,
        splink_version=trained.splink_version,
        comparisons=tuple(comparison["output_column_name"] for comparison in compared),
        term_frequencies=tuple(trained.model.tf),
        em_pairs=trained.pairs,
        untrained=trained.untrained,
        remarks=trained.remarks,
    )


def compare_bands(now: pl.DataFrame, proposed: pl.DataFrame) -> list[Move]:
    """Count pairs by their band in both: record_a, record_b, band; a pair not kept is apart.

    Pairs that are apart in both are not counted: nobody kept them all.
    """
    both = (
        now.select("record_a", "record_b", before="band")
        .join(
            proposed.select("record_a", "record_b", after="band"),
            on=["record_a", "record_b"],
            how="full",
            coalesce=True,
        )
        .with_columns(pl.col("before", "after").fill_null("apart"))
    )
    counted = {
        (before, after): pairs
        for before, after, pairs in both.group_by("before", "after").len().iter_rows()
    }
    return [
        Move(before, after, counted.get((before, after), 0))
        for before in BANDS
        for after in BANDS
        if (before, after) != ("apart", "apart")
    ]


def count_bands(pairs: pl.DataFrame) -> dict[str, int]:
    """How many pairs are in each band but apart: record_a, record_b, band."""
    counted = dict(pairs["band"].value_counts().iter_rows())
    return {band: counted.get(band, 0) for band in BANDS if band != "apart"}
