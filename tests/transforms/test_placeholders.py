"""What means missing is taken out, and test entries and spam are known."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from rules.feed import FIELDS
from tests.lookups import LOOKUPS, read_cases
from transforms.standardise.placeholders import (
    KINDS,
    blank_placeholders,
    is_spam,
    is_test_record,
)


@pytest.mark.parametrize("case", read_cases("placeholders"), ids=lambda case: case["why"])
def test_a_placeholder_is_missing_and_a_value_is_not(case: dict[str, Any]) -> None:
    frame = pl.DataFrame({case["field"]: [case["given"]]})

    answer = blank_placeholders(frame, frame.columns, LOOKUPS).item()

    assert answer == (None if case["is_missing"] else case["given"])


def test_only_the_columns_named_are_looked_at() -> None:
    frame = pl.DataFrame({"source_key": ["N/A"], "first_name": ["N/A"], "row_number": [1]})

    answer = blank_placeholders(frame, ["first_name", "row_number", "absent"], LOOKUPS)

    assert answer.rows() == [("N/A", None, 1)]


def test_every_kind_of_field_has_a_table_and_every_field_is_ours() -> None:
    assert set(KINDS.values()) | {"any"} == set(LOOKUPS.placeholders)
    assert set(KINDS) <= set(FIELDS)


@pytest.mark.parametrize(
    ("fields", "is_test"),
    [
        ({"first_name": "Test", "last_name": "Test"}, True),
        ({"first_name": "test", "last_name": "USER"}, True),
        ({"full_name": "Test User"}, True),
        ({"first_name": "Max", "last_name": "Testmann"}, True),
        ({"email": "test@test.com", "phone": "1234567890"}, True),
        ({"email": "test@test.com", "phone": "+44 7700 900123"}, False),
        ({"email": "ann@mail.example", "phone": "1234567890"}, False),
        ({"first_name": "QA", "last_name": "Test User"}, True),
        ({"full_name": "demo test-account"}, True),
        ({"full_name": "User Kunde"}, False),
        ({"full_name": "Anna Test User"}, False),
        ({"first_name": "Anna", "last_name": "Test"}, False),
        ({"first_name": "Tess", "last_name": "Tester"}, False),
        ({"first_name": None, "last_name": None}, False),
    ],
)
def test_a_record_is_a_test_if_its_name_or_all_its_contacts_say_so(
    fields: dict[str, str | None], is_test: bool
) -> None:
    frame = pl.DataFrame(
        {name: pl.Series([text], dtype=pl.String) for name, text in fields.items()}
    )

    answer = is_test_record(frame, LOOKUPS)

    assert answer.to_list() == [is_test]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("http://prize.example/win", True),
        ("see www.prize.example", True),
        ("Win now prize.com", True),
        ("<a href='x'>Ann</a>", True),
        ("[url=x]Ann[/url]", True),
        ("Ann", False),
        ("St. John", False),
        ("St.John", False),
        ("J.R.R.", False),
        ("Ann & Bob <3", False),
        (None, False),
    ],
)
def test_a_name_with_a_link_or_markup_is_spam(name: str | None, expected: bool) -> None:
    frame = pl.DataFrame({"first_name": pl.Series([name], dtype=pl.String), "email": ["http://x"]})

    assert is_spam(frame).to_list() == [expected]


@given(st.lists(st.tuples(*[st.one_of(st.none(), st.text(max_size=12))] * 3), min_size=1))
@settings(deadline=None)
def test_blanking_twice_changes_nothing(rows: list[Any]) -> None:
    columns = ("first_name", "phone", "email")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    once = blank_placeholders(frame, columns, LOOKUPS)

    twice = blank_placeholders(once, columns, LOOKUPS)

    assert_frame_equal(twice, once)
