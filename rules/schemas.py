"""Say what a good record looks like, as pandera checks.

Each check hangs on one column, also where it looks at several: a check of the whole frame would
put the record itself into the error. A check's name is a true sentence about a good record and
is the reason that a steward reads in quarantine.
"""

import pandera.polars as pa
import polars as pl
from pandera.polars import PolarsData

KNOWN_BY = ("first_name", "last_name", "email", "email_2", "phone", "phone_2")
"""What can tell who a record is about; the name of a company alone tells nobody."""


def _has_a_name_or_contact(data: PolarsData) -> pl.LazyFrame:
    known = pl.any_horizontal(pl.col(name).is_not_null() for name in KNOWN_BY)
    return data.lazyframe.select(known)


def _is_false(data: PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(~pl.col(data.key))


RECORD = pa.DataFrameSchema(
    {
        "arrival": pa.Column(
            pl.Int64,
            pa.Check(_has_a_name_or_contact, name="record_has_a_name_or_contact"),
        ),
        "record_number": pa.Column(pl.Int64),
        "is_test": pa.Column(pl.Boolean, pa.Check(_is_false, name="record_is_not_a_test")),
        "has_link": pa.Column(pl.Boolean, pa.Check(_is_false, name="name_has_no_link")),
        "birth_date": pa.Column(pl.Date, nullable=True),
        **{name: pa.Column(pl.String, nullable=True) for name in (*KNOWN_BY, "company")},
    },
    name="record",
)
"""A standardised record; columns beyond these are let through."""

CHECKS = tuple(check.name or "" for column in RECORD.columns.values() for check in column.checks)
"""The names of all checks, in the order in which a steward reads them."""
