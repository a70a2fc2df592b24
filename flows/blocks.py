"""Look at what the blocking rules do: how large their blocks are and what they find."""

from typing import Any

import polars as pl

from rules.matching import Matching
from store.errors import TouchstoneError
from store.lock import one_writer
from store.rulebook import Rulebook
from store.schema import WAREHOUSE
from store.settings import Settings
from store.warehouse import Warehouse
from transforms.block import key_columns
from transforms.coverage import estimate_lost, rule_yields
from transforms.strata import weight_sql

Row = dict[str, Any]
"""Part of an answer; `Any` is whatever JSON can hold."""


def look_at_blocks(settings: Settings, rulebook: Rulebook, members: pl.DataFrame | None) -> Row:
    """What each rule costs and brings; with `members` (record, entity) also what it covers."""
    if not settings.warehouse.exists():
        raise TouchstoneError(
            f"There is no warehouse in {settings.data}; run `touchstone nightly` first."
        )
    with (
        one_writer(settings.lock),
        Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse,
    ):
        if not (warehouse.has("match.keys") and warehouse.has("match.pairs")):
            raise TouchstoneError(
                "No record has been matched yet; let `touchstone nightly` end a run first."
            )
        return _look(warehouse, rulebook, members)


def _look(warehouse: Warehouse, rulebook: Rulebook, members: pl.DataFrame | None) -> Row:
    rules = rulebook.matching
    if set(warehouse.read("from match.keys limit 0").columns[1:]) != _columns(rules):
        raise TouchstoneError(
            "The blocking rules have changed since the last run; run `touchstone nightly` first."
        )
    records = warehouse.one("select count(*) from match.keys")
    pairs = _pairs(warehouse, rulebook)
    sizes = {rule.name: _sizes(warehouse, rule.name, rules) for rule in rules.blocking}
    compared = sum(size["compared"] for size in sizes.values())
    return {
        "records": records,
        "pairs_kept": int(pairs["count"].sum()),
        "links": int(pairs.filter("is_link")["count"].sum()),
        "compared_per_record": 2 * compared / max(records, 1),
        "max_compared": rules.max_compared,
        "rules": [{**found._asdict(), **sizes[found.rule]} for found in rule_yields(pairs, rules)],
        "lost": estimate_lost(pairs.filter("is_link"), rules)._asdict(),
        "truth": None if members is None else _covered(warehouse, rules, members),
    }


def _columns(rules: Matching) -> set[str]:
    return {column for columns in key_columns(rules).values() for column in columns}


def _pairs(warehouse: Warehouse, rulebook: Rulebook) -> pl.DataFrame:
    """Kept pairs by which rules found them."""
    weight, link = weight_sql(rulebook.model.manifest.prior), rulebook.matching.thresholds.link
    return warehouse.read(
        f"select found_by, {weight} >= {link} as is_link, count(*) as count "
        "from match.pairs group by all"
    )


def _sizes(warehouse: Warehouse, name: str, rules: Matching) -> Row:
    limit = next(rules.max_block_of(rule) for rule in rules.blocking if rule.name == name)
    shared = " union ".join(
        f"select record_number, {column} as key from match.keys where {column} is not null"
        for column in key_columns(rules)[name]
    )
    found = warehouse.read(
        f"""
        select coalesce(max(size), 0) as largest_block,
            count(*) filter (size > {limit}) as capped_keys,
            coalesce(sum(size) filter (size > {limit}), 0)::bigint as capped_records,
            coalesce(sum(size * (size - 1) / 2) filter (size <= {limit}), 0)::bigint as compared
        from (select count(*) as size from ({shared}) group by key)"""
    )
    return {"max_block": limit, **found.row(0, named=True)}


def _covered(warehouse: Warehouse, rules: Matching, members: pl.DataFrame) -> Row:
    """How many true pairs each rule finds, capped keys left out, and how many none finds."""
    bits = " + ".join(
        f"case when {' or '.join(_shares(x, y) for x in columns for y in columns)} "
        f"then {1 << number} else 0 end"
        for number, columns in enumerate(key_columns(rules).values())
    )
    found = warehouse.read(
        f"""
        with capped as (select key from match.capped),
        pairs as (
            select a.record as record_a, b.record as record_b
            from members a join members b on a.entity = b.entity and a.record < b.record)
        select found_by, count(*) as count from (
            select {bits} as found_by from pairs
            join match.keys a on a.record_number = record_a
            join match.keys b on b.record_number = record_b)
        group by found_by""",
        members=members.select("record", "entity"),
    )
    total = int(found["count"].sum())
    by_rule = {
        name: {
            "covered": _count(found, pl.col("found_by") & (1 << number) > 0),
            "covered_only": _count(found, pl.col("found_by") == 1 << number),
        }
        for number, name in enumerate(key_columns(rules))
    }
    return {"true_pairs": total, "lost": _count(found, pl.col("found_by") == 0), "rules": by_rule}


def _shares(left: str, right: str) -> str:
    return f"(a.{left} = b.{right} and a.{left} not in (from capped))"


def _count(found: pl.DataFrame, which: pl.Expr) -> int:
    return int(found.filter(which)["count"].sum())
