import numpy as np
import polars as pl
import pytest

from rules.matching import Thresholds
from transforms.coverage import Lost
from transforms.judge import STRATA, by_band, draw, estimate, stratum

NOTHING_LOST = Lost(0.0, 0.0, 0.001, 1_000, (0, 500))


def judged(*rows: tuple[str, bool | None, int]) -> pl.DataFrame:
    schema = {"stratum": pl.String, "is_same": pl.Boolean, "count": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_pair_is_in_the_stratum_of_its_weight() -> None:
    weights = pl.DataFrame({"w": [9.0, 8.9, 3.0, 2.9, -1.0, -1.1, -7.0, -7.1]})

    found = weights.select(stratum(pl.col("w"), Thresholds(link=3, review=-1))).to_series()

    assert found.to_list() == [STRATA[n] for n in (0, 1, 1, 2, 2, 3, 3, 4)]


def test_a_sample_has_as_many_of_each_stratum_and_fills_up_from_the_large_ones() -> None:
    pairs = pl.DataFrame({"stratum": ["a"] * 3 + ["b"] * 50, "lot": [f"{n:02}" for n in range(53)]})

    sample = draw(pairs, 10)

    assert dict(sample["stratum"].value_counts().iter_rows()) == {"a": 3, "b": 7}
    assert sample["lot"].is_sorted()


def test_strata_count_by_their_size() -> None:
    pairs = judged(
        (STRATA[0], True, 50), (STRATA[0], None, 850),  # 900 pairs, all right
        (STRATA[1], True, 25), (STRATA[1], False, 25), (STRATA[1], None, 50),  # 100, half right
        (STRATA[2], True, 10), (STRATA[2], False, 10), (STRATA[2], None, 80),  # 50 missed
    )  # fmt: skip

    found = estimate(pairs, NOTHING_LOST)

    assert found.precision.value == pytest.approx(0.95)
    assert found.recall.value == pytest.approx(950 / 1000)
    assert found.too_few == []


def test_what_blocking_lost_lowers_recall_and_widens_its_interval() -> None:
    pairs = judged((STRATA[0], True, 100), (STRATA[0], None, 900), (STRATA[2], False, 40))

    whole = estimate(pairs, NOTHING_LOST).recall
    lost = estimate(pairs, Lost(0.1, 0.05, 0.2, 1_000, (150, 100))).recall

    assert whole.value == 1.0
    assert lost.value == pytest.approx(0.9, abs=0.001)
    assert lost.high - lost.low > whole.high - whole.low


@pytest.mark.parametrize(
    ("pairs", "few"),
    [
        ([(STRATA[0], True, 19), (STRATA[0], None, 500)], [STRATA[0]]),
        ([(STRATA[0], True, 40), (STRATA[3], True, 5), (STRATA[3], None, 90)], [STRATA[3]]),
    ],
)
def test_too_few_verdicts_are_said_to_be_too_few(pairs, few) -> None:
    found = estimate(judged(*pairs), NOTHING_LOST)

    assert found.too_few == few
    assert found.recall.value is None
    assert (found.precision.value is None) == (few == [STRATA[0]])


def test_recall_is_not_told_without_an_estimate_of_what_blocking_lost() -> None:
    found = estimate(judged((STRATA[0], True, 40)), Lost(None, None, None, 9, (5, 4)))

    assert found.precision.value == 1.0
    assert found.recall.value is None


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    chance = np.random.default_rng(7)
    sizes, shares = (5_000, 600, 400, 2_000, 9_000), (0.995, 0.8, 0.4, 0.05, 0.002)
    right = sum(n * p for n, p in zip(sizes[:2], shares[:2], strict=True))
    all_right = sum(n * p for n, p in zip(sizes, shares, strict=True))
    held = {"precision": 0, "recall": 0}

    for _ in range(300):
        rows = []
        for name, size, share in zip(STRATA, sizes, shares, strict=True):
            same = int(chance.binomial(60, share))
            rows += [(name, True, same), (name, False, 60 - same), (name, None, size - 60)]
        found = estimate(judged(*rows), NOTHING_LOST)
        held["precision"] += found.precision.low <= right / sum(sizes[:2]) <= found.precision.high
        held["recall"] += found.recall.low <= right / all_right <= found.recall.high

    assert held["precision"] > 270
    assert held["recall"] > 270


def test_a_band_is_put_together_from_its_strata_by_their_size() -> None:
    pairs = judged(
        (STRATA[0], True, 50), (STRATA[0], None, 850),
        (STRATA[1], True, 25), (STRATA[1], False, 25), (STRATA[1], None, 50),
        (STRATA[3], False, 20), (STRATA[3], None, 5), (STRATA[4], None, 100),
    )  # fmt: skip

    found = estimate(pairs, NOTHING_LOST)
    linked, review, apart = by_band(found)

    assert (linked.pairs, linked.judged, linked.same) == (1_000, 100, 75)
    assert linked.share == found.precision
    assert (review.pairs, review.share.value) == (0, None)
    assert (apart.judged, apart.share.value) == (20, None)  # of those far apart nobody said a word
