"""Profiles of unknown columns, and the draft of a feed that they make."""

import tomllib
from pathlib import Path

import polars as pl
import pytest

from rules.feed import FIELDS, Feed, ReadRule
from transforms.draft import draft_feed, suggest_mapping
from transforms.profile import ColumnProfile, profile_rows

SYNONYMS = tomllib.loads(Path("rules/lookups/column_names.toml").read_text("utf-8"))
CASES = tomllib.loads(Path("tests/cases/column_kinds.toml").read_text("utf-8"))["case"]
COUNTRIES = {"de", "gb", "germany", "deutschland", "united kingdom"}


def profile(name: str, values: list[str | None]) -> ColumnProfile:
    rows = pl.DataFrame({"row_number": range(len(values)), name: values})
    return profile_rows(rows, COUNTRIES)[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_a_column_is_known_by_what_it_holds(case):
    seen = profile("x", case["given"])

    answer = {"kind": seen.kind}
    if seen.date_format:
        answer |= {"format": seen.date_format, "is_ambiguous": seen.is_ambiguous}
    assert answer == case["expect"]


def test_shares_tell_how_full_and_how_varied_a_column_is():
    seen = profile("x", ["a", "a", " ", None, "b"])

    assert seen.filled_share == pytest.approx(3 / 5)
    assert seen.distinct_share == pytest.approx(2 / 3)


def test_examples_show_the_shape_of_a_value_and_never_the_value():
    seen = profile("x", ["Ann-Ida Weiß <ann@x.org> 0171", "李小龍"])

    assert seen.examples == ("Xxx-Xxx Xxxx <xxx@x.xxx> 9999", "xxx")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("E-Mail", "email"),
        ("customer.eMailAddress", "email"),
        ("Vorname", "first_name"),
        ("Prénom", "first_name"),
        ("APELLIDOS", "last_name"),
        ("Cognome", "last_name"),
        ("Straße", "address_line1"),
        ("addr_line_1", "address_line1"),
        ("CódigoPostal", "postcode"),
        ("Geboortedatum", "birth_date"),
        ("Mobile No.", "phone"),
        ("MemberNo", "source_key"),
        ("soc_sec_id", "person_number"),
        ("SSN", "person_number"),
        ("taxId", "person_number"),
        ("National ID", "person_number"),
        ("Loyalty card no.", "person_number"),
        ("Codice fiscale", "person_number"),
        ("points", None),
    ],
)
def test_a_column_is_mapped_by_its_name_in_any_language(name, field):
    kind = "email" if field == "email" else "text"
    seen = ColumnProfile(name, 1.0, 0.5, (), kind)

    assert suggest_mapping([seen], SYNONYMS).get(name) == field


def test_content_speaks_against_a_name_and_for_a_column_without_one():
    columns = [
        ColumnProfile("email", 1.0, 0.5, (), "boolean"),
        ColumnProfile("contact", 1.0, 0.9, (), "email"),
        ColumnProfile("x", 1.0, 0.9, (), "phone"),
        ColumnProfile("y", 1.0, 0.9, (), "phone"),
        ColumnProfile("z", 1.0, 1.0, (), "number", is_code=True),
    ]

    mapping = suggest_mapping(columns, SYNONYMS)

    assert mapping == {"contact": "email", "x": "phone", "y": "phone_2", "z": "source_key"}


def test_a_name_beside_a_surname_is_the_first_name():
    columns = [ColumnProfile(name, 1.0, 0.9, (), "name") for name in ("Name", "Surname")]

    assert suggest_mapping(columns, SYNONYMS) == {"Name": "first_name", "Surname": "last_name"}
    assert suggest_mapping(columns[:1], SYNONYMS) == {"Name": "full_name"}


def test_a_value_in_the_place_of_an_object_is_not_left_out_for_good():
    columns = [
        ColumnProfile("customer", 0.1, 0.9, (), "text"),
        ColumnProfile("customer.email", 0.9, 0.9, (), "email"),
    ]
    read = ReadRule(format="json", path="*")

    text = draft_feed("acme", read, columns, suggest_mapping(columns, SYNONYMS), 10)

    assert "[ignore]" not in text


def test_branches_that_are_never_filled_together_are_one_field():
    columns = [
        ColumnProfile("form.email", 0.6, 1.0, (), "email"),
        ColumnProfile("person.email", 0.4, 1.0, (), "email"),
    ]

    assert set(suggest_mapping(columns, SYNONYMS).values()) == {"email"}


def test_each_field_of_ours_has_names_and_no_name_means_two():
    words = [word for field in SYNONYMS.values() for word in field]

    assert set(SYNONYMS) == set(FIELDS)
    assert len(words) == len(set(words))


def test_a_draft_is_a_feed_that_can_be_checked_and_says_what_a_person_must_do():
    rows = pl.DataFrame(
        {
            "row_number": [2, 3],
            "Member No": ["a1", "a2"],
            'E-"Mail"': ["a@x.org", "b@x.org"],
            "DOB": ["01/02/1980", "03/04/1981"],
            "Points": ["7", "7"],
        }
    )
    profiles = profile_rows(rows)
    mapping = suggest_mapping(profiles, SYNONYMS)
    read = ReadRule(format="csv", path="x_*.csv", delimiter="\t", trailer=r"Total\b")

    text = draft_feed("acme", read, profiles, mapping, rows.height)

    feed = Feed.model_validate(tomllib.loads(text))
    assert feed.read == read
    assert feed.columns == {"Member No": "source_key", 'E-"Mail"': "email", "DOB": "birth_date"}
    assert feed.ignore == {"Points": "TODO say why"}
    assert "day and month the other way round" in text
    assert "a@x.org" not in text
