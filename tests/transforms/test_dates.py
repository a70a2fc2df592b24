"""Dates are read as the feed says, and never guessed."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.lookups import LOOKUPS, read_cases
from transforms.standardise.dates import parse_birth_dates, parse_moment

RECEIVED = date(2026, 3, 1)


def born(text: str | None, formats: str) -> dict[str, Any]:
    frame = pl.DataFrame({"birth_date": [text]}, schema={"birth_date": pl.String})
    return parse_birth_dates(frame, formats, RECEIVED, LOOKUPS).row(0, named=True)


@pytest.mark.parametrize("case", read_cases("dates"), ids=lambda case: case["why"])
def test_a_date_of_birth_is_read(case: dict[str, Any]) -> None:
    answer = born(case["given"], case["formats"])

    day = date.fromisoformat(case["expect"]) if "expect" in case else None
    year = case.get("year", day.year if day else None)
    reason = case.get("reason")
    assert answer == {"birth_date": day, "birth_year": year, "birth_date_reason": reason}


def test_no_text_has_no_reason() -> None:
    answer = born(None, "%Y-%m-%d")

    assert answer == {"birth_date": None, "birth_year": None, "birth_date_reason": None}


def test_a_directive_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="%Q"):
        born("1980-01-01", "%Y-%m-%Q")


def test_other_columns_and_the_order_of_rows_stay() -> None:
    frame = pl.DataFrame({"a": [1, 2, 3], "birth_date": ["x", "1980-01-02", None], "b": [4, 5, 6]})

    answer = parse_birth_dates(frame, "%Y-%m-%d", RECEIVED, LOOKUPS)

    assert answer.select("a", "b").rows() == [(1, 4), (2, 5), (3, 6)]
    assert answer["birth_date"].to_list() == [None, date(1980, 1, 2), None]


def test_a_column_that_has_been_read_is_left_alone() -> None:
    once = parse_birth_dates(
        pl.DataFrame({"birth_date": ["03/04/1980", "14/03/1980"]}), "", RECEIVED, LOOKUPS
    )

    twice = parse_birth_dates(once, "", RECEIVED, LOOKUPS)

    assert_frame_equal(twice, once)


@given(
    st.dates(date(1907, 1, 1), RECEIVED),
    st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d %B %Y", "%b %d, %Y"]),
)
@settings(deadline=None)
def test_a_date_written_as_the_feed_says_is_read_back(day: date, form: str) -> None:
    answer = born(day.strftime(form), form)

    placeholder = day.isoformat() in LOOKUPS.placeholder_dates
    assert answer["birth_date"] == (None if placeholder else day)


@given(st.text(alphabet="0123456789/-. T:Z", max_size=19))
@settings(deadline=None)
def test_every_text_gives_a_date_or_a_reason(text: str) -> None:
    answer = born(text, "%d/%m/%Y|%Y-%m-%d|%d.%m.%Y|excel_serial")

    assert (answer["birth_date"] is None) == (answer["birth_date_reason"] is not None)


MOMENTS = [
    ("iso", "2026-02-03T04:05:06Z", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
    ("iso", "2026-02-03 04:05:06.5", datetime(2026, 2, 3, 4, 5, 6, 500_000, tzinfo=UTC)),
    ("iso", "2026-02-03T04:05:06+02:00", datetime(2026, 2, 3, 2, 5, 6, tzinfo=UTC)),
    ("iso", "2026-02-03T04:05-0530", datetime(2026, 2, 3, 9, 35, tzinfo=UTC)),
    ("iso", "2026-02-03", datetime(2026, 2, 3, tzinfo=UTC)),
    ("iso", "03/02/2026", None),
    ("epoch_s", "1770091506", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
    ("epoch_ms", "1770091506000", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
    ("epoch_s", "1770091506000", None),
    ("%d/%m/%Y %H:%M", "03/02/2026 04:05", datetime(2026, 2, 3, 4, 5, tzinfo=UTC)),
    ("%d/%m/%Y %H:%M", "03/02/26 04:05", None),
    ("%d/%m/%Y %H:%M|%m/%d/%Y %H:%M", "03/02/2026 04:05", None),
    ("%d/%m/%Y %H:%M|%m/%d/%Y %H:%M", "03/22/2026 04:05", datetime(2026, 3, 22, 4, 5, tzinfo=UTC)),
    ("%d/%m/%Y", "03/02/2026", datetime(2026, 2, 3, tzinfo=UTC)),
    ("iso|epoch_ms", "1770091506000", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
    ("iso|epoch_ms", "2026-02-03T04:05:06Z", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
    ("iso|%d/%m/%Y", "tomorrow", None),
]


@pytest.mark.parametrize(("how", "text", "expected"), MOMENTS)
def test_a_moment_is_read_as_utc(how: str, text: str, expected: datetime | None) -> None:
    frame = pl.DataFrame({"updated_at": [text]})

    answer = frame.select(parse_moment(pl.col("updated_at"), how))

    assert answer.schema == {"updated_at": pl.Datetime("us", "UTC")}
    assert answer.item() == expected
