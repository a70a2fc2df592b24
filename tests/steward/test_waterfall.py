"""The evidence of a pair is drawn so that every number can be read."""

from hypothesis import given
from hypothesis import strategies as st

from steward.desk.waterfall import WIDTH, lay_out

WEIGHTS = st.lists(st.floats(-30, 30).map(lambda weight: round(weight, 1)), max_size=9)
NUMBER = 34.0
"""How wide a number is at the most."""


@given(st.floats(-25, -1), WEIGHTS)
def test_no_number_runs_off_the_picture(prior: float, weights: list[float]) -> None:
    fall = lay_out(prior, weights, -3.0, 1.0)

    for bar in (fall.prior, *fall.steps, fall.total):
        reach = -NUMBER if bar.anchor == "end" else NUMBER
        assert 0 <= bar.label_x + reach <= WIDTH
        assert 0 <= bar.label_x <= WIDTH


def test_a_bar_from_edge_to_edge_carries_its_number() -> None:
    fall = lay_out(-16.1, [19.7, -2.4], -3.0, 1.0)

    assert fall.steps[0].is_inside
    assert not fall.steps[1].is_inside
