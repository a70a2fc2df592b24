"""Lay out what was known of each customer, and when."""

import polars as pl


def lay_out_epochs(versions: pl.DataFrame) -> pl.DataFrame:
    """Find the versions in force in each epoch of each customer.

    versions: founder, record_number, arrival, received_at, is_withdrawn of all versions of the
    customers' records. Returns founder, received_at (when the epoch began), record_number,
    arrival; an epoch in which nothing was in force has no rows.
    """
    epochs = versions.select("founder", "received_at").unique()
    once = epochs.filter(pl.len().over("founder") == 1).select("founder")
    simple = _in_force(versions.join(once, on="founder", how="semi"))
    several = versions.join(once, on="founder", how="anti")
    if several.is_empty():
        return simple
    laid = several.join(epochs.rename({"received_at": "epoch"}), on="founder").filter(
        pl.col("received_at") <= pl.col("epoch")
    )
    return pl.concat([simple, _in_force(laid.drop("received_at").rename({"epoch": "received_at"}))])


def all_epochs(versions: pl.DataFrame) -> pl.DataFrame:
    """Every epoch of each customer: founder, received_at, next_at (null for the last)."""
    if versions["received_at"].n_unique() == 1:
        epochs = versions.select("founder", "received_at").unique("founder").sort("founder")
    else:
        epochs = versions.select("founder", "received_at").unique().sort("founder", "received_at")
    is_last = pl.col("founder").ne_missing(pl.col("founder").shift(-1))
    return epochs.with_columns(next_at=pl.when(~is_last).then(pl.col("received_at").shift(-1)))


def to_periods(values: pl.DataFrame, epochs: pl.DataFrame) -> pl.DataFrame:
    """Join epochs in which a golden value stayed the same to periods.

    values: founder, received_at, field, value; epochs: from `all_epochs`. Returns founder,
    field, value, valid_from, valid_to (null while it holds).
    """
    laid = values.join(epochs, on=["founder", "received_at"]).sort(
        "founder", "field", "received_at"
    )
    goes_on = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(before).shift())
        for name, before in {
            "founder": "founder",
            "field": "field",
            "value": "value",
            "received_at": "next_at",
        }.items()
    )
    return (
        laid.with_columns(period=(~goes_on).cum_sum())
        .group_by("period")
        .agg(
            pl.col("founder", "field", "value").first(),
            valid_from=pl.col("received_at").first(),
            valid_to=pl.col("next_at").last(),
        )
        .drop("period")
    )


def _in_force(versions: pl.DataFrame) -> pl.DataFrame:
    key = ["founder", "received_at", "record_number"]
    latest = versions
    if versions.select(key).is_unique().sum() < versions.height:
        latest = versions.sort("arrival").unique(key, keep="last", maintain_order=True)
    return latest.filter(~pl.col("is_withdrawn")).select(
        "founder", "received_at", "record_number", "arrival"
    )
