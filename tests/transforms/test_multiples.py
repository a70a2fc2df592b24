import pytest

from transforms.multiples import EDGE, columns, common_floor, multiple


def test_lines_that_are_compared_begin_at_a_tenth_that_none_lies_under() -> None:
    assert common_floor([[0.93, None], [0.71, 0.99]]) == pytest.approx(0.7)
    assert common_floor([[0.9]]) == pytest.approx(0.8)
    assert common_floor([[0.0, 1.0]]) == 0.0
    assert common_floor([]) == 0.0


def test_the_best_is_at_the_top_and_the_floor_at_the_bottom() -> None:
    drawn = multiple([0.5, 1.0], 100, 30, floor=0.5)

    assert drawn.path == f"M{EDGE} {30 - EDGE}L{100 - EDGE} {EDGE}"
    assert (drawn.x, drawn.y) == (100 - EDGE, EDGE)


def test_a_run_that_was_not_measured_leaves_a_gap_and_the_last_one_told_counts() -> None:
    drawn = multiple([0.8, None, 0.9, None], 103, 30)

    assert drawn.value == 0.9
    assert drawn.path.count("L") == 1
    assert drawn.x < 100 - EDGE  # the run after it measured nothing


def test_a_figure_is_held_against_the_median_of_the_runs_before() -> None:
    assert multiple([0.1, 0.8, 0.9, 0.9], 100, 30).step == pytest.approx(0.1)
    assert multiple([0.9, 0.9001], 100, 30).step == 0.0
    assert multiple([0.9], 100, 30).step is None


def test_only_a_clear_fall_below_all_that_was_is_the_least() -> None:
    assert multiple([0.9, 0.91, 0.8], 100, 30).is_least
    assert not multiple([0.9, 0.91, 0.895], 100, 30).is_least
    assert not multiple([0.9, 0.5], 100, 30).is_least  # one run before is no history
    assert not multiple([0.9, 0.7, 0.8], 100, 30).is_least


def test_what_was_never_measured_is_no_line() -> None:
    drawn = multiple([None, None], 100, 30)

    assert (drawn.path, drawn.value, drawn.step) == ("", None, None)


def test_columns_stand_on_each_other_and_the_highest_is_as_high_as_the_canvas() -> None:
    small, high, none = columns([(1, 1), (2, 6), (0, 0)], 30, 24)

    assert (high.lower_height + high.upper_height, high.upper_y) == (24, 0)
    assert high.upper_y + high.upper_height == high.lower_y
    assert small.lower_height == 3
    assert (none.lower_height, none.upper_height) == (0, 0)
    assert none.x + none.width <= 30
