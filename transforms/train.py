"""Learn a model's weights from records, without labels.

How often values agree by chance is read from random pairs; how often they agree in a match or in a
household from pairs that agree on something else. A level that the data hardly showed keeps close
to the cautious default of the comparisons and is listed: a model has no holes. Nothing here is
switched on by itself; the result is a proposal for a dated folder in `rules/weights/`.
"""

import math
from importlib.metadata import version
from typing import Any, NamedTuple

import duckdb
import numpy as np
import polars as pl
from splink import Linker

from rules.matching import Matching
from transforms.compare import COMPARISONS
from transforms.match import (
    MatchModel,
    compare_pairs,
    load_nodes,
    match_database,
    open_linker,
    term_columns,
)
from transforms.mixture import Block, Mixture, fit, times_of_matches
from transforms.model_settings import empty_settings, numbered, order_remarks, with_shares
from transforms.priors import estimate_prior
from transforms.shares import Belief, cautious, leaning_on, learnt

PERSON = ("first_root", "last_key", "birth_date", "email", "phone", "postcode_key")
"""Records alike in all of these are counted once in term frequencies."""
NAMES = ("first_root", "last_key")
"""The block from which it is learnt how far first and last names go together."""
SURE = 500
"""So many verdicts count half of what as many pairs would whose kind was certain."""
FEW = 20
"""A level seen in fewer matches is listed as untrained; a block of fewer pairs tells no share."""
_SELDOM = -12.0
"""Log2 of how often at least two records are of another kind, in times of matches."""


class TrainedModel(NamedTuple):
    """A proposal for `rules/weights/<date>/` and what a reviewer should know of it."""

    model: MatchModel
    record_count: int
    seed: int
    splink_version: str
    pairs: dict[str, int]
    """Pairs that each training block gave, by the block's columns."""
    untrained: tuple[str, ...]
    """Levels that stand close to their default: too few matches showed them."""
    remarks: tuple[str, ...]
    """Levels that weigh more than the best level of their comparison."""


class Kinds(NamedTuple):
    """The pairs that were looked at, and what tells their kinds apart."""

    blocks: dict[str, Block]
    """By the columns that their pairs agree on."""
    mixture: Mixture
    together: int
    """How many pairs of records agree on both names."""


def train(
    nodes: pl.DataFrame,
    rules: Matching,
    seed: int,
    verdicts: pl.DataFrame | None = None,
    *,
    earlier: MatchModel | None = None,
) -> TrainedModel:
    """A model for records like these; the same arguments give the same model.

    verdicts: pairs that people judged, record_a, record_b, is_same. The more, the more they count.
    earlier: the model to lean on where these records show too little.
    """
    terms = term_columns(empty_settings(rules))
    tf = {name: term_frequencies(nodes, name, rules) for name in terms}
    belief = leaning_on(earlier.settings, rules) if earlier else cautious(rules)
    blocks, mixture, together = look_at_kinds(nodes, tf, rules, seed, verdicts, belief=belief)
    settings = with_shares(empty_settings(rules), mixture)
    if "both_names" in rules.comparisons:
        names = list(blocks).index(_called(NAMES))
        strangers = together * float(mixture.mixes[names][-1])
        _correct_names(settings, strangers / (nodes.height * (nodes.height - 1) / 2))
    settings["kinship"] |= _ratios(blocks, mixture, rules)
    prior = estimate_prior(nodes, MatchModel(settings, tf, 0.0), rules)
    return TrainedModel(
        MatchModel(settings, tf, prior),
        nodes.height,
        seed,
        version("splink"),
        {name: int(block.patterns["count"].sum()) for name, block in blocks.items()},
        _untrained(rules, mixture),
        order_remarks(settings),
    )


def look_at_kinds(
    nodes: pl.DataFrame,
    tf: dict[str, pl.DataFrame],
    rules: Matching,
    seed: int,
    verdicts: pl.DataFrame | None = None,
    *,
    belief: Belief | None = None,
) -> Kinds:
    """Tell the four kinds of pairs apart in these records; arguments as of `train`."""
    believed = belief or cautious(rules)
    with match_database() as con:
        load_nodes(con, nodes, tf)
        linker = open_linker(con, numbered(empty_settings(rules)), {})
        blocks = _blocks(con, linker, rules, seed)
        if verdicts is not None and verdicts.height:
            blocks |= _judged(con, linker, rules, verdicts)
        together = count_pairs(con, NAMES)
    mixture = fit(list(blocks.values()), believed.shares, believed.ties)
    return Kinds(blocks, mixture, together)


def count_pairs(con: duckdb.DuckDBPyConnection, parts: tuple[str, ...]) -> int:
    """How many pairs of records agree on these columns."""
    columns = ", ".join(_prepared(parts))
    present = " and ".join(f"{part} is not null" for part in _prepared(parts))
    counted = f"select count(*) as n from records where {present} group by {columns}"
    pairs = con.sql(f"select sum(n * (n - 1) // 2) from ({counted})").fetchall()[0][0]
    return int(pairs or 0)


def term_frequencies(nodes: pl.DataFrame, column: str, rules: Matching) -> pl.DataFrame:
    """How common each value is among distinct records; one row without a value for the others.

    Rare values are not listed: they all weigh as much as a value that occurs once, and so does
    one that was never seen. The file then names nobody who could be told by a rare name.
    """
    distinct = nodes.select(dict.fromkeys((column, *PERSON)).keys()).unique()
    counted = distinct.drop_nulls(column).group_by(column).agg(pl.len().alias("count"))
    total = max(int(counted["count"].sum()), 1)
    listed = counted.filter(pl.col("count") >= rules.training.term_count_floor).sort(column)
    others = pl.DataFrame({column: [None], "count": [1]}, counted.schema)
    frequency = (pl.col("count") / total).round(12).alias(f"tf_{column}")
    return pl.concat([others, listed]).select(column, frequency)


def _called(parts: tuple[str, ...]) -> str:
    return " + ".join(parts)


def _correct_names(settings: dict[str, Any], observed: float) -> None:
    """Take from the evidence of a full name what strangers share it more often than its parts say.

    Where several nations mix, someone called Vaishnavi is likelier to be called Sharma, and two
    weights that were learnt one by one count the same thing twice.
    """
    compared = {c["output_column_name"]: c["comparison_levels"] for c in settings["comparisons"]}
    first = sum(v["u_probability"] for v in compared["first_name"][1:3])
    excess = observed / (first * compared["last_name"][1]["u_probability"])
    share = round(1 / min(max(excess, 1.01), 64.0), 9)
    level = compared["both_names"][1]
    level["m_probability"], level["u_probability"] = share, 1.0
    for kind in ("shares", "contact_shares"):
        settings["kinship"][kind]["both_names"] = [share, 1.0]


def _ratios(blocks: dict[str, Block], mixture: Mixture, rules: Matching) -> dict[str, float]:
    """How often two records are of a household, or share a contact point, in times of matches.

    What shares a mailbox, a telephone or an address is told apart kind by kind, and how often each
    kind shares it is known. The answers for households are averaged; contacts are of many kinds.
    """
    told: dict[str, list[float]] = {"household": [_SELDOM], "contact": [_SELDOM]}
    for number, (called, block) in enumerate(blocks.items()):
        for name in learnt(rules):
            if called == next(iter(COMPARISONS[name].columns)) and _is_much(block):
                for kind, found in told.items():
                    times = times_of_matches(mixture, number, name, kind)
                    if kind == "household" or COMPARISONS[name].is_contact:
                        found.append(math.log2(max(times, 2.0**_SELDOM)))
    household = told["household"][1:] or told["household"]
    return {
        "ratio": round(float(np.median(household)), 4),
        "contact_ratio": round(max(told["contact"]), 4),
    }


def _is_much(block: Block) -> bool:
    return bool(block.patterns["count"].sum() >= FEW)


def _untrained(rules: Matching, mixture: Mixture) -> tuple[str, ...]:
    return tuple(
        f"{name}: {level.label}"
        for name in learnt(rules)
        for level, seen in zip(COMPARISONS[name].levels, mixture.seen[name][0], strict=True)
        if seen < FEW
    )


def _blocks(
    con: duckdb.DuckDBPyConnection, linker: Linker, rules: Matching, seed: int
) -> dict[str, Block]:
    con.execute(
        "create table block_0 as with numbered as (select record_number,"
        " row_number() over (order by record_number) - 1 as n from nodes),"
        " drawn as (select distinct"
        f" hash(i, {seed}, 1) % (select count(*) from nodes) as x,"
        f" hash(i, {seed}, 2) % (select count(*) from nodes) as y"
        f" from range({rules.training.u_pairs}) t(i))"
        " select a.record_number as record_a, b.record_number as record_b from drawn"
        " join numbered a on a.n = x join numbered b on b.n = y where x < y"
    )
    by_name = frozenset(n for n in rules.comparisons if COMPARISONS[n].goes_with_names)
    patterns = _patterns(con, linker, "block_0", rules)
    others = frozenset(rules.comparisons) - by_name
    blocks = {"at random": Block(patterns, frozenset(), is_random=True, chance=others)}
    for number, parts in enumerate(dict.fromkeys((*rules.training.blocks, NAMES)), 1):
        _draw_block(con, f"block_{number}", parts, rules, seed)
        patterns = _patterns(con, linker, f"block_{number}", rules)
        blocks[_called(parts)] = Block(
            patterns,
            _left_out(parts, rules),
            is_random=False,
            chance=by_name if parts == NAMES else frozenset(),
        )
    return blocks


def _judged(
    con: duckdb.DuckDBPyConnection, linker: Linker, rules: Matching, verdicts: pl.DataFrame
) -> dict[str, Block]:
    """Verdicts as blocks of a known kind.

    People are asked about records that look alike. So two that are different are taken for what
    such pairs mostly are, people of one household, and say nothing of how strangers agree.
    """
    blocks = {}
    for name, kind, is_same in (("same", "match", True), ("different", "household", False)):
        table = f"judged_{name}"
        con.register("said", verdicts.filter(pl.col("is_same") == is_same).to_arrow())
        con.execute(f"create table {table} as select record_a, record_b from said")
        patterns = _patterns(con, linker, table, rules)
        weight = verdicts.height / (verdicts.height + SURE)
        weighed = patterns.with_columns(pl.col("count") * weight)
        blocks[f"judged {name}"] = Block(weighed, frozenset(), is_random=False, kind=kind)
    return blocks


def _draw_block(
    con: duckdb.DuckDBPyConnection, table: str, parts: tuple[str, ...], rules: Matching, seed: int
) -> None:
    """Pairs that agree on these columns, a sample when there are too many."""
    columns = ", ".join(_prepared(parts))
    share = int(min(rules.training.em_pairs / max(count_pairs(con, parts), 1), 1.0) * 1_000_000)
    con.execute(
        f"create table {table} as select a.unique_id as record_a, b.unique_id as record_b"
        f" from records a join records b using ({columns}) where a.unique_id < b.unique_id"
        f" and hash(a.unique_id, b.unique_id, {seed}) % 1000000 < {share}"
    )


def _prepared(parts: tuple[str, ...]) -> list[str]:
    return [{"birth_date": "birth_text"}.get(part, part) for part in parts]


def _patterns(
    con: duckdb.DuckDBPyConnection, linker: Linker, table: str, rules: Matching
) -> pl.DataFrame:
    """How often each combination of levels occurs; 0 is the best level, -1 a missing value."""
    scored = compare_pairs(con, linker, table)
    levels = ", ".join(f"mw_{name}::integer - 1 as {name}" for name in rules.comparisons)
    counted: pl.DataFrame = con.sql(
        f"select {levels}, count(*)::double as count from {scored} group by all order by all"
    ).pl()
    con.execute(f"drop table {scored}")
    return counted


def _left_out(parts: tuple[str, ...], rules: Matching) -> frozenset[str]:
    """The comparisons of which a block that agrees on these columns says nothing."""
    return frozenset(n for n in rules.comparisons if set(COMPARISONS[n].columns) & set(parts))
