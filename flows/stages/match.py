"""Match: score the pairs that changed records are in."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from flows.run import Counts, Run
from flows.stages.ignored import ignored_in, keep_ignored
from rules.matching import Matching
from store.errors import TouchstoneError
from store.rulebook import Rulebook
from store.warehouse import Warehouse
from transforms.block import (
    NODE_SCHEMA,
    READ_FROM,
    block_keys,
    cap_keys,
    capped_keys,
    find_pairs,
    without_worn,
)
from transforms.budget import TooManyPairsError
from transforms.ignore import without_ignored
from transforms.match import MatchModel, prepare_nodes, score_found
from transforms.neighbours import FEW, Keys, keys_in, look_around
from transforms.standardise.keys import KEYS, MADE_OF, record_keys

RECORD = "record_number"
_COMPARED = [READ_FROM.get(column, column) for column in NODE_SCHEMA]
_READ = dict.fromkeys([*MADE_OF, *(column for column in _COMPARED if column not in KEYS)])
CURRENT = f"""
    select {", ".join(f"s.{column}" for column in _READ)}
    from valid.records v semi join {{which}} using (record_number)
    join std.records s on s.arrival = v.arrival
    order by v.record_number"""
"""In the order of their numbers, so that many need not be put in order again to be compared."""


def match_records(run: Run, warehouse: Warehouse) -> Counts:
    """Score changed records against all; pairs of records that did not change stay as they are."""
    rules = run.rulebook.matching
    _make_tables(warehouse, rules)
    keep_ignored(run, warehouse)
    if warehouse.is_empty("change.records"):
        warehouse.execute("delete from change.pairs")
        return _counted(warehouse, 0, 0)
    nodes = read_nodes(run.rulebook, warehouse, "change.records")
    before = warehouse.read("from match.keys semi join change.records using (record_number)")
    warehouse.replace("match.keys", nodes.select(RECORD, *block_keys(rules)), RECORD)
    warehouse.execute("delete from change.pairs")
    warehouse.insert("change.pairs", nodes.select(RECORD))
    if nodes.is_empty() and before.is_empty():
        return _counted(warehouse, 0, 0)
    nodes, matched, capped = _with_others(run, warehouse, nodes, before)
    warehouse.execute("delete from match.capped")
    warehouse.insert("match.capped", capped)
    if not matched:
        return _counted(warehouse, 0, 0)
    pairs = _find(nodes, matched, capped["key"], rules)
    nodes = without_worn(nodes, capped["key"], rules)
    nodes = nodes.drop(block_keys(rules))  # those of five million records take a gigabyte
    scored = score_found(nodes, pairs, model_of(run), rules)
    _write_pairs(warehouse, scored)
    return _counted(warehouse, matched, scored.height)


def _counted(warehouse: Warehouse, matched: int, scored: int) -> Counts:
    capped = warehouse.one("select count(*) from match.capped")
    return {"records_matched": matched, "pairs_scored": scored, "keys_capped": capped}


def model_of(run: Run) -> MatchModel:
    """The dated model that this run matches with."""
    model = run.rulebook.model
    return MatchModel(model.settings, model.frequencies, model.manifest.prior)


def _make_tables(warehouse: Warehouse, rules: Matching) -> None:
    keys = ", ".join(f"{key} bigint" for key in block_keys(rules))
    warehouse.execute(f"create table if not exists match.keys (record_number bigint, {keys})")
    weights = ", ".join(f"w_{name} double, level_{name} tinyint" for name in rules.comparisons)
    warehouse.execute(
        "create table if not exists match.pairs (record_a bigint, record_b bigint, "
        f"evidence double, kinship double, {weights}, found_by integer)"
    )
    warehouse.execute("create table if not exists match.capped (rule varchar, key bigint)")


def _with_others(
    run: Run, warehouse: Warehouse, nodes: pl.DataFrame, before: pl.DataFrame
) -> tuple[pl.DataFrame, int, pl.DataFrame]:
    """All nodes whose pairs are scored again, behind them those they may pair with.

    With how many the first are, and the capped keys.
    """
    count = warehouse.one("select count(*) from match.keys")
    if nodes.height == count:
        whole = capped_keys(nodes, run.rulebook.matching).select("rule", "key")
        return nodes, nodes.height, whole
    was_capped = warehouse.read("from match.capped")
    now = nodes.select(RECORD, *block_keys(run.rulebook.matching))
    touched, neighbours, capped = look_around(
        _all_keys(warehouse, count), before, now, was_capped, run.rulebook.matching
    )
    warehouse.insert("change.pairs", touched.to_frame())
    wanted = pl.concat([touched, neighbours]).to_frame()
    unchanged = read_nodes(run.rulebook, warehouse, "wanted", wanted=wanted)
    is_touched = pl.col(RECORD).is_in(touched.implode())
    again = pl.concat([nodes, unchanged.filter(is_touched)])
    return pl.concat([again, unchanged.filter(~is_touched)]), again.height, capped


def _all_keys(warehouse: Warehouse, count: int) -> Keys:
    if count < FEW:
        return keys_in(warehouse.read("from match.keys"))

    def columns(names: Sequence[str]) -> pl.DataFrame:
        return warehouse.read(f"select {', '.join([RECORD, *names])} from match.keys")

    def of(records: pl.Series) -> pl.DataFrame:
        of_these = "from match.keys semi join records using (record_number)"
        return warehouse.read(of_these, records=records.to_frame(RECORD))

    return Keys(count, columns, of)


def read_nodes(
    rulebook: Rulebook, warehouse: Warehouse, which: str, **frames: pl.DataFrame
) -> pl.DataFrame:
    """The nodes of the records that the table `which` names."""
    current = warehouse.read(CURRENT.format(which=which), **frames)
    keyed = without_ignored(record_keys(current, rulebook.lookups), ignored_in(warehouse))
    return prepare_nodes(keyed, rulebook.matching)


def read_scored_nodes(
    rulebook: Rulebook, warehouse: Warehouse, which: str, **frames: pl.DataFrame
) -> pl.DataFrame:
    """As `read_nodes`, without what too many records shared when pairs were last scored."""
    nodes = read_nodes(rulebook, warehouse, which, **frames)
    if not warehouse.has("match.capped"):
        return nodes
    return cap_keys(nodes, warehouse.read("from match.capped"), rulebook.matching)


def _find(nodes: pl.DataFrame, matched: int, capped: pl.Series, rules: Matching) -> pl.DataFrame:
    """The pairs of the first so many nodes, among themselves and with the others."""
    try:
        return find_pairs(nodes, rules, np.arange(nodes.height) < matched, capped)
    except TooManyPairsError as error:
        raise TouchstoneError(f"The night was stopped: {error}, then run again.") from error


def _write_pairs(warehouse: Warehouse, pairs: pl.DataFrame) -> None:
    warehouse.execute(
        "delete from match.pairs where record_a in (from change.pairs) "
        "or record_b in (from change.pairs)"
    )
    warehouse.insert("match.pairs", pairs)
