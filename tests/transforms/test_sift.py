"""That sifting leaves out no pair that has evidence enough."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.transforms.test_match import ALL_PAIRS, NODES, RULES, model
from transforms import score
from transforms.match import score_given, score_pairs
from transforms.weigh import Terms, Weights, most_weight, weigh_levels

SCORED = score_given(NODES, ALL_PAIRS, model(), RULES)


@settings(max_examples=40, deadline=None)
@given(floor=st.floats(-60, 60))
def test_sifted_pairs_are_those_that_weigh_enough_when_all_is_asked(floor: float) -> None:
    rules = RULES.model_copy(update={"evidence_floor": floor})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score, "_MANY", 0)
        patch.setattr(score, "_PAIRS", 7)
        found = score_pairs(None, NODES, model(), rules)
    enough = SCORED.filter(pl.col("evidence") >= floor, pl.col("found_by") != 0)
    assert_frame_equal(found, enough, check_exact=True)


def test_an_open_level_may_weigh_what_its_loudest_term_weighs() -> None:
    terms = Terms(1, np.array([3.0, np.nan, 7.0]))
    weights = Weights(np.array([0.0, 9.0, 2.0, -4.0]), np.zeros(4), np.zeros(4), (terms,))
    assert [most_weight(weights, first) for first in range(3)] == [9.0, 7.0, -4.0]
    ends = np.array([2], dtype=np.uint32)
    assert weigh_levels(weights, np.array([1], dtype=np.int8), ends, ends) == [7.0]
