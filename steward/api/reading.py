"""Read a record that a program asks about as the line would read it, and keep nothing of it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from rules.feed import Feed, ReadRule
from rules.lookups import Lookups
from transforms.standardise import emails, phones
from transforms.standardise.contact_keys import phone_keys
from transforms.standardise.fold import is_blank
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
    "person_number",
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
    given = [name for name in FIELDS if any(record.get(name) for record in asked)]
    numbers = pl.Series(range(first, first + len(asked)), dtype=pl.Int64)
    versions = pl.DataFrame(
        {
            "arrival": numbers,
            "record_number": numbers,
            "received_at": [datetime.now(UTC)] * len(asked),
            "source": [ASKED.source] * len(asked),
        }
        | {name: [record.get(name) or None for record in asked] for name in given}
    )
    records = standardise_texts(versions, ASKED, lookups)
    mailed = {name: _emails(records[name]) for name in ("email", "email_2")}
    return move_up(records.with_columns(**mailed, **_phones(records)))


def _emails(texts: pl.Series) -> pl.Series:
    """The addresses that are valid; so few are asked of the library one by one."""
    if is_blank(texts):
        return texts
    bare = texts.to_frame().select(emails.bare_address(pl.col(texts.name))).to_series()
    values = [emails.ask_library(text).value if text is not None else None for text in bare]
    return pl.Series(texts.name, values, dtype=pl.String)


def _phones(records: pl.DataFrame) -> dict[str, pl.Series]:
    """The numbers that are valid, and the keys of all."""
    columns = {}
    for name in ("phone", "phone_2"):
        texts = records[name]
        if is_blank(texts):
            columns[f"{name}_key"] = texts
            continue
        verdicts = [
            phones.ask_library(raw, region) if raw is not None else None
            for raw, region in zip(texts, records["region_hint"], strict=True)
        ]
        said = {
            part: pl.Series([getattr(verdict, part, None) for verdict in verdicts], dtype=pl.String)
            for part in ("value", "reason")
        }
        columns[name] = said["value"]
        columns[f"{name}_key"] = (
            pl.DataFrame({"raw": texts, **said}).select(phone_keys()).to_series()
        )
    return columns
