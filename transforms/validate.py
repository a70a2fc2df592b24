"""Part good records from those that a person must look at, with all reasons for each."""

from typing import NamedTuple

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors


class BrokenCheckError(Exception):
    """A fault of ours: a column is missing or a check itself failed. Nobody is quarantined."""


class Verdict(NamedTuple):
    """A batch in two parts. Every record is in exactly one of them."""

    passed: pl.DataFrame
    quarantined: pl.DataFrame
    """The records that failed, with `reasons`: the names of the checks."""


def validate(records: pl.DataFrame, schema: pa.DataFrameSchema) -> Verdict:
    """Run all checks of `schema` at once."""
    try:
        schema.validate(records, lazy=True)
    except SchemaErrors as errors:
        failed = _failed(errors, records.height)
    else:
        failed = {}
    is_bad = pl.Series([False]).new_from_index(0, records.height)
    for mask in failed.values():
        is_bad |= mask.fill_null(value=False)
    reasons = pl.concat_list(
        [pl.when(mask.filter(is_bad)).then(pl.lit(name)) for name, mask in failed.items()]
        or [pl.lit(None, pl.String)]
    )
    bad = records.filter(is_bad).with_columns(reasons=reasons.list.drop_nulls())
    return Verdict(records.filter(~is_bad) if bad.height else records, bad)


def is_active(records: pl.DataFrame) -> pl.Series:
    """Whether each record has a name and a valid contact point; a source it has always."""
    name = pl.any_horizontal(
        pl.col(field).is_not_null() for field in ("first_name", "last_name", "company")
    )
    contact = pl.any_horizontal(
        pl.col(field).is_not_null() for field in ("email", "email_2", "phone", "phone_2")
    )
    return records.select(is_active=name & contact).to_series()


def _failed(errors: SchemaErrors, height: int) -> dict[str, pl.Series]:
    """For each failed check which records failed it.

    The full-length answer of a check is used, since pandera's failure cases name no row where
    a column is missing, which would pass everybody.
    """
    failed = {}
    for error in errors.schema_errors:
        output = error.check_output
        if output is None or output.height != height:
            raise BrokenCheckError(f"{error.reason_code} in {error.schema.name}: {error.check}")
        name = error.check if isinstance(error.check, str) else error.check.name
        failed[name] = ~output["check_output"]
    return failed
