"""Lay the lineage on its side: one row per customer and epoch, a column per golden field."""

import numpy as np
import polars as pl


def to_wide(lineage: dict[str, pl.DataFrame], group_count: int) -> pl.DataFrame:
    """Turn lineage frames into `group`, and per field its value, `_record` and `_by`.

    Groups are numbered from 0, so each value is put at its place rather than joined there.
    """
    columns: list[pl.Series] = [pl.int_range(group_count, eager=True).alias("group")]
    for field, found in lineage.items():
        place = np.full(group_count, -1, dtype=np.int64)
        place[found["group"].to_numpy()] = np.arange(found.height)
        rows = pl.Series(place).replace(-1, None)
        columns += [
            found["value"].gather(rows).alias(field),
            found["record_number"].gather(rows).alias(f"{field}_record"),
            found["decided_by"].gather(rows).alias(f"{field}_by"),
        ]
    return pl.DataFrame(columns)


def to_sparse(wide: pl.DataFrame, fields: list[str]) -> pl.DataFrame:
    """Leave out what most customers share; where nothing is left, the customer `is_plain`.

    `record` is the record of the first value that no steward chose. Null then means: as `record` in
    `_record`, where 0 is no record; `only_value` in `_by`; as `changed_at` in `_since`.
    """
    record = pl.coalesce(
        pl.when(pl.col(f"{field}_by") != "steward").then(f"{field}_record") for field in fields
    )
    columns = [record.alias("record")]
    for field in fields:
        has_none = pl.col(field).is_not_null() & pl.col(f"{field}_record").is_null()
        own = pl.when(has_none).then(0).otherwise(f"{field}_record")
        by = pl.col(f"{field}_by")
        columns += [
            pl.when(own != record).then(own).alias(f"{field}_record"),
            pl.when(by != "only_value").then(by).alias(f"{field}_by"),
        ]
        if f"{field}_since" in wide.columns:
            since = pl.col(f"{field}_since")
            columns.append(pl.when(since != pl.col("changed_at")).then(since).name.keep())
    sparse = wide.with_columns(columns)
    noted = [
        name
        for field in fields
        for name in (f"{field}_record", f"{field}_by", f"{field}_since")
        if name in wide.columns
    ]
    return sparse.with_columns(is_plain=pl.all_horizontal(pl.col(noted).is_null()))


def publishable(fields: list[str]) -> pl.Expr:
    """Whether a golden record may stand as a customer: it has a name and a contact point."""
    names = [field for field in ("last_name", "first_name", "company") if field in fields]
    contacts = [field for field in ("email", "phone") if field in fields]
    return pl.any_horizontal(pl.col(name).is_not_null() for name in names) & pl.any_horizontal(
        pl.col(contact).is_not_null() for contact in contacts
    )
