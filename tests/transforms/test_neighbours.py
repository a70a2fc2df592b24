"""Whom changed records concern: those that share a live key, and those whose keys flipped."""

import tomllib
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.matching import Matching
from transforms import neighbours
from transforms.block import block_keys, capped_keys
from transforms.neighbours import Around, keys_in

ROOT = Path(__file__).parents[2]
ALL_RULES = Matching.model_validate(tomllib.loads((ROOT / "rules" / "matching.toml").read_text()))
RULES = ALL_RULES.model_copy(
    update={
        "max_block": 2,
        "blocking": tuple(
            rule.model_copy(update={"max_block": None}) for rule in ALL_RULES.blocking[1:3]
        ),
    }
)
COLUMNS = block_keys(RULES)
"""Two for the first rule, `phone`, and one for the second."""


def keyed(rows: list[tuple[int | None, ...]]) -> pl.DataFrame:
    """Records 0, 1, … with these keys; a key of the second rule is told by a number above 10."""
    frame = pl.DataFrame(rows, dict.fromkeys(COLUMNS, pl.Int64), orient="row")
    return frame.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("record_number"),
        *COLUMNS[:2],
        pl.col(COLUMNS[2]) + 10,
    )


def capped(keys: pl.DataFrame) -> pl.DataFrame:
    return capped_keys(keys, RULES).select("rule", "key")


def look_around(
    keys: pl.DataFrame, before: pl.DataFrame, changed: list[int], capped: pl.DataFrame
) -> Around:
    now = keys.filter(pl.col("record_number").is_in(changed))
    return neighbours.look_around(keys_in(keys), before, now, capped, RULES)


def keys_of(keys: pl.DataFrame, record: int) -> set[int]:
    return set(keys.filter(pl.col("record_number") == record).row(0)[1:]) - {None}


def test_a_record_that_shares_a_key_is_a_neighbour_unless_the_key_is_capped() -> None:
    keys = keyed([(1, None, 1), (None, 1, 2), (2, None, 1), (3, None, 1), (3, None, None)])
    around = look_around(keys, keys.clear(), [0], capped(keys))
    assert around.touched.to_list() == []
    assert around.neighbours.to_list() == [1]


def test_a_key_that_one_record_too_many_shares_concerns_all_who_share_it() -> None:
    keys = keyed([(1, None, 1), (1, None, 1), (1, None, 2), (4, None, 2)])
    none = pl.DataFrame(schema={"rule": pl.String, "key": pl.Int64})
    around = look_around(keys, keys.clear(), [2], none)
    assert around.capped.rows() == [("phone", 1)]
    assert sorted(around.touched) == [0, 1]
    assert around.neighbours.to_list() == [3]


def test_a_key_that_nobody_shares_any_more_ceases_to_be_capped() -> None:
    keys = keyed([(1, None, None), (None, None, 5)])
    before = keyed([(None, None, None), (1, None, None)]).tail(1)
    was = pl.DataFrame({"rule": ["phone", "phone"], "key": [1, 7]})
    around = look_around(keys, before, [1], was)
    assert around.capped.rows() == [("phone", 7)]
    assert around.touched.to_list() == [0]


KEY = st.sampled_from([None, 1, 2, 3, 4])
ROWS = st.lists(st.tuples(KEY, KEY, KEY), min_size=6, max_size=12)


@pytest.mark.parametrize("few", [0, 1 << 14], ids=["by their last bits", "by the set alone"])
@settings(max_examples=40, deadline=None)
@given(ROWS, st.data())
def test_what_is_capped_and_who_is_concerned_is_what_counting_all_records_says(
    few: int, rows: list[tuple[int | None, ...]], data: st.DataObject
) -> None:
    old = keyed(rows)
    changed = data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1, max_size=4))
    new = keyed([data.draw(st.tuples(KEY, KEY, KEY)) if n in changed else row
                 for n, row in enumerate(rows)])  # fmt: skip
    is_changed = pl.col("record_number").is_in(changed)
    with patch.object(neighbours, "FEW", few):
        around = look_around(new, old.filter(is_changed), sorted(changed), capped(old))
    was, now = set(capped(old).rows()), set(capped(new).rows())
    assert set(around.capped.rows()) == now
    flipped = {key for _, key in was ^ now}
    rest = set(range(len(rows))) - changed
    touched = {record for record in rest if keys_of(new, record) & flipped}
    assert set(around.touched) == touched
    live = {key for record in changed | touched for key in keys_of(new, record)}
    live -= {key for _, key in now}
    assert set(around.neighbours) == {r for r in rest - touched if keys_of(new, r) & live}
