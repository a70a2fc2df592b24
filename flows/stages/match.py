"""Match: score the pairs that changed records are in."""

import polars as pl

from flows.run import Counts, Run
from rules.matching import Matching
from store.errors import TouchstoneError
from store.warehouse import Warehouse
from transforms.block import NODE_SCHEMA, block_keys, cap_keys, key_columns
from transforms.budget import TooManyPairsError
from transforms.match import MatchModel, prepare_nodes, score_pairs
from transforms.standardise.keys import KEYS, MADE_OF, record_keys

_READ = dict.fromkeys([*MADE_OF, *(column for column in NODE_SCHEMA if column not in KEYS)])
CURRENT = f"""
    select {", ".join(f"s.{column}" for column in _READ)}
    from valid.records v semi join {{which}} using (record_number)
    join std.records s on s.arrival = v.arrival"""


def match_records(run: Run, warehouse: Warehouse) -> Counts:
    """Score changed records against all; pairs of records that did not change stay as they are."""
    rules = run.rulebook.matching
    nodes = _read_nodes(run, warehouse, "change.records")
    _make_tables(warehouse, rules)
    flipped = _replace_keys(warehouse, nodes, rules)
    others = _write_touched(warehouse, nodes, flipped)
    if others:
        nodes = pl.concat([nodes, _nodes(run, warehouse, others)])
    pairs = _score(run, warehouse, nodes) if nodes.height else None
    _write_pairs(warehouse, pairs)
    return {
        "records_matched": nodes.height,
        "pairs_scored": 0 if pairs is None else pairs.height,
        "keys_capped": warehouse.one("select count(*) from match.capped"),
    }


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


def _replace_keys(warehouse: Warehouse, nodes: pl.DataFrame, rules: Matching) -> pl.DataFrame:
    """Put the changed records' keys in place; find the keys that began or ceased to be capped.

    Whether a key is too common is worked out over all records. So when it changes for a key, all
    records that share it are in the change set.
    """
    columns = block_keys(rules)
    touched = "select {key} from match.keys semi join change.records using (record_number)"
    before = {key: warehouse.read(touched.format(key=key)).to_series() for key in columns}
    warehouse.replace("match.keys", nodes.select("record_number", *columns), "record_number")
    is_all = nodes.height == warehouse.one("select count(*) from match.keys")
    counted = pl.concat(
        _count(
            warehouse,
            rule,
            keys,
            rules,
            None if is_all else pl.concat([*(before[key] for key in keys), *nodes[keys]]),
        )
        for rule, keys in key_columns(rules).items()
    )
    flipped = warehouse.read(
        "select c.rule, c.key, c.is_capped from counted c left join match.capped m "
        "using (rule, key) where c.is_capped <> (m.key is not null)",
        counted=counted,
    )
    warehouse.execute(
        "delete from match.capped where key in (select key from flipped where not is_capped)",
        flipped=flipped,
    )
    warehouse.insert("match.capped", flipped.filter("is_capped").select("rule", "key"))
    return flipped


def _count(
    warehouse: Warehouse, name: str, columns: list[str], rules: Matching, touched: pl.Series | None
) -> pl.DataFrame:
    """For the touched keys of a rule, or all: rule, key, and whether too many records share it."""
    limit = next(rules.max_block_of(rule) for rule in rules.blocking if rule.name == name)
    asked = pl.DataFrame({"key": [] if touched is None else touched.drop_nulls().unique()})
    asked = asked.cast(pl.Int64)
    where = "{key} is not null" if touched is None else "{key} in (select key from asked)"
    shared = " union all ".join(
        f"select {key} as key, record_number from match.keys where {where.format(key=key)}"
        for key in columns
    )
    distinct = "*" if len(columns) == 1 else "distinct record_number"
    return warehouse.read(
        f"""
        with capped as (
            select key from ({shared}) group by key having count({distinct}) > {limit})
        select '{name}' as rule, key, true as is_capped from capped
        union all
        select '{name}', key, false from match.capped
        where rule = '{name}' and key in (select key from asked) and key not in (from capped)""",
        asked=asked,
    )


def _write_touched(warehouse: Warehouse, nodes: pl.DataFrame, flipped: pl.DataFrame) -> set[int]:
    """Note whose pairs are scored again: changed records, and the others with a flipped key."""
    warehouse.execute("delete from change.pairs")
    warehouse.insert("change.pairs", nodes.select("record_number"))
    if flipped.is_empty() or nodes.height == warehouse.one("select count(*) from match.keys"):
        return set()
    keys = warehouse.read("select * from match.keys limit 0").columns[1:]
    shares = " or ".join(f"{key} in (select key from flipped)" for key in keys)
    others = warehouse.read(
        f"select record_number from match.keys where ({shares}) "
        "and record_number not in (from change.pairs)",
        flipped=flipped,
    )
    warehouse.insert("change.pairs", others)
    return set(others.to_series())


def _nodes(run: Run, warehouse: Warehouse, records: set[int]) -> pl.DataFrame:
    """The nodes of records that did not change themselves."""
    wanted = pl.DataFrame({"record_number": sorted(records)}, schema={"record_number": pl.Int64})
    return _read_nodes(run, warehouse, "wanted", wanted=wanted)


def _read_nodes(run: Run, warehouse: Warehouse, which: str, **frames: pl.DataFrame) -> pl.DataFrame:
    """The nodes of the records that the table `which` names."""
    current = warehouse.read(CURRENT.format(which=which), **frames)
    return prepare_nodes(record_keys(current, run.rulebook.lookups), run.rulebook.matching)


def _score(run: Run, warehouse: Warehouse, nodes: pl.DataFrame) -> pl.DataFrame:
    rules = run.rulebook.matching
    capped = warehouse.read("select rule, key from match.capped")
    existing = None
    if nodes.height < warehouse.one("select count(*) from match.keys"):
        existing = cap_keys(_nodes(run, warehouse, _neighbours(warehouse, rules)), capped, rules)
    try:
        return score_pairs(existing, cap_keys(nodes, capped, rules), model_of(run), rules)
    except TooManyPairsError as error:
        raise TouchstoneError(f"The night was stopped: {error}, then run again.") from error


def _neighbours(warehouse: Warehouse, rules: Matching) -> set[int]:
    """Records outside the change set that share a key, not capped, with one inside it.

    A key is a hash that has the rule's name in it, so one set holds the keys of all rules.
    """
    columns = block_keys(rules)
    touched = " union all ".join(f"select {key} as key from changed" for key in columns)
    shares = " union all ".join(
        f"select record_number from match.keys semi join touched on {key} = touched.key"
        for key in columns
    )
    found = warehouse.read(
        f"""
        with changed as (from match.keys semi join change.pairs using (record_number)),
        touched as materialized (
            select distinct key from ({touched}) where key is not null
                and key not in (select key from match.capped))
        select distinct record_number from ({shares})
        anti join change.pairs using (record_number)"""
    )
    return set(found.to_series())


def _write_pairs(warehouse: Warehouse, pairs: pl.DataFrame | None) -> None:
    if pairs is None:
        return
    warehouse.execute(
        "delete from match.pairs where record_a in (from change.pairs) "
        "or record_b in (from change.pairs)"
    )
    warehouse.insert("match.pairs", pairs)
