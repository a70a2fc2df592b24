"""Addresses are shown as their country writes them, and given keys to compare by."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.lookups import LOOKUPS, read_cases
from transforms.standardise.addresses import PLACES, address_keys, standardise_addresses


def standardised(
    given: dict[str, str], parts: tuple[str, ...] = (), region: str | None = None
) -> dict[str, Any]:
    frame = pl.DataFrame({name: [text] for name, text in given.items()})
    shown = standardise_addresses(frame, parts, LOOKUPS, region)
    return address_keys(shown, LOOKUPS).row(0, named=True)


@pytest.mark.parametrize("case", read_cases("addresses"), ids=lambda case: case["why"])
def test_an_address_is_standardised(case: dict[str, Any]) -> None:
    answer = standardised(case["given"], tuple(case.get("parts", ())))

    assert {name: answer[name] for name in case["expect"]} == case["expect"]
    assert [name for name in case.get("absent", ()) if answer[name] is not None] == []


@pytest.mark.parametrize("case", read_cases("countries"), ids=lambda case: case["why"])
def test_a_country_is_known_by_its_names(case: dict[str, str]) -> None:
    answer = standardised({"country": case["given"]})

    assert answer["country"] == case.get("expect")
    assert answer["country_reason"] == (None if "expect" in case else "unknown_country")


def test_the_country_of_the_feed_is_for_records_that_name_none() -> None:
    assert standardised({"city": "Bonn"}, region="DE")["country"] == "DE"
    assert standardised({"country": "France"}, region="DE")["country"] == "FR"
    assert standardised({"country": "Ruritania"}, region="DE")["country"] is None


def test_the_country_of_the_feed_says_how_postcodes_are_written() -> None:
    answer = standardised({"postcode": "sw1a1aa"}, region="GB")

    assert answer["postcode"] == "SW1A 1AA"


def test_a_part_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError, match="town"):
        standardised({"address": "a, b"}, ("line1", "town", "postcode"))


def test_all_columns_come_out_whatever_came_in() -> None:
    frame = pl.DataFrame({"row_number": [1], "address_line1": ["10 High Street"]})

    answer = standardise_addresses(frame, (), LOOKUPS)

    assert answer.columns[0] == "row_number"
    assert set(answer.columns[1:]) == {*PLACES, "country_reason"}


@pytest.mark.parametrize("country", sorted(LOOKUPS.postcodes))
def test_a_postcode_form_can_be_read_by_its_own_pattern(country: str) -> None:
    samples = {"GB": "SW1A1AA", "IE": "D02X285", "CA": "K1A0B1", "NL": "1017GK"}
    lengths = {"BR": 8, "JP": 7, "PT": 7, "IN": 6, "SG": 6}
    four = {"AT", "CH", "BE", "LU", "DK", "NO", "AU", "NZ", "ZA", "HU"}
    length = lengths.get(country, 4 if country in four else 5)
    postcode = samples.get(country, "123456789"[:length])

    shown = standardised({"postcode": postcode, "country": country})
    again = standardised({"postcode": shown["postcode"], "country": country})

    assert again["postcode"] == shown["postcode"]
    assert shown["postcode_key"] == postcode.lower()


def test_every_short_form_of_a_street_word_stays_as_it_is() -> None:
    words = LOOKUPS.street_words

    assert {short for short in words.values() if words.get(short, short) != short} == set()


WORDS = st.sampled_from(
    [
        *(
            "10",
            "12a",
            "5",
            "High",
            "STREET",
            "Hauptstraße",
            "St.",
            "Flat",
            "2",
            "Apt",
            ",",
            ",",
            "-",
        ),
        *(
            "London",
            "SW1A 1AA",
            "10115",
            "nº",
            "PO",
            "BOX",
            "the",
            "upon",
            "Saint",
            "#",
            "ß",
            "'s",
            "N",
        ),
    ]
)
TEXTS = st.one_of(st.none(), st.lists(WORDS, max_size=7).map(" ".join), st.text(max_size=10))
COUNTRIES = st.sampled_from([None, "GB", "Deutschland", "US", "NL", "Ruritania", "PT"])
PARTS = st.sampled_from(
    [(), ("line1", "city", "postcode"), ("line1", "line2", "city"), ("line1", "postcode city")]
)


@given(
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, COUNTRIES), min_size=1, max_size=8),
    PARTS,
    st.sampled_from([None, "GB"]),
)
@settings(deadline=None, max_examples=40)
def test_standardising_addresses_twice_changes_nothing(
    rows: list[Any], parts: tuple[str, ...], region: str | None
) -> None:
    columns = ("address", "address_line1", "city", "region", "postcode", "country")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    once = standardise_addresses(frame, parts, LOOKUPS, region)

    twice = standardise_addresses(once, parts, LOOKUPS, region)

    assert_frame_equal(twice, once)
