"""Find the records that share a block key with a record that is asked about.

The keys of all records lie sorted, each beside the place of its record in the cabinet. A key that
too many records share finds nothing, here as in a run. What records are compared by is worked out
once for a snapshot and mapped into memory.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from rules.lookups import Lookups
from rules.matching import Matching
from store.cabinet import Cabinet, mapped
from transforms.arithmetic import Arithmetic
from transforms.block import key_columns
from transforms.match import prepare_nodes
from transforms.standardise.contact_keys import phone_keys
from transforms.standardise.keys import record_keys

_TOGETHER = 200_000
"""Records whose keys are worked out at once; it bounds the memory."""


class Blocks(NamedTuple):
    """Every live key of every record, sorted."""

    keys: NDArray[np.int64]
    places: NDArray[np.uint32]
    """In the cabinet's drawer of records."""
    nodes: list[pa.RecordBatch]
    """The records as they are compared, in that order."""

    def at(self, places: NDArray[np.int64]) -> pl.DataFrame:
        """The nodes at these places, of which there is one at least, in order."""
        batches = places // _TOGETHER
        return pl.concat(
            pl.DataFrame(self.nodes[number].take(pa.array(places[batches == number] % _TOGETHER)))
            for number in np.unique(batches)
        )

    def sharing(self, keys: list[int]) -> NDArray[np.int64]:
        """The places of the records that share one of these keys, each once."""
        first = np.searchsorted(self.keys, keys)
        last = np.searchsorted(self.keys, keys, side="right")
        found = [self.places[start:end] for start, end in zip(first, last, strict=True)]
        return np.unique(np.concatenate([*found, self.places[:0]])).astype(np.int64)


def as_nodes(
    records: pl.DataFrame,
    rules: Matching,
    lookups: Lookups,
    kept: Arithmetic | None = None,
) -> pl.DataFrame:
    """Standardised records as nodes, with their block keys."""
    return prepare_nodes(record_keys(records, lookups), rules, kept)


def lay_out_blocks(cabinet: Cabinet, rules: Matching, lookups: Lookups, folder: Path) -> Blocks:
    """The keys of all records of a snapshot, but for those that too many share."""
    parts: dict[str, list[tuple[NDArray[np.int64], NDArray[np.uint32]]]] = {}
    batches = []
    for start in range(0, cabinet.records.founders.size, _TOGETHER):
        said = pl.DataFrame(cabinet.records.rows.slice(start, _TOGETHER))
        nodes = as_nodes(said.with_columns(**_phone_keys(said)), rules, lookups)
        places = np.arange(start, start + nodes.height, dtype=np.uint32)
        for rule, columns in key_columns(rules).items():
            parts.setdefault(rule, []).extend(_held(nodes[name], places) for name in columns)
        batches.append(mapped(nodes.to_arrow().combine_chunks(), folder))
    limits = {rule.name: rules.max_block_of(rule) for rule in rules.blocking}
    live = [_live(parts.pop(rule), limits[rule]) for rule in list(parts)]
    keys = np.concatenate([np.empty(0, np.int64), *(keys for keys, _ in live)])
    places_of = np.concatenate([np.empty(0, np.uint32), *(places for _, places in live)])
    order = np.argsort(keys, kind="stable")
    return Blocks(keys[order], places_of[order], batches)


def _held(
    column: pl.Series, places: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    return column.drop_nulls().to_numpy(), places[column.is_not_null().to_numpy()]


def _live(
    held: list[tuple[NDArray[np.int64], NDArray[np.uint32]]], limit: int
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """The keys of one rule that no more than `limit` records share, in order."""
    keys = np.concatenate([keys for keys, _ in held])
    places = np.concatenate([places for _, places in held])
    order = np.argsort(keys)
    keys, places = keys[order], places[order]
    begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if keys.size else order
    counts = np.diff(begins, append=keys.size)
    for number in np.flatnonzero(counts > limit):  # a record may have a key twice
        here = slice(begins[number], begins[number] + counts[number])
        counts[number] = np.unique(places[here]).size
    is_live = np.repeat(counts <= limit, np.diff(begins, append=keys.size))
    return keys[is_live], places[is_live]


def _phone_keys(records: pl.DataFrame) -> dict[str, pl.Expr | pl.Series]:
    """Keys of the numbers that are valid: of others the snapshot has no text."""
    return {
        f"{name}_key": records.select(
            raw=pl.lit(None, pl.String), value=name, reason=pl.lit(None, pl.String)
        )
        .select(phone_keys())
        .to_series()
        for name in ("phone", "phone_2")
    }
