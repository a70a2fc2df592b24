"""Say what became of each customer in a run: the feed that downstream systems consume."""

import polars as pl

SCHEMA: dict[str, pl.DataType] = {
    "founder": pl.Int64(),
    "change": pl.String(),
    "fields": pl.List(pl.String),
    "other_founder": pl.Int64(),
}


def describe_changes(
    before: pl.DataFrame, after: pl.DataFrame, moves: pl.DataFrame, fields: list[str]
) -> pl.DataFrame:
    """Compare golden values before and after a run.

    before, after: founder and one text column per golden field, though these are not looked at
    where there is nothing before; moves: record_number,
    old_founder, founder of records that changed customer. Returns founder, change (`created`,
    `changed`, `merged`, `split`, `withdrawn`), fields (those that differ), other_founder (what it
    was merged into or split from).
    """
    to = moves.filter(pl.col("old_founder").is_not_null()).select(
        founder="record_number", into="founder", out_of="old_founder"
    )
    parts = [
        _only_in(after, before, to, other="out_of", moved="split", else_="created"),
        _only_in(before, after, to, other="into", moved="merged", else_="withdrawn"),
    ]
    if not before.is_empty():
        parts.append(_differing(before, after, fields))
    return pl.concat(part.cast(pl.Schema(SCHEMA)) for part in parts).sort("founder")


def _only_in(
    these: pl.DataFrame,
    those: pl.DataFrame,
    to: pl.DataFrame,
    *,
    other: str,
    moved: str,
    else_: str,
) -> pl.DataFrame:
    """Customers of `these` and not of `those`: `moved` where their founder has an `other`."""
    has_moved = pl.col(other).is_not_null() & (pl.col(other) != pl.col("founder"))
    return (
        these.join(those, on="founder", how="anti")
        .select("founder")
        .join(to, on="founder", how="left")
        .select(
            "founder",
            change=pl.when(has_moved).then(pl.lit(moved)).otherwise(pl.lit(else_)),
            fields=pl.lit([], pl.List(pl.String)),
            other_founder=pl.when(has_moved).then(other),
        )
    )


def _differing(before: pl.DataFrame, after: pl.DataFrame, fields: list[str]) -> pl.DataFrame:
    both = after.join(before, on="founder", suffix="_before")
    names = [
        pl.when(pl.col(field).ne_missing(pl.col(f"{field}_before"))).then(pl.lit(field))
        for field in fields
    ]
    return both.select(
        "founder",
        change=pl.lit("changed"),
        fields=pl.concat_list(names).list.drop_nulls(),
        other_founder=pl.lit(None, pl.Int64),
    ).filter(pl.col("fields").list.len() > 0)
