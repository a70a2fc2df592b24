"""Rows that become fewer on their way are drawn as thick as they are many."""

import re

import pytest

from transforms.flow import FALL, HEIGHT, LEAST, WIDTH, Step, draw

STEPS = [
    Step("rows", 100, [("as before", 60), ("deleted", 0)]),
    Step("new", 40, [("failed", 10)]),
    Step("active", 30),
]


def test_each_step_stands_as_high_as_it_is_many() -> None:
    bars = draw(STEPS).bars

    assert [height for _, _, height in bars] == pytest.approx(
        [(HEIGHT - FALL) * part for part in (1.0, 0.4, 0.3)]
    )
    assert [x for x, _, _ in bars] == pytest.approx([0, WIDTH / 3, 2 * WIDTH / 3], abs=0.1)


def test_what_leaves_goes_down_and_what_does_not_leave_is_not_drawn() -> None:
    drawn = draw(STEPS)

    assert [ribbon.why for ribbon in drawn.ribbons] == ["", "as before", "", "failed", ""]
    assert str(HEIGHT) in next(one.path for one in drawn.ribbons if one.why == "failed")


def test_nothing_lies_outside_the_canvas() -> None:
    many = [("as before", 5000), ("deleted", 4000), ("not taken in", 990)]

    for ribbon in draw([Step("rows", 10_000, many), Step("new", 10)]).ribbons:
        numbers = [float(one) for one in re.findall(r"[\d.]+", ribbon.path)]
        assert max(numbers) <= WIDTH


def test_the_least_of_many_is_seen_and_nothing_is_not() -> None:
    bars = draw([Step("rows", 1_000_000), Step("new", 1), Step("active", 0)]).bars

    assert [height for _, _, height in bars] == [HEIGHT - FALL, LEAST, 0]
    assert draw([Step("rows", 0), Step("new", 0)]).ribbons == []
