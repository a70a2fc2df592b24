"""Read a record that a program asks about as the line would read it, and keep nothing of it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from rules.feed import Feed, ReadRule
from rules.lookups import Lookups
from transforms.standardise import emails, phones
from transforms.standardise.contact_keys import phone_keys
from transforms.standardise.records import move_up, standardise_texts

FIELDS = (
    "full_name",
    "title",
    "first_name",
    "middle_name",
    "last_name",
    "suffix",
    "company",
    "email",
    "email_2",
    "phone",
    "phone_2",
    "address",
    "city",
    "region",
    "postcode",
    "country",
    "birth_date",
)
"""What may be said of the record; dates as 1980-02-28."""

ASKED = Feed(
    source="asked",
    title="Asked by a program",
    channel="direct_entry",
    owner="api",
    trust=0,
    read=ReadRule(format="ndjson", path="*"),
    columns={name: name for name in FIELDS},
)
"""The records that are asked about are read as a feed would be that names our fields."""


def standardised(asked: Sequence[dict[str, str]], first: int, lookups: Lookups) -> pl.DataFrame:
    """The records as `std.records` would hold them, numbered from `first` on."""
    rows = [{name: record.get(name) or None for name in FIELDS} for record in asked]
    number = pl.int_range(pl.len(), dtype=pl.Int64) + first
    versions = pl.DataFrame(rows, schema=dict.fromkeys(FIELDS, pl.String)).with_columns(
        arrival=number,
        record_number=number,
        received_at=pl.lit(datetime.now(UTC)),
        source=pl.lit(ASKED.source),
    )
    records = standardise_texts(versions, ASKED, lookups)
    for name in ("phone", "phone_2"):
        found = phones.verify_phones(records.select(raw=pl.col(name), region="region_hint"))
        key = found.with_columns(raw=records[name]).select(phone_keys()).to_series()
        records = records.with_columns(found["value"].alias(name), key.alias(f"{name}_key"))
    for name in ("email", "email_2"):
        found = emails.verify_emails(records.select(raw=pl.col(name)))
        records = records.with_columns(found["value"].alias(name))
    return move_up(records)
