"""Gather the contact points of each customer: every one is kept, one of each kind is primary."""

import polars as pl

KINDS = {"email": ("email", "email_2"), "phone": ("phone", "phone_2")}
"""The columns of a record that hold contact points, by kind."""


def gather_contacts(records: pl.DataFrame) -> pl.DataFrame:
    """Find the distinct contact points of each customer.

    records: one row per record: founder, received_at (when the record's version arrived) and the
    contact columns. Returns founder, kind, value, record_count, first_seen_at.
    """
    found = [
        records.filter(
            pl.col(column).is_not_null(), *_is_new(column, columns[:place], records)
        ).select("founder", "received_at", kind=pl.lit(kind), value=pl.col(column))
        for kind, columns in KINDS.items()
        for place, column in enumerate(columns)
        if column in records.columns
    ]
    points = pl.concat(found)
    shared = pl.len().over("founder") > 1
    again = points.filter(shared)
    return pl.concat(
        [
            points.filter(~shared).select(
                "founder",
                "kind",
                "value",
                record_count=pl.lit(1, pl.UInt32),
                first_seen_at="received_at",
            ),
            again.group_by("founder", "kind", "value").agg(
                record_count=pl.len(),
                first_seen_at=pl.col("received_at").min(),
            ),
        ]
    )


def _is_new(column: str, before: tuple[str, ...], records: pl.DataFrame) -> list[pl.Expr]:
    """That the record does not say the same in a column before."""
    known = [name for name in before if name in records.columns]
    return [pl.col(column).ne_missing(pl.col(name)) for name in known]
