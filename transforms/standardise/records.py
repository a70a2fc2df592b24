"""Standardise whole records of one feed: names, dates, places, consents; contacts come after."""

from functools import cache

import polars as pl

from rules.feed import Feed
from rules.lookups import Lookups
from transforms.standardise.addresses import standardise_addresses
from transforms.standardise.contact_lists import split_contacts
from transforms.standardise.dates import parse_birth_dates, parse_moment
from transforms.standardise.fold import cleaned, on_distinct
from transforms.standardise.names import standardise_names
from transforms.standardise.person_numbers import person_numbers
from transforms.standardise.placeholders import blank_placeholders, is_spam, is_test_record
from transforms.standardise.regions import with_regions

TEXTS = (
    "title",
    "first_name",
    "middle_name",
    "last_name",
    "suffix",
    "company",
    "job_title",
    "email",
    "email_2",
    "phone",
    "phone_2",
    "address",
    "city",
    "region",
    "postcode",
    "country",
    "person_number",
    "gender",
    "language",
    "consent_email",
    "consent_phone",
    "consent_post",
    "campaign",
)
"""Text columns that every standardised record has, missing or not."""


def standardise_texts(rows: pl.DataFrame, feed: Feed, lookups: Lookups) -> pl.DataFrame:
    """Turn rows of text (arrival, record_number, received_at, source, our columns) into values.

    Phones and e-mails stay as delivered, but for a plus that a number lacks, with `region_hint`
    beside them: the country to read a phone number by.
    """
    flags = rows.select("arrival", is_test=is_test_record(rows, lookups), has_link=is_spam(rows))
    rows = split_contacts(rows)
    texts = [
        name
        for name, kind in rows.schema.items()
        if kind == pl.String and name not in {"source", "source_key", "note"}
    ]
    records = blank_placeholders(rows, texts, lookups)
    records = standardise_names(
        records, feed.parse.name_order, lookups, given_names=feed.parse.given_names
    )
    if "full_name" in texts:  # of "Baker, N/A" the first name is missing
        records = blank_placeholders(records, ("first_name", "last_name"), lookups)
    records = _with_birth_dates(records, feed.parse.birth_date, lookups)
    records = standardise_addresses(records, feed.parse.address_parts, lookups, feed.parse.region)
    records = _with_plain_fields(records, feed)
    records = with_regions(records, feed.parse.region, lookups)
    return _in_shape(records.join(flags, on="arrival", maintain_order="left"))


def move_up(records: pl.DataFrame) -> pl.DataFrame:
    """A second contact point takes the first place where the first is missing or the same."""
    columns = {}
    pairs = [("phone", "phone_2"), ("email", "email_2")]
    if "phone_key" in records.columns:
        pairs.append(("phone_key", "phone_2_key"))
    for first, second in pairs:
        columns[first] = pl.coalesce(first, second)
        is_other = pl.col(first).is_not_null() & (pl.col(first) != pl.col(second))
        columns[second] = pl.when(is_other).then(second)
    return records.with_columns(**columns)


def _with_birth_dates(records: pl.DataFrame, formats: str, lookups: Lookups) -> pl.DataFrame:
    """Read the dates of birth of each day's deliveries as of that day."""
    days = records.group_by(pl.col("received_at").dt.date().alias("day"), maintain_order=True)
    read = [parse_birth_dates(some, formats, day, lookups) for (day,), some in days]
    return read[0] if len(read) == 1 else pl.concat(read).sort("arrival")


def _with_plain_fields(records: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    parse = feed.parse
    columns: dict[str, pl.Expr | pl.Series] = {}
    for name in ("consent_email", "consent_phone", "consent_post"):
        if name in records.columns:
            said = pl.col(name).str.strip_chars().str.to_lowercase()
            columns[name] = (
                pl.when(said.is_in(parse.true_values))
                .then(pl.lit("true"))
                .when(said.is_in(parse.false_values))
                .then(pl.lit("false"))
            )
    for name in ("job_title", "gender", "language", "campaign"):
        if name in records.columns:
            columns[name] = cleaned(records[name])
    if "person_number" in records.columns:
        columns["person_number"] = person_numbers(records["person_number"], parse.person_number)
    if feed.campaign:
        campaign = columns.get("campaign", pl.lit(None, pl.String))
        columns["campaign"] = pl.coalesce(campaign, pl.lit(feed.campaign))
    if "updated_at" in records.columns:
        columns["updated_at"] = on_distinct(
            records["updated_at"],
            lambda some: some.to_frame().select(parse_moment(pl.col(some.name), parse.updated_at)),
        ).to_series()
    return records.with_columns(**columns)


@cache
def _none(name: str, kind: pl.DataType) -> pl.Expr:
    return pl.lit(None, kind).alias(name)


def _in_shape(records: pl.DataFrame) -> pl.DataFrame:
    """Every record has the same columns, in the same order."""
    have = records.schema
    kinds = {name: pl.String() for name in TEXTS} | {
        "birth_date": pl.Date(),
        "updated_at": pl.Datetime("us", "UTC"),
    }
    columns = [
        name
        if have.get(name) == kind
        else pl.col(name).cast(kind)
        if name in have
        else _none(name, kind)
        for name, kind in kinds.items()
    ]
    return records.select(
        "arrival",
        "record_number",
        "source",
        "received_at",
        "is_test",
        "has_link",
        "region_hint",
        *columns,
    )
