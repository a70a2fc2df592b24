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


def publishable(fields: list[str]) -> pl.Expr:
    """Whether a golden record may stand as a customer: it has a name and a contact point."""
    names = [field for field in ("last_name", "first_name", "company") if field in fields]
    contacts = [field for field in ("email", "phone") if field in fields]
    return pl.any_horizontal(pl.col(name).is_not_null() for name in names) & pl.any_horizontal(
        pl.col(contact).is_not_null() for contact in contacts
    )
