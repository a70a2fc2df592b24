"""A delivery whose cells are not of the kinds that they were is told of by name."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from rules.feed import Feed
from transforms.cells import CELLS, count_cells, sum_cells, tell_changes


def feed(**expect: Any) -> Feed:
    return Feed.model_validate(
        {
            "source": "acme",
            "title": "Acme",
            "channel": "bulk_list",
            "owner": "who@example.com",
            "trust": 50,
            "read": {"format": "csv", "path": "*"},
            "columns": {"op": "operation", "Tel": "phone", "Born": "birth_date"},
            "expect": {"drift_rows": 10} | expect,
        }
    )


def rows(**columns: Sequence[str | None]) -> pl.DataFrame:
    height = len(next(iter(columns.values())))
    numbers = pl.int_range(1, height + 1, dtype=pl.Int64, eager=True)
    schema = dict.fromkeys(columns, pl.String)
    return pl.DataFrame(columns, schema=schema).insert_column(0, numbers.alias("row_number"))


def cells(phone: dict[str, int], born: dict[str, int] | None = None) -> pl.DataFrame:
    counts = [("phone", *one) for one in phone.items()]
    counts += [("birth_date", *one) for one in (born or {}).items()]
    return pl.DataFrame(counts, schema=CELLS, orient="row")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, "empty"),
        ("  ", "empty"),
        ("ann@example.com", "email"),
        ("4.47912E+11", "exponent"),
        ("1980-02-03", "date_year_first"),
        ("1980-02-03T10:00:00", "date_year_first"),
        ("03/02/1980", "date_year_last"),
        ("3.2.80", "date_year_last"),
        ("+44 (0)20 7946-0123", "number"),
        ("01.23.45.67.89", "number"),
        ("Zoë", "words"),
        ("12 High Street", "mixed"),
        ("---", "other"),
    ],
)
def test_a_cell_is_of_one_kind(text: str | None, kind: str) -> None:
    counted = count_cells(rows(phone=[text]), feed())

    assert counted.filter(field="phone").rows() == [("phone", kind, 1)]


def test_a_field_that_did_not_come_is_empty() -> None:
    counted = count_cells(rows(phone=["1", "2"]), feed())

    assert counted.filter(field="birth_date").rows() == [("birth_date", "empty", 2)]


def test_a_row_that_deletes_says_nothing_of_its_cells() -> None:
    counted = count_cells(rows(operation=["upsert", "Delete "], phone=["1", None]), feed())

    assert counted.filter(field="phone").rows() == [("phone", "number", 1)]


def test_of_many_rows_some_are_counted_whatever_the_parts_that_they_came_in() -> None:
    many = rows(phone=["1"] * 12_000)

    parts = [count_cells(part, feed()) for part in many.iter_slices(700)]

    whole = count_cells(many, feed())
    assert whole.filter(field="phone")["cell_count"].item() == 10_020
    assert sum_cells(pl.concat(parts)).equals(whole)


def test_empty_cells_are_told_with_the_share_before() -> None:
    told = tell_changes(
        cells({"empty": 60, "number": 40}), cells({"empty": 4, "number": 96}), 3, feed()
    )

    assert told == ["drift: of phone ('Tel') 60% are empty (in the 3 deliveries before 4%)"]


def test_another_kind_is_told_and_the_one_that_it_displaces_is_not() -> None:
    told = tell_changes(
        cells({"number": 50}, {"date_year_last": 50}),
        cells({"number": 50}, {"date_year_first": 50}),
        1,
        feed(),
    )

    assert told == [
        "drift: of birth_date ('Born') 100% are dates that end with the year "
        "(in the delivery before 0%)"
    ]


def test_few_cells_of_a_kind_that_was_not_there_before_are_told() -> None:
    told = tell_changes(
        cells({"number": 94, "exponent": 6}), cells({"number": 999, "exponent": 1}), 2, feed()
    )

    assert told == [
        "drift: of phone ('Tel') 6% are numbers such as 4.4E+11, which have lost their digits "
        "(in the 2 deliveries before 0.1%)"
    ]


def test_a_share_that_moves_less_than_the_limit_is_not_told() -> None:
    now, past = cells({"empty": 29, "number": 71}), cells({"empty": 10, "number": 90})

    assert tell_changes(now, past, 3, feed()) == []
    assert len(tell_changes(now, past, 3, feed(drift_share=0.1))) == 1


@pytest.mark.parametrize(("now", "past"), [(9, 500), (500, 9)])
def test_a_few_rows_tell_nothing(now: int, past: int) -> None:
    assert tell_changes(cells({"empty": now}), cells({"number": past}), 1, feed()) == []
