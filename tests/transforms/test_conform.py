"""Theirs become ours; a column that is neither mapped nor ignored is found."""

import polars as pl
import pytest

from rules.feed import Feed
from transforms.conform import conform, find_drift, misshapen


def feed(file_format: str = "csv", **more: object) -> Feed:
    return Feed.model_validate(
        {
            "source": "acme",
            "title": "Acme",
            "channel": "partner_feed",
            "owner": "acme@example.com",
            "trust": 50,
            "read": {"format": file_format, "path": "acme/*"},
            "columns": {"Mobile": "phone", "Tel": "phone", "Mail": "email"},
            "ignore": {"Points": "not customer data", "utm_*": "advertising"},
            **more,
        }
    )


@pytest.mark.parametrize(
    ("columns", "unknown", "missing"),
    [
        (["Mobile", "Tel", "Mail", "Points"], [], []),
        (["Mobile", "Tel", "Mail", "Points", "utm_source"], [], []),
        (["Mobile", "Tel", "E-Mail", "Points"], ["E-Mail"], ["Mail"]),
        (["Mobile", "Tel", "Mail"], [], ["Points"]),
        (["mobile", "Tel", "Mail", "Points"], ["mobile"], ["Mobile"]),
    ],
)
def test_drift_names_what_is_new_and_what_is_gone(
    columns: list[str], unknown: list[str], missing: list[str]
) -> None:
    assert find_drift(columns, feed()) == (unknown, missing)


def test_an_optional_column_may_be_missing() -> None:
    assert find_drift(["Mobile", "Tel", "Mail"], feed(optional=["Points"])).missing == []


def test_a_nested_record_may_lack_fields_but_not_all_of_them() -> None:
    assert find_drift(["Mail"], feed("ndjson")) == ([], [])
    assert find_drift(["Points"], feed("ndjson")).missing == ["Mail", "Mobile", "Tel"]


def test_a_row_nests_as_agreed_spoils_its_row_alone() -> None:
    partner = feed("ndjson", columns={"who.mail": "email", "Tel": "phone"})
    rows = pl.DataFrame({"row_number": [1, 2], "who": ["x", None], "who.mail": [None, "a@b.org"]})

    assert find_drift(rows.columns[1:], partner).unknown == []
    assert misshapen(rows, partner).to_list() == [1]
    assert misshapen(rows.drop("who"), partner).to_list() == []
    assert find_drift(["who", "Tel"], feed(columns={"who.mail": "email"})).unknown == ["who", "Tel"]


def test_an_object_in_the_place_of_a_plain_value_spoils_its_row_alone() -> None:
    partner = feed("ndjson", columns={"mail": "email", "Tel": "phone"})
    rows = pl.DataFrame({"row_number": [1, 2], "mail": ["a@b.org", None], "mail.of": [None, "x"]})

    assert find_drift(rows.columns[1:], partner).unknown == []
    assert misshapen(rows, partner).to_list() == [2]
    assert find_drift(["mail.of", "Tel"], partner).unknown == ["mail.of"]


def test_a_key_of_nothing_but_space_is_none() -> None:
    rows = pl.DataFrame({"row_number": [2, 3], "No": [" \t", " 7"], "Mail": ["a@b.org", "c@d.org"]})

    found = conform(rows, feed(columns={"No": "source_key", "Mail": "email"}))

    assert found["source_key"].to_list() == [None, " 7"]


def test_the_first_of_several_that_is_not_missing_wins() -> None:
    rows = pl.DataFrame(
        {"row_number": [2, 3, 4], "Tel": ["1", "2", None], "Mobile": [None, "3", None]},
        schema_overrides={"Mobile": pl.String},
    ).with_columns(Mail=pl.lit("a@b.org"))

    found = conform(rows, feed(constants={"country": "GB", "email": "never@used.org"}))

    assert found.columns == ["row_number", "phone", "email", "country"]
    assert found["phone"].to_list() == ["1", "3", None]
    assert found["email"].unique().to_list() == ["a@b.org"]
