"""Carry values forward: a missing value in an update erases nothing.

Unless the feed says that its blanks mean so. A place is carried whole or not at all, since half
of an old address beside half of a new one is nobody's.
"""

import polars as pl

from rules.feed import Feed

PLACE = ("address", "city", "region", "postcode", "country")
NAME = ("title", "first_name", "middle_name", "last_name", "suffix")
ALONE = (
    "company",
    "job_title",
    "email",
    "email_2",
    "phone",
    "phone_2",
    "phone_key",
    "phone_2_key",
    "birth_date",
    "gender",
    "language",
    "consent_email",
    "consent_phone",
    "consent_post",
    "campaign",
)
FIELDS = (*NAME, *PLACE, *ALONE)
"""The fields that are carried forward."""


def carry_forward(
    records: pl.DataFrame, before: pl.DataFrame, feeds: dict[str, Feed]
) -> pl.DataFrame:
    """Fill what `records` lack from the version before, by arrival.

    records: arrival, record_number, source, is_test, has_link and fields; before: the latest
    version before these of each record that had one. Test entries and misused forms, which will
    be quarantined, give nothing to the versions after them.
    """
    erasing = [feed.source for feed in feeds.values() if feed.parse.blank_means_erase]
    is_changed = pl.len().over("record_number") > 1
    several = records.filter(
        (is_changed | pl.col("record_number").is_in(before["record_number"].implode()))
        & ~pl.col("source").is_in(erasing)
    )
    if several.is_empty():
        return records
    rest = records.join(several.select("arrival"), on="arrival", how="anti")
    laid = pl.concat(
        [before.with_columns(is_before=pl.lit(value=True)), several], how="diagonal"
    ).sort("record_number", "arrival")
    filled = _filled(laid, [name for name in FIELDS if name in records.columns])
    given = filled.filter(pl.col("is_before").is_null()).select(records.columns)
    return pl.concat([rest, given]).sort("arrival")


def _filled(laid: pl.DataFrame, fields: list[str]) -> pl.DataFrame:
    """Versions of records in order, each with what the ones before it knew and it does not say."""
    clean = ~(pl.col("is_test").fill_null(value=False) | pl.col("has_link").fill_null(value=False))
    places = [name for name in PLACE if name in fields]
    has_place = pl.any_horizontal(pl.col(name).is_not_null() for name in places)
    known = pl.when(clean & has_place).then("arrival").forward_fill().over("record_number")
    laid = laid.with_columns(_place_from=known)
    source = laid.select(
        _place_from="arrival", **{f"_{name}": pl.col(name) for name in places}
    ).with_columns(_has=pl.lit(value=True))
    laid = laid.join(source, on="_place_from", how="left", maintain_order="left")
    carried = {name: pl.when(has_place).then(name).otherwise(f"_{name}") for name in places} | {
        name: pl.coalesce(name, pl.when(clean).then(name).forward_fill().over("record_number"))
        for name in fields
        if name not in places
    }
    return laid.with_columns(**carried)
