"""Find the records that share a block key with a record that is asked about.

The keys of all records lie sorted, each beside the place of its record in the cabinet. A key that
too many records share finds nothing, here as in a run. What records are compared by is worked out
once for a snapshot and mapped into memory.
"""

import itertools
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from rules.lookups import Lookups
from rules.matching import Matching
from store.cabinet import Cabinet
from store.laid_out import LaidOut
from store.rulebook import Rulebook
from transforms.arithmetic import Arithmetic
from transforms.block import key_columns, number_keys
from transforms.ignore import Ignored, ignored_of, without_ignored
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
    worn: pl.Series
    """Keys of person numbers that too many records share."""
    nodes: list[pa.RecordBatch]
    """The records as they are compared, in that order."""

    def at(self, places: NDArray[np.int64]) -> pl.DataFrame:
        """The nodes at these places, of which there is one at least, in order."""
        batches = places // _TOGETHER
        found = [
            self.nodes[number].take(pa.array(places[batches == number] % _TOGETHER))
            for number in np.unique(batches)
        ]
        return pl.DataFrame(pa.Table.from_batches(found).combine_chunks())

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
    ignored: Ignored,
    kept: Arithmetic | None = None,
) -> pl.DataFrame:
    """Standardised records as nodes, with their block keys."""
    return prepare_nodes(without_ignored(record_keys(records, lookups), ignored), rules, kept)


def ignored_by(cabinet: Cabinet) -> Ignored:
    """What the run that published this snapshot left out of matching."""
    if not cabinet.ignored:
        return {}
    schema = {"contact": pl.String, "digest": pl.String}
    return ignored_of(pl.DataFrame(cabinet.ignored, schema=schema, orient="row"))


def lay_out_blocks(cabinet: Cabinet, rules: Matching, lookups: Lookups, place: LaidOut) -> Blocks:
    """The keys of all records of a snapshot, but for those that too many share."""
    batches = [
        place.rows(f"nodes-{number}.arrow", partial(_nodes, cabinet, rules, lookups, start))
        for number, start in enumerate(range(0, cabinet.records.founders.size, _TOGETHER))
    ]
    worn = place.rows("worn.arrow", partial(_worn, batches, rules))
    keys = place.rows("keys.arrow", partial(_keys, batches, rules))  # last: by it all are known
    return Blocks(
        keys.column("key").to_numpy(),
        keys.column("place").to_numpy(),
        pl.Series(worn.column("key")),
        batches,
    )


def made_by(rules: Matching, rulebook: Rulebook) -> tuple[str, ...]:
    """What blocks follow from, beside the snapshot."""
    return (rulebook.digest("lookups"), rules.model_dump_json())


def _nodes(cabinet: Cabinet, rules: Matching, lookups: Lookups, start: int) -> pa.Table:
    """Some of the records as they are compared."""
    said = pl.DataFrame(cabinet.records.rows.slice(start, _TOGETHER))
    keyed = said.with_columns(**_phone_keys(said))
    nodes = as_nodes(keyed, rules, lookups, ignored_by(cabinet))
    return nodes.to_arrow().combine_chunks()


def _keys(batches: list[pa.RecordBatch], rules: Matching) -> pa.Table:
    """The live keys of all rules and the places of their records, sorted by key."""
    limits = {rule.name: rules.max_block_of(rule) for rule in rules.blocking}
    live = []
    for rule, columns in key_columns(rules).items():
        parts = [
            _held(pl.Series(batch.column(name)), start)
            for start, batch in zip(itertools.count(0, _TOGETHER), batches, strict=False)
            for name in columns
        ]
        live.append(_live(parts, limits[rule]))
    keys = np.concatenate([np.empty(0, np.int64), *(keys for keys, _ in live)])
    places = np.concatenate([np.empty(0, np.uint32), *(places for _, places in live)])
    order = np.argsort(keys, kind="stable")
    return pa.table({"key": keys[order], "place": places[order]})


def _worn(batches: list[pa.RecordBatch], rules: Matching) -> pa.Table:
    """The keys of person numbers that more records share than their rule allows."""
    nothing = pl.Series("key", [], pl.Int64)
    worn = [nothing]
    for rule in rules.blocking:
        for name in {*key_columns(rules)[rule.name]} & {*number_keys(rules)}:
            held = (pl.Series("key", batch.column(name)) for batch in batches)
            counted = pl.concat([nothing, *held]).drop_nulls().value_counts()
            worn.append(counted.filter(pl.col("count") > rules.max_block_of(rule))["key"])
    return pl.concat(worn).unique().sort().to_frame().to_arrow()


def _held(column: pl.Series, start: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    places = column.is_not_null().arg_true().to_numpy() + np.uint32(start)
    return column.drop_nulls().to_numpy(), places


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
