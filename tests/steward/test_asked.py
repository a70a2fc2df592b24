"""A record that a program asks about is read by the line's own rules, whoever asks beside it."""

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from steward.api.reading import ASKED, FIELDS, standardised
from tests.lookups import LOOKUPS
from transforms.standardise.contact_keys import phone_keys
from transforms.standardise.emails import verify_emails
from transforms.standardise.phones import verify_phones
from transforms.standardise.records import move_up, standardise_texts

VALUES = {
    "full_name": ["Dr. GROSSMANN, Anna", "anna von der heide", "Bob & Ann Lee", "N/A"],
    "title": ["mr", "Prof. Dr."],
    "first_name": ["ANNA", "Zoë (Zo)", "J D", "test"],
    "last_name": ["O'BRIEN", "mcdonald", "Smith Jr.", "Siemens AG"],
    "company": ["ACME gmbh", "-"],
    "email": ["Ann <ANN@Web.de>", "a@b.org; c@d.org", "x@localhost", "no address", "ñ@müller.de"],
    "email_2": ["bo@post.org", "ann@web.de"],
    "phone": ["+44 7911 123401", "030 1234567", "12", "4.47E+11", "020 7946 0018 or 07911 123401"],
    "phone_2": ["07911 123401", "no phone"],
    "address": ["10 DOWNING STREET FLAT 4", "Hauptstraße 12a", "Lee House, 5-7 High St, Leeds"],
    "city": ["LONDON", "Bad Homburg v.d.H."],
    "region": ["ca"],
    "postcode": ["sw1a2aa", "D-10115"],
    "country": ["United Kingdom", "DE", "Narnia"],
    "birth_date": ["1980-02-28", "01/02/1980", "1980-02-30", "28.2.80"],
}
RECORD = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in VALUES.items()}
).filter(bool)


def as_the_line_reads(records: list[dict[str, str]]) -> pl.DataFrame:
    """What the stages standardise and verify make of deliveries with all columns."""
    number = pl.int_range(pl.len(), dtype=pl.Int64) + 7
    rows: list[dict[str, Any]] = [{name: said.get(name) for name in FIELDS} for said in records]
    versions = pl.DataFrame(rows, schema=dict.fromkeys(FIELDS, pl.String)).with_columns(
        arrival=number,
        record_number=number,
        received_at=pl.datetime(2026, 1, 1, time_zone="UTC"),
        source=pl.lit(ASKED.source),
    )
    read = standardise_texts(versions, ASKED, LOOKUPS)
    for name in ("phone", "phone_2"):
        found = verify_phones(read.select(raw=pl.col(name), region="region_hint"))
        key = found.with_columns(raw=read[name]).select(phone_keys()).to_series()
        read = read.with_columns(found["value"].alias(name), key.alias(f"{name}_key"))
    for name in ("email", "email_2"):
        found = verify_emails(read.select(raw=pl.col(name)))
        read = read.with_columns(found["value"].alias(name))
    return move_up(read)


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORD, min_size=1, max_size=5))
def test_a_record_is_read_as_the_line_reads_it(records: list[dict[str, str]]) -> None:
    aside = ("received_at", "region_hint")  # the hint says how to read a number, and has done so
    assert_frame_equal(
        standardised(records, 7, LOOKUPS).drop(aside),
        as_the_line_reads(records).drop(aside),
        check_column_order=False,
    )
