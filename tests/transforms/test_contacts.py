"""Every contact point is kept, once, with how many records have it and since when."""

from datetime import UTC, datetime

import polars as pl

from transforms.contacts import gather_contacts

DAY_1, DAY_2 = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


def test_a_value_of_two_records_is_one_contact_point() -> None:
    records = pl.DataFrame(
        [
            (1, 10, DAY_2, "a@b.org", None, "+441"),
            (1, 11, DAY_1, "x@y.org", "a@b.org", None),
            (7, 70, DAY_1, "a@b.org", None, None),
            (8, 80, DAY_1, None, None, None),
        ],
        schema={
            "founder": pl.Int64,
            "record_number": pl.Int64,
            "received_at": pl.Datetime("us", "UTC"),
            "email": pl.String,
            "email_2": pl.String,
            "phone": pl.String,
        },
        orient="row",
    )

    found = gather_contacts(records)

    assert sorted(found.rows()) == [
        (1, "email", "a@b.org", 2, DAY_1),
        (1, "email", "x@y.org", 1, DAY_1),
        (1, "phone", "+441", 1, DAY_2),
        (7, "email", "a@b.org", 1, DAY_1),
    ]


def test_one_record_that_gives_a_value_twice_counts_once() -> None:
    records = pl.DataFrame(
        {
            "founder": [1],
            "record_number": [10],
            "received_at": [DAY_1],
            "phone": ["+441"],
            "phone_2": ["+441"],
        }
    )

    assert gather_contacts(records).rows() == [(1, "phone", "+441", 1, DAY_1)]
