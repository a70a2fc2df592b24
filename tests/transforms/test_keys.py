"""Records are compared by keys that follow from their values and the lookups alone."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.lookups import LOOKUPS
from transforms.standardise import keys
from transforms.standardise.keys import KEYS, MADE_OF, record_keys

RECORDS = pl.DataFrame(
    [
        {
            "first_name": "Bob",
            "last_name": "van der Berg",
            "company": "Müller & Co",
            "email": "bob@x@example.org",
            "email_2": "bob+shop@example.org",
            "address": "10 High Street",
            "city": "Saint Albans",
            "postcode": "AL1 1AA",
            "country": "GB",
        },
        {"first_name": "Zoë"},
        {},
    ],
    schema=dict.fromkeys(MADE_OF, pl.String),
)


def test_a_record_has_every_key_that_its_values_give() -> None:
    row = record_keys(RECORDS, LOOKUPS).select(KEYS).row(0, named=True)

    assert {name for name, key in row.items() if key is None} == {"middle_key"}
    assert (row["first_root"], row["last_key"]) == ("robert", "vanderberg")
    assert (row["address_key"], row["house_number"]) == ("10 high st", "10")
    assert (row["company_key"], row["postcode_key"]) == ("muller", "al11aa")
    assert (row["email_local"], row["email_domain"]) == ("bob@x", "example.org")
    assert row["email_2_key"] == "bob@example.org"


def test_a_record_without_values_has_no_key() -> None:
    assert set(record_keys(RECORDS, LOOKUPS).select(KEYS).row(2)) == {None}


def test_keys_do_not_depend_on_which_records_come_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = record_keys(RECORDS, LOOKUPS)
    monkeypatch.setattr(keys, "_TOGETHER", 1)

    assert_frame_equal(record_keys(RECORDS, LOOKUPS), together)


def test_no_records_have_all_columns() -> None:
    assert record_keys(RECORDS.clear(), LOOKUPS).columns == record_keys(RECORDS, LOOKUPS).columns
