from itertools import combinations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.evaluate import (
    score,
    score_by_size,
    score_by_source,
    share_of,
    true_pairs,
    weigh_thresholds,
    wilson,
)

ROWS = st.lists(
    st.tuples(st.sampled_from("ABCDE"), st.sampled_from("pqrs"), st.sampled_from("xyz")),
    min_size=1,
    max_size=25,
)


def members_of(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
    numbered = [(record, *row) for record, row in enumerate(rows)]
    return pl.DataFrame(numbered, schema=["record", "cluster", "entity", "source"], orient="row")


def count_pairs(rows: list[tuple[str, str, str]], source: str | None) -> tuple[int, int, int]:
    """Pairs put together, truly together, and both, one by one."""
    together = true = right = 0
    for one, other in combinations(rows, 2):
        if source is not None and source not in {one[2], other[2]}:
            continue
        together += one[0] == other[0]
        true += one[1] == other[1]
        right += one[:2] == other[:2]
    return together, true, right


def b_cubed(rows: list[tuple[str, str, str]], source: str | None) -> tuple[float, float]:
    """Precision and recall of each record's company, one by one."""
    mine = [row for row in rows if source in {None, row[2]}]
    precision = recall = 0.0
    for row in mine:
        same = sum(row[:2] == other[:2] for other in rows)
        precision += same / sum(row[0] == other[0] for other in rows)
        recall += same / sum(row[1] == other[1] for other in rows)
    return precision / len(mine), recall / len(mine)


@given(ROWS)
def test_the_scores_are_those_of_counting_every_pair(rows: list[tuple[str, str, str]]) -> None:
    found = score(members_of(rows))

    together, true, right = count_pairs(rows, None)
    assert (found.pairwise.precision.out_of, found.pairwise.recall.out_of) == (together, true)
    assert found.pairwise.precision == share_of(right, together)
    assert found.pairwise.recall == share_of(right, true)
    precision, recall = b_cubed(rows, None)
    assert found.b_cubed.precision.value == pytest.approx(precision)
    assert found.b_cubed.recall.value == pytest.approx(recall)


@given(ROWS)
def test_a_source_is_scored_by_the_pairs_that_touch_it(rows: list[tuple[str, str, str]]) -> None:
    found = score_by_source(members_of(rows))

    assert set(found) == {row[2] for row in rows}
    for source, scored in found.items():
        together, true, right = count_pairs(rows, source)
        assert scored.pairwise.precision == share_of(right, together)
        assert scored.pairwise.recall == share_of(right, true)
        precision, recall = b_cubed(rows, source)
        assert scored.b_cubed.precision.value == pytest.approx(precision)
        assert scored.b_cubed.recall.value == pytest.approx(recall)


@given(ROWS)
def test_the_sizes_add_up_to_the_whole(rows: list[tuple[str, str, str]]) -> None:
    bands = score_by_size(members_of(rows))

    together, true, _ = count_pairs(rows, None)
    assert sum(band.precision.out_of for band in bands) == together
    assert sum(band.recall.out_of for band in bands) == true
    assert sum(band.customers for band in bands) == len({row[0] for row in rows})
    assert sum(band.people for band in bands) == len({row[1] for row in rows})
    mixed = {c for c in {r[0] for r in rows} if len({r[1] for r in rows if r[0] == c}) > 1}
    assert sum(band.over_merged for band in bands) == len(mixed)


def test_a_customer_of_two_people_is_too_much_and_a_person_of_two_customers_too_little() -> None:
    rows = [("A", "p", "x"), ("A", "q", "x"), ("B", "q", "x")]

    bands = {band.size: band for band in score_by_size(members_of(rows))}

    assert (bands["2"].customers, bands["2"].over_merged) == (1, 1)
    assert (bands["2"].people, bands["2"].over_split) == (1, 1)
    assert bands["2"].precision.value == 0.0


def test_nothing_put_together_has_no_precision() -> None:
    found = score(members_of([("A", "p", "x"), ("B", "p", "x")])).pairwise

    assert found.precision.value is None
    assert found.recall.value == 0.0
    assert found.f1 is None


def test_the_interval_is_wilsons() -> None:
    found = wilson(0.9, 100)

    assert found.low == pytest.approx(0.8256, abs=1e-4)
    assert found.high == pytest.approx(0.9448, abs=1e-4)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_interval_holds_its_value_and_stays_a_share(count: int, value: float) -> None:
    found = wilson(value, count)

    assert found.low is not None
    assert found.high is not None
    assert -1e-12 <= found.low <= value + 1e-12
    assert value - 1e-12 <= found.high <= 1 + 1e-12


def test_a_lower_threshold_links_more_and_finds_more() -> None:
    pairs = pl.DataFrame({"match_weight": [1.0, 5.0, 9.0], "is_same": [False, True, True]})

    low, middle, high = weigh_thresholds(pairs, 4, [0.0, 5.0, 6.0])

    assert (low.pairs_linked, low.precision, low.recall) == (3, share_of(2, 3), share_of(2, 4))
    assert (middle.pairs_linked, middle.precision.value) == (2, 1.0)
    assert (high.pairs_linked, high.recall) == (1, share_of(1, 4))


def test_true_pairs_are_those_of_each_person() -> None:
    rows = [("A", "p", "x"), ("B", "p", "x"), ("C", "p", "x"), ("D", "q", "x"), ("E", "q", "x")]

    assert true_pairs(members_of(rows)) == 4
