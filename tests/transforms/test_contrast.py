import polars as pl
import pytest

from transforms.contrast import (
    contrast_customers,
    costs,
    mask,
    moved_pairs,
    shares_below,
)


def customers(*founders: int) -> pl.DataFrame:
    return pl.DataFrame({"record_number": range(1, len(founders) + 1), "founder": founders})


def pairs(*rows: tuple[int, int, float]) -> pl.DataFrame:
    schema = {"record_a": pl.Int64, "record_b": pl.Int64, "match_weight": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_customers_that_become_one_and_one_that_falls_apart_are_named() -> None:
    found = contrast_customers(customers(1, 1, 3, 3, 5), customers(1, 1, 1, 4, 5))

    assert found.merged.select("founder", "parts").rows() == [(1, [1, 3])]
    assert found.split.select("founder", "parts").rows() == [(3, [1, 4])]


def test_the_same_answer_changes_nobody() -> None:
    found = contrast_customers(customers(1, 1, 3), customers(1, 1, 3))

    assert found.merged.is_empty()
    assert found.split.is_empty()


def test_pairs_that_cross_the_threshold_move_and_those_that_move_furthest_come_first() -> None:
    now = pairs((1, 2, 5.0), (1, 3, 4.0), (2, 3, 0.0), (4, 5, 9.0))
    proposed = pairs((1, 2, 6.0), (1, 3, 2.0), (2, 3, 3.0), (6, 7, 4.0))

    moved = moved_pairs(now, proposed, 3.0)

    assert moved.select("record_a", "record_b", "is_gained").rows() == [
        (4, 5, False),
        (6, 7, True),
        (2, 3, True),
        (1, 3, False),
    ]


def test_costs_are_the_odds_that_weights_stand_for() -> None:
    found = {cost.threshold: cost for cost in costs(pl.Series([0.0, 0.0, 3.0]), 2.0)}

    assert found[2.0].links == 1
    assert found[2.0].wrong == pytest.approx(1 / 9)
    assert found[2.0].missed == pytest.approx(1.0)
    assert found[0.0].links == 3


def test_the_share_below_a_threshold_leaves_out_those_at_it() -> None:
    assert shares_below(pl.Series([1.0, 2.0, 3.0, 4.0]), [2.0, 9.0]) == [0.25, 1.0]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Łukasz O'Neil-Smith", "Ł••••• O'N•••-S••••"),
        ("ann.bee42@example.com", "a••.b••••@e••••••.c••"),
        ("+447400123443", "+••••••••••43"),
        ("1979-06-14", "••••-••-14"),
        ("Al", "••"),
        (None, None),
    ],
)
def test_a_masked_value_shows_first_letters_and_last_digits(value, shown) -> None:
    assert pl.select(mask(pl.lit(value, pl.String))).item() == shown
