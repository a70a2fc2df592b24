"""What a stricter link threshold is expected to win and to cost."""

import polars as pl
import pytest

from transforms.strictness import weigh_strictness

LINKS = {"record_a": pl.Int64, "record_b": pl.Int64, "match_weight": pl.Float64}


def links(*rows: tuple[int, int, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=LINKS, orient="row")


def members(**customers: list[int]) -> pl.DataFrame:
    rows = [(record, min(records)) for records in customers.values() for record in records]
    return pl.DataFrame(rows, schema={"record_number": pl.Int64, "founder": pl.Int64}, orient="row")


def test_a_join_of_three_bits_is_wrong_once_in_nine_times() -> None:
    now, *_ = weigh_strictness(members(a=[1, 2], b=[3]), links((1, 2, 3.0)), 1.0)

    assert now.threshold == 1.0
    assert now.over_merged == pytest.approx(1 / 9 / 2)
    assert now.given_up == 0.0


def test_three_records_hang_together_by_their_two_strongest_links() -> None:
    of = links((1, 2, 10.0), (2, 3, 8.0), (1, 3, 1.0))

    found = weigh_strictness(members(a=[1, 2, 3]), of, 1.0)

    assert [one.joins_given_up for one in found] == [0] * len(found)


def test_a_stricter_threshold_gives_up_the_joins_below_it() -> None:
    of = links((1, 2, 20.0), (3, 4, 2.0))

    found = {one.threshold: one for one in weigh_strictness(members(a=[1, 2], b=[3, 4]), of, 1.0)}

    assert found[3.0].joins_given_up == 1
    assert found[3.0].given_up == pytest.approx(0.8 / 1.8, rel=1e-4)
    assert found[3.0].over_merged < found[1.0].over_merged


def test_links_that_clustering_refused_count_for_nothing() -> None:
    now, *_ = weigh_strictness(members(a=[1], b=[2]), links((1, 2, 2.0)), 1.0)

    assert (now.over_merged, now.joins_given_up) == (0.0, 0)


def test_without_records_nothing_is_expected() -> None:
    now, *_ = weigh_strictness(members(), links(), 1.0)

    assert (now.over_merged, now.given_up, now.joins_given_up) == (0.0, 0.0, 0)
