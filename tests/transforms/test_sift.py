"""That sifting leaves out no pair that has evidence enough."""

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.transforms.test_match import ALL_PAIRS, NODES, RULES, model
from transforms import score
from transforms.match import score_given, score_pairs
from transforms.weigh import Weigher

SCORED = score_given(NODES, ALL_PAIRS, model(), RULES)


@settings(max_examples=15, deadline=None)
@given(floor=st.floats(-60, 60))
def test_sifted_pairs_are_those_that_weigh_enough_when_all_is_asked(floor: float) -> None:
    rules = RULES.model_copy(update={"evidence_floor": floor})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score, "_MANY", 0)
        patch.setattr(score, "_PAIRS", 7)
        found = score_pairs(None, NODES, model(), rules)
    enough = SCORED.filter(pl.col("evidence") >= floor, pl.col("found_by") != 0)
    assert_frame_equal(found, enough, check_exact=True)


def test_no_pair_says_more_than_its_levels_may_say() -> None:
    most = Weigher(model().settings, model().tf).most
    for name in RULES.comparisons:
        at_most = pl.Series([0.0, *most[name]]).gather(SCORED[f"level_{name}"] + 1)
        assert (SCORED[f"w_{name}"] <= at_most).all(), name


def test_a_rare_term_may_say_more_than_its_level_says_by_itself() -> None:
    settings = model().settings
    city = next(
        level
        for one in settings["comparisons"]
        if one["output_column_name"] == "address"
        for level in one["comparison_levels"]
        if level.get("tf_adjustment_column") == "city_key"
    )
    usual = math.log2(city["m_probability"] / city["u_probability"])
    assert Weigher(settings, model().tf).most["address"][6] > usual + 1
