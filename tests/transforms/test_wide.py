"""The golden record is the lineage on its side."""

import polars as pl
import pytest

from transforms.wide import publishable, to_wide


def lineage(*rows: tuple[int, str, int, str]) -> pl.DataFrame:
    names = ["group", "value", "record_number", "decided_by"]
    kinds = [pl.Int64, pl.String, pl.Int64, pl.String]
    return pl.DataFrame(list(rows), schema=dict(zip(names, kinds, strict=True)), orient="row")


def test_each_value_stands_at_its_group_with_its_record() -> None:
    found = to_wide(
        {"email": lineage((2, "c", 30, "steward"), (0, "a", 10, "only_value")), "phone": lineage()},
        3,
    )

    assert found.columns[1:4] == ["email", "email_record", "email_by"]
    assert found["email"].to_list() == ["a", None, "c"]
    assert found["email_record"].to_list() == [10, None, 30]
    assert found["email_by"].to_list() == ["only_value", None, "steward"]
    assert found["phone"].null_count() == 3


@pytest.mark.parametrize(
    ("values", "expect"),
    [
        ({"last_name": "Miller", "email": "a@b.org"}, True),
        ({"company": "Acme", "phone": "+441"}, True),
        ({"last_name": "Miller"}, False),
        ({"email": "a@b.org", "phone": "+441"}, False),
        ({}, False),
    ],
)
def test_a_customer_has_a_name_and_a_contact_point(values: dict[str, str], expect: bool) -> None:
    fields = ["first_name", "last_name", "company", "email", "phone"]
    row = pl.DataFrame([values], schema=dict.fromkeys(fields, pl.String))

    assert row.select(publishable(fields)).item() is expect
