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
    no_fields = pl.lit([], pl.List(pl.String))
    new = (
        after.join(before, on="founder", how="anti")
        .select("founder")
        .join(to, on="founder", how="left")
    )
    gone = (
        before.join(after, on="founder", how="anti")
        .select("founder")
        .join(to, on="founder", how="left")
    )
    is_split = pl.col("out_of").is_not_null() & (pl.col("out_of") != pl.col("founder"))
    is_merged = pl.col("into").is_not_null() & (pl.col("into") != pl.col("founder"))
    parts = [
        new.select(
            "founder",
            change=pl.when(is_split).then(pl.lit("split")).otherwise(pl.lit("created")),
            fields=no_fields,
            other_founder=pl.when(is_split).then("out_of"),
        ),
        gone.select(
            "founder",
            change=pl.when(is_merged).then(pl.lit("merged")).otherwise(pl.lit("withdrawn")),
            fields=no_fields,
            other_founder=pl.when(is_merged).then("into"),
        ),
    ]
    if not before.is_empty():
        parts.append(_differing(before, after, fields))
    return pl.concat(part.cast(pl.Schema(SCHEMA)) for part in parts).sort("founder")


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
