"""Each record is in exactly one of two parts, with every reason if it is in the second."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.schemas import CHECKS, KNOWN_BY, RECORD
from transforms.validate import BrokenCheckError, is_active, validate

SCHEMA = {
    "arrival": pl.Int64,
    "record_number": pl.Int64,
    "is_test": pl.Boolean,
    "has_link": pl.Boolean,
    "birth_date": pl.Date,
} | dict.fromkeys((*KNOWN_BY, "company", "city"), pl.String)


def records(*rows: dict[str, object]) -> pl.DataFrame:
    plain = {"record_number": 1, "is_test": False, "has_link": False}
    told = [plain | {"arrival": number} | row for number, row in enumerate(rows, 1)]
    return pl.DataFrame(told, schema=SCHEMA)


def test_a_record_has_every_reason_that_holds() -> None:
    verdict = validate(records({"city": "York", "is_test": True, "has_link": True}), RECORD)

    assert verdict.passed.is_empty()
    assert sorted(verdict.quarantined["reasons"].item()) == sorted(CHECKS)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {"is_test": st.booleans(), "has_link": st.booleans()},
            optional={"email": st.just("a@b.org"), "city": st.just("York")},
        ),
        max_size=8,
    )
)
def test_each_record_is_in_exactly_one_part(rows: list[dict[str, object]]) -> None:
    given_records = records(*rows)

    verdict = validate(given_records, RECORD)

    parted = [*verdict.passed["arrival"], *verdict.quarantined["arrival"]]
    assert sorted(parted) == given_records["arrival"].to_list()
    assert (verdict.quarantined["reasons"].list.len() > 0).all()
    assert verdict.passed.columns == given_records.columns


def test_a_fault_of_ours_puts_nobody_in_quarantine() -> None:
    with pytest.raises(BrokenCheckError):
        validate(records({"email": "a@b.org"}).drop("is_test"), RECORD)


@pytest.mark.parametrize(
    ("row", "expect"),
    [
        ({"last_name": "Miller", "phone_2": "+441"}, True),
        ({"company": "Acme", "email": "a@b.org"}, True),
        ({"last_name": "Miller"}, False),
        ({"email": "a@b.org"}, False),
    ],
)
def test_a_record_is_active_with_a_name_and_a_contact_point(
    row: dict[str, object], expect: bool
) -> None:
    assert is_active(records(row)).to_list() == [expect]
