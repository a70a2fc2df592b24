"""What is believed before records are looked at: caution, or an earlier model."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rules.matching import Matching
from store.rulebook import read_rulebook
from transforms.mixture import BELIEF, KINDS, Block, fit
from transforms.shares import Belief, cautious, default_shares, leaning_on, shares_of

RULEBOOK = read_rulebook(Path(__file__).parents[2] / "rules")
RULES: Matching = RULEBOOK.matching
SETTINGS = RULEBOOK.model.settings
MATCH, STRANGER = KINDS.index("match"), KINDS.index("stranger")


def phones(same: float, other: float) -> Block:
    """So many pairs of one person that have the same telephone, and another one."""
    patterns = pl.DataFrame({name: [-1, -1] for name in default_shares(RULES)}).with_columns(
        phone=pl.Series([0, default_shares(RULES)["phone"].shape[1] - 1]),
        count=pl.Series([same, other], dtype=pl.Float64),
    )
    return Block(patterns, frozenset(), is_random=False, kind="match")


def learnt_of_phones(belief: Belief, pairs: float) -> float:
    """How often one person has the same telephone where half of so many pairs have."""
    found = fit([phones(pairs / 2, pairs / 2)], belief.shares, belief.ties)
    return float(found.shares["phone"][MATCH, 0])


def changed(name: str, **levels: Any) -> dict[str, Any]:
    settings = copy.deepcopy(SETTINGS)
    compared = next(c for c in settings["comparisons"] if c["output_column_name"] == name)
    compared["comparison_levels"][1] |= levels
    return settings


def test_what_no_record_showed_is_as_in_the_model_that_is_leant_on() -> None:
    belief, earlier = leaning_on(SETTINGS, RULES), shares_of(SETTINGS)

    found = fit([phones(0.0, 0.0)], belief.shares, belief.ties)

    for name in ("email", "birth_date", "phone"):
        expected = earlier[name][MATCH] / earlier[name][MATCH].sum()
        assert found.shares[name][MATCH] == pytest.approx(expected, abs=1e-6)


def test_the_more_pairs_show_it_the_less_the_earlier_model_counts() -> None:
    belief = leaning_on(SETTINGS, RULES)
    believed = float(belief.shares["phone"][MATCH, 0])
    assert abs(believed - 0.5) > 0.1

    assert learnt_of_phones(belief, BELIEF) == pytest.approx((believed + 0.5) / 2, abs=1e-6)
    assert learnt_of_phones(belief, 1_000 * BELIEF) == pytest.approx(0.5, abs=0.001)


def test_without_a_model_a_few_hundred_pairs_outweigh_caution() -> None:
    assert learnt_of_phones(cautious(RULES), 400) == pytest.approx(0.5, abs=0.02)


def test_how_often_strangers_agree_is_never_taken_from_another_file() -> None:
    settings = changed("phone", u_probability=0.4)

    belief = leaning_on(settings, RULES)

    assert np.array_equal(
        belief.shares["phone"][STRANGER], default_shares(RULES)["phone"][STRANGER]
    )


def test_a_comparison_whose_levels_have_changed_since_is_not_leant_on() -> None:
    settings = changed("phone", sql_condition="phone_l like phone_r")

    belief = leaning_on(settings, RULES)

    assert "phone" not in belief.ties.believed
    assert "email" in belief.ties.believed
    assert np.array_equal(belief.shares["phone"], default_shares(RULES)["phone"])


def test_what_the_rules_do_not_compare_is_not_learnt_from_a_model_that_did() -> None:
    fewer = RULES.model_copy(update={"comparisons": ("first_name", "last_name", "email")})

    assert set(leaning_on(SETTINGS, fewer).shares) == {"first_name", "last_name", "email"}
