"""The golden record is the lineage on its side."""

import polars as pl
import pytest

from transforms.wide import publishable, to_sparse, to_wide


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


def test_a_customer_whose_values_are_all_its_first_records_is_plain() -> None:
    wide = to_wide({"name": lineage((0, "Ann", 7, "only_value")), "email": lineage()}, 1)

    found = to_sparse(wide.drop("group"), ["name", "email"]).row(0, named=True)

    assert found == {
        "name": "Ann", "name_record": None, "name_by": None,
        "email": None, "email_record": None, "email_by": None,
        "record": 7, "is_plain": True,
    }  # fmt: skip


def test_what_differs_from_the_first_record_is_kept() -> None:
    wide = to_wide(
        {
            "name": lineage((0, "Ann", 9, "steward")),
            "email": lineage((0, "a@b.org", 7, "most_recent")),
            "phone": lineage((0, "+441", 8, "only_value")),
        },
        1,
    )

    found = to_sparse(wide.drop("group"), ["name", "email", "phone"]).row(0, named=True)

    assert (found["record"], found["is_plain"]) == (7, False)
    assert (found["name_record"], found["name_by"]) == (9, "steward")
    assert (found["email_record"], found["email_by"]) == (None, "most_recent")
    assert (found["phone_record"], found["phone_by"]) == (8, None)


def test_a_value_that_a_steward_typed_has_record_0() -> None:
    typed = lineage((0, "Ann", 9, "steward")).with_columns(record_number=pl.lit(None, pl.Int64))
    wide = to_wide({"name": typed, "email": lineage((0, "a@b.org", 7, "only_value"))}, 1)

    found = to_sparse(wide.drop("group"), ["name", "email"])

    assert found["name_record"].to_list() == [0]
