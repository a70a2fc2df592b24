"""Find the records that changed records concern: who shares a key, and whose keys are capped now.

Whether a key is too common is worked out over all records. So when it changes for a key, all
records that share it are in the change set.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import polars as pl

from rules.matching import Matching
from transforms.block import key_columns, keys_by_rule, tall_keys

_RECORD = "record_number"

_BITS = 20
_LAST = np.int64((1 << _BITS) - 1)
FEW = 1 << 14
"""Fewer records are looked through all at once."""


class Keys(NamedTuple):
    """The keys of all records as they are now, a few columns at a time: all take much memory."""

    records: int
    """How many there are."""
    columns: Callable[[Sequence[str]], pl.DataFrame]
    """`record_number` and these key columns, of all records in whatever order."""
    of: Callable[[pl.Series], pl.DataFrame]
    """All columns, of the records of these numbers."""


def keys_in(frame: pl.DataFrame) -> Keys:
    """The keys that a frame holds whole."""

    def columns(names: Sequence[str]) -> pl.DataFrame:
        return frame.select(_RECORD, *names)

    def of(records: pl.Series) -> pl.DataFrame:
        return frame.filter(pl.col(_RECORD).is_in(records.implode()))

    return Keys(frame.height, columns, of)


class Around(NamedTuple):
    """Unchanged records that are looked at because of the changed ones."""

    touched: pl.Series
    """They hold a key that began or ceased to be capped: their pairs are scored again."""
    neighbours: pl.Series
    """They share a live key with a record whose pairs are scored again."""
    capped: pl.DataFrame
    """All keys that too many records share now: `rule`, `key`."""


def look_around(
    keys: Keys, before: pl.DataFrame, now: pl.DataFrame, capped: pl.DataFrame, rules: Matching
) -> Around:
    """Look around the records that changed.

    `before` has their keys as they were, `now` as they are among all `keys`; `capped` (`rule`,
    `key`) is what was capped then.
    """
    changed = now[_RECORD]
    asked = _asked(before.select(now.columns), now, capped, rules)
    held = _holders(keys, asked, rules)
    flipped = _flipped_keys(held, asked, capped, rules)
    holders = pl.concat(held.values())
    concerned = holders.filter(pl.col("key").is_in(flipped["key"].implode()))[_RECORD].unique()
    touched = concerned.filter(~concerned.is_in(changed.implode()))
    if touched.len():
        theirs = keys.of(touched).select(now.columns)
        now = pl.concat([now, theirs])
        more = _holders(keys, keys_by_rule(theirs, rules), rules)
        holders = pl.concat([holders, *more.values()])
    capped_now = pl.concat(
        [
            capped.join(flipped, on=["rule", "key"], how="anti"),
            flipped.filter("is_capped").select("rule", "key"),
        ]
    )
    return Around(touched, _sharing(holders, now, capped_now, rules), capped_now)


def _asked(
    before: pl.DataFrame, now: pl.DataFrame, capped: pl.DataFrame, rules: Matching
) -> dict[str, pl.Series]:
    """The keys of which it may have changed who shares them: for each rule, each once.

    A key that was capped still is, unless a record has given it up. Most records hold some such
    key with thousands of others, who need not be looked at for it.
    """
    given_up = keys_by_rule(before, rules)
    asked = keys_by_rule(pl.concat([before, now]), rules)
    if capped.is_empty():
        return asked
    return {
        rule: keys.filter(
            ~keys.is_in(capped["key"].implode()) | keys.is_in(given_up[rule].implode())
        )
        for rule, keys in asked.items()
    }


def _holders(keys: Keys, asked: dict[str, pl.Series], rules: Matching) -> dict[str, pl.DataFrame]:
    """For each rule, which records hold one of the keys: `key`, `record_number`, each once."""
    named = key_columns(rules)
    if keys.records < FEW:
        tall = tall_keys(keys.columns([*chain(*named.values())]), rules, _RECORD)
        return {
            rule: tall.filter(pl.col("rule") == rule, pl.col("key").is_in(theirs.implode())).select(
                "key", _RECORD
            )
            for rule, theirs in asked.items()
        }
    return {rule: _holding(keys.columns(named[rule]), theirs) for rule, theirs in asked.items()}


def _holding(keys: pl.DataFrame, asked: pl.Series) -> pl.DataFrame:
    """Which of these records hold one of the keys: `key`, `record_number`, each once."""
    _, *columns = keys.columns
    parts = []
    for number, column in enumerate(columns):
        rows = _rows_with(keys[column], asked)
        part = keys.select(_RECORD, *columns[:number], pl.col(column).alias("key"))[rows]
        for earlier in columns[:number]:  # a record may hold a key twice
            part = part.filter(pl.col(earlier).ne_missing(pl.col("key")))
        parts.append(part.select("key", _RECORD))
    return pl.concat(parts)


def _rows_with(keys: pl.Series, asked: pl.Series) -> pl.Series:
    """Where one of the keys stands.

    Of a million rows nearly all hold another key, and most of those are told by their last bits:
    a table that fits the processor's cache is asked before the set of keys is.
    """
    is_asked = np.zeros(1 << _BITS, dtype=np.bool_)
    is_asked[asked.drop_nulls().to_numpy() & _LAST] = True
    maybe = np.flatnonzero(is_asked[keys.fill_null(0).to_numpy() & _LAST])
    rows = pl.Series(maybe, dtype=pl.UInt32)
    return rows.filter(keys.gather(rows).is_in(asked.implode()).fill_null(value=False))


def _flipped_keys(
    held: dict[str, pl.DataFrame],
    asked: dict[str, pl.Series],
    capped: pl.DataFrame,
    rules: Matching,
) -> pl.DataFrame:
    """The keys of which it changed whether too many share them: `rule`, `key`, `is_capped`."""
    limits = {rule.name: rules.max_block_of(rule) for rule in rules.blocking}
    are_capped = pl.concat(
        [
            capped.clear(),
            *(
                frame.group_by("key")
                .len()
                .filter(pl.col("len") > limits[rule])
                .select(pl.lit(rule).alias("rule"), "key")
                for rule, frame in held.items()
                if frame.height > limits[rule]
            ),
        ]
    )
    were_capped = capped.filter(pl.col("key").is_in(pl.concat(asked.values()).implode()))
    began = are_capped.join(were_capped, on=["rule", "key"], how="anti")
    ceased = were_capped.join(are_capped, on=["rule", "key"], how="anti")
    return pl.concat([began.with_columns(is_capped=True), ceased.with_columns(is_capped=False)])


def _sharing(
    holders: pl.DataFrame, now: pl.DataFrame, capped: pl.DataFrame, rules: Matching
) -> pl.Series:
    """Who else holds a key that is not capped and that one of the records has `now`."""
    live = pl.concat(keys_by_rule(now, rules).values())
    sharing = holders.filter(
        pl.col("key").is_in(live.implode()), ~pl.col("key").is_in(capped["key"].implode())
    )[_RECORD].unique()
    return sharing.filter(~sharing.is_in(now[_RECORD].implode()))
