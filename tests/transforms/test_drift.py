import math

import polars as pl
import pytest

from rules.matching import Matching
from store.rulebook import latest_model, read_model, read_rule
from store.settings import Settings
from transforms.drift import best_columns, level_shares, level_shift, unlinkable_share

RULES = read_rule(Settings().rules / "matching.toml", Matching)


def test_the_same_shares_have_not_shifted_whatever_their_number() -> None:
    assert level_shift([1, 2, 7], [10, 20, 70]) == pytest.approx(0.0)


def test_the_shift_is_the_population_stability_index() -> None:
    expected = 0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5)

    assert level_shift([0.5, 0.5], [0.8, 0.2]) == pytest.approx(expected)


def test_a_level_that_was_never_seen_shifts_by_a_finite_amount() -> None:
    assert 1 < level_shift([1.0, 0.0], [0.8, 0.2]) < 2


def test_shares_count_missing_values_first_and_every_level() -> None:
    levels = {f"level_{name}": [0, -1] for name in RULES.comparisons}
    links = pl.DataFrame({**levels, "count": [3, 1]})

    shares = level_shares(links, RULES)

    assert list(shares) == list(RULES.comparisons)
    for name in RULES.comparisons:
        assert shares[name][:2] == (0.25, 0.75)
        assert sum(shares[name]) == pytest.approx(1.0)


def test_who_gives_only_a_name_cannot_be_linked_and_who_gives_all_can() -> None:
    model = read_model(latest_model(Settings().rules))
    presence = pl.DataFrame(
        {name: [name == "first_name", True] for name in best_columns(RULES)}
    ).with_columns(count=pl.Series([1, 3]))

    share = unlinkable_share(presence, model.settings, model.manifest.prior, RULES)

    assert share == 0.25
