"""What was known of a customer, and when."""

from datetime import UTC, datetime

import polars as pl

from transforms.epochs import all_epochs, lay_out_epochs, to_periods

DAY = {number: datetime(2026, 3, number, tzinfo=UTC) for number in range(1, 6)}
VERSIONS = {
    "founder": pl.Int64,
    "record_number": pl.Int64,
    "arrival": pl.Int64,
    "received_at": pl.Datetime("us", "UTC"),
    "is_withdrawn": pl.Boolean,
}


def versions(*rows: tuple[int, int, int, int, bool]) -> pl.DataFrame:
    told = [
        (founder, record, arrival, DAY[day], gone) for founder, record, arrival, day, gone in rows
    ]
    return pl.DataFrame(told, schema=VERSIONS, orient="row")


def laid(frame: pl.DataFrame) -> list[tuple[int, int, int]]:
    found = lay_out_epochs(frame).with_columns(day=pl.col("received_at").dt.day().cast(pl.Int64))
    return sorted(found.select("founder", "day", "arrival").rows())


def test_each_epoch_has_the_latest_version_of_every_record() -> None:
    frame = versions((1, 1, 10, 1, False), (1, 2, 20, 2, False), (1, 1, 30, 3, False))

    assert laid(frame) == [(1, 1, 10), (1, 2, 10), (1, 2, 20), (1, 3, 20), (1, 3, 30)]


def test_of_two_versions_of_one_night_the_later_row_counts() -> None:
    assert laid(versions((1, 1, 10, 1, False), (1, 1, 11, 1, False))) == [(1, 1, 11)]


def test_a_withdrawn_record_is_not_in_force_and_may_come_back() -> None:
    frame = versions((1, 1, 10, 1, False), (1, 1, 20, 2, True), (1, 1, 30, 3, False))

    assert laid(frame) == [(1, 1, 10), (1, 3, 30)]


def test_an_epoch_ends_when_the_next_begins() -> None:
    found = all_epochs(versions((1, 1, 10, 1, False), (1, 2, 20, 4, False), (7, 7, 70, 2, False)))

    assert found.select("founder", "received_at", "next_at").rows() == [
        (1, DAY[1], DAY[4]),
        (1, DAY[4], None),
        (7, DAY[2], None),
    ]


def periods(*values: tuple[int, str]) -> list[tuple]:
    epochs = pl.DataFrame(
        {"founder": [1, 1, 1], "received_at": [DAY[1], DAY[2], DAY[3]]}
    ).with_columns(next_at=pl.col("received_at").shift(-1))
    told = pl.DataFrame(
        [(1, DAY[day], "city", value) for day, value in values],
        schema=["founder", "received_at", "field", "value"],
        orient="row",
    )
    found = to_periods(told, epochs).sort("valid_from")
    return found.select("value", "valid_from", "valid_to").rows()


def test_a_value_that_stays_is_one_period() -> None:
    assert periods((1, "York"), (2, "York"), (3, "Bath")) == [
        ("York", DAY[1], DAY[3]),
        ("Bath", DAY[3], None),
    ]


def test_a_value_that_goes_and_comes_back_is_two_periods() -> None:
    assert periods((1, "York"), (3, "York")) == [("York", DAY[1], DAY[2]), ("York", DAY[3], None)]
    assert [value for value, _, _ in periods((1, "York"), (2, "Bath"), (3, "York"))] == [
        "York",
        "Bath",
        "York",
    ]
