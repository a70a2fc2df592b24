import numpy as np
import pytest

from rules.matching import Matching
from store.rulebook import read_rule
from store.settings import Settings
from transforms.budget import Budget, TooManyPairsError, neighbours

RULES = read_rule(Settings().rules / "matching.toml", Matching)


def test_neighbours_are_those_that_new_records_share_a_block_with() -> None:
    keys = np.array([7, 7, 7, 8, 8, 9])
    is_new = np.array([True, True, False, False, False, True])

    assert neighbours(keys, is_new) == 4


def test_no_keys_make_no_neighbours() -> None:
    assert neighbours(np.array([], dtype=np.int64), np.array([], dtype=np.bool_)) == 0


def test_the_rule_that_finds_most_is_named_when_all_find_too_much() -> None:
    budget = Budget(1, RULES.model_copy(update={"max_compared": 1.0}))
    small, large = np.zeros(80, dtype=np.int64), np.zeros(100, dtype=np.int64)

    budget.spend("small", small, np.ones(80, dtype=np.bool_))
    budget.spend("large", large, np.zeros(100, dtype=np.bool_))
    with pytest.raises(TooManyPairsError, match="the rule large alone finds 1 of them"):
        budget.spend("large", large, np.ones(100, dtype=np.bool_))


def test_a_small_night_is_never_too_much() -> None:
    block = np.zeros(1_000, dtype=np.int64)

    Budget(1_000, RULES).spend("crowded", block, np.ones(1_000, dtype=np.bool_))
