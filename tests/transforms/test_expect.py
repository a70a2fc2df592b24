import tomllib
from datetime import date

import polars as pl

from rules.expected import Expected
from transforms.expect import Outcome, draft_expected, find_differences


def outcome_of(*, email: str | None = "ann@example.com", reasons: str = "ragged_row") -> Outcome:
    records = pl.DataFrame(
        {
            "source_key": ["1", "2"],
            "row_number": [2, 3],
            "operation": [None, "delete"],
            "first_name": ["Ann", None],
            "email": [email, None],
            "birth_date": [date(1979, 6, 14), None],
            "consent_email": [True, None],
        },
        schema_overrides={"email": pl.String},
    )
    quarantined = pl.DataFrame({"row_number": [4], "reasons": [[reasons]]})
    return Outcome(3, records, quarantined)


EXPECTED = Expected.model_validate(
    {
        "counts": {"rows": 3, "records": 2, "quarantined": 1},
        "record": [
            {
                "source_key": "1",
                "first_name": "Ann",
                "email": "ann@example.com",
                "birth_date": "1979-06-14",
                "consent_email": "true",
            },
            {"row_number": 3, "operation": "delete", "first_name": ""},
        ],
        "quarantined": [{"row_number": 4, "reasons": ["ragged_row"]}],
    }
)


def test_what_came_as_expected_has_no_differences() -> None:
    assert find_differences(EXPECTED, outcome_of()) == []


def test_a_value_that_differs_is_told_with_both() -> None:
    assert find_differences(EXPECTED, outcome_of(email=None)) == [
        'source_key 1: email should be "ann@example.com" and is missing'
    ]


def test_another_reason_for_quarantine_is_told() -> None:
    assert find_differences(EXPECTED, outcome_of(reasons="blank_row")) == [
        "row 4 should be in quarantine for ragged_row and is for blank_row"
    ]


def test_counts_that_differ_are_told() -> None:
    fewer = outcome_of()._replace(row_count=2)

    assert find_differences(EXPECTED, fewer) == ["3 rows are expected and 2 came"]


def test_a_record_that_did_not_come_and_one_too_many_are_told() -> None:
    other = EXPECTED.record[0] | {"source_key": "9"}
    expected = EXPECTED.model_copy(update={"record": (other, EXPECTED.record[1])})

    assert find_differences(expected, outcome_of()) == [
        "the record with source_key 9 is expected and did not come",
        "row 2 became a record (source_key 1) that is not expected",
    ]


def test_records_that_are_counted_and_not_named_may_be_as_they_are() -> None:
    expected = EXPECTED.model_copy(update={"record": EXPECTED.record[:1], "quarantined": ()})

    assert find_differences(expected, outcome_of()) == []


def test_a_field_that_does_not_exist_is_told() -> None:
    wrong = EXPECTED.record[0] | {"e_mail": "ann@example.com"}
    expected = EXPECTED.model_copy(update={"record": (wrong, EXPECTED.record[1])})

    assert find_differences(expected, outcome_of()) == ["source_key 1: there is no field e_mail"]


def test_a_draft_expects_just_what_came() -> None:
    text = draft_expected(outcome_of(), "sample.csv")

    drafted = Expected.model_validate(tomllib.loads(text))
    assert find_differences(drafted, outcome_of()) == []
    assert find_differences(drafted, outcome_of(email="bob@example.com"))
    assert "TODO" in text
