"""Score pairs of records: which agree, how much that says, and which rule found them.

Pairs share a block key and are scored always with the earlier record on the left, from the frozen
model alone. So the evidence of a pair is the same in whichever run, and beside whatever other
records, it is worked out. The prior is no part of the evidence: a new prior moves bands and scores
nothing again.

Splink trains the model and says what its levels and weights mean. A night reads them itself, some
pairs at a time, because Splink fetches every column of both records for every pair; a test holds
each weight against Splink's own.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import numpy as np
import polars as pl

from rules.matching import Matching, Thresholds
from transforms.arithmetic import Arithmetic, arithmetic, as_it_is, connect_memory
from transforms.block import NODE_SCHEMA, READ_FROM, find_pairs, found_by, key_sql
from transforms.compare import COMPARISONS, NODE_COLUMNS, PREPARED_COLUMNS, is_as_now
from transforms.comparisons.names import OFTEN
from transforms.established import Established
from transforms.score import Scorer
from transforms.weigh import level_weights

if TYPE_CHECKING:
    from splink import Linker


class MatchModel(NamedTuple):
    """A dated model: Splink's settings, the term frequencies and the prior."""

    settings: dict[str, Any]
    """As saved in model.json; Splink's own shape, hence Any."""
    tf: dict[str, pl.DataFrame]
    """Per column: `<column>`, `tf_<column>`; the row without a value stands for all others."""
    prior: float
    """Log2 odds that two records of the file are one customer."""


def prepare_nodes(
    standardised: pl.DataFrame, rules: Matching, kept: Arithmetic | None = None
) -> pl.DataFrame:
    """The node columns with the block keys k0, k1, … that the rules ask for."""
    have = standardised.schema
    read = {name: key if (key := READ_FROM.get(name)) in have else name for name in NODE_SCHEMA}
    nodes = standardised.select(
        _as_node(name, read[name], is_there=read[name] in have) for name in NODE_SCHEMA
    )
    with arithmetic(nodes.height, kept) as database:
        sql = f"select {', '.join(key_sql(rules))} from standardised"
        return nodes.hstack(database.ask("standardised", sql, nodes))


@cache
def _as_node(name: str, read: str, *, is_there: bool) -> pl.Expr:
    kind = NODE_SCHEMA[name]
    value = pl.col(read).cast(kind) if is_there else pl.lit(None, kind)
    return value.alias(name)


def score_pairs(
    existing: pl.DataFrame | None, new: pl.DataFrame, model: MatchModel, rules: Matching
) -> pl.DataFrame:
    """Pairs of two new records, or of a new and an existing one, with evidence enough to keep.

    One row per pair, `record_a` before `record_b`: `evidence`, per comparison its weight `w_…`
    and its level `level_…` (0 the best, -1 a value is missing), and `found_by`, one bit per
    blocking rule in their order. `kinship` is the evidence that the two share a household.
    """
    nodes = new if existing is None else pl.concat([new, existing.select(new.columns)])
    pairs = find_pairs(nodes, rules, np.arange(nodes.height) < new.height)
    return score_found(nodes, pairs, model, rules)


def score_found(
    nodes: pl.DataFrame, pairs: pl.DataFrame, model: MatchModel, rules: Matching
) -> pl.DataFrame:
    """As `score_pairs`, of the pairs that blocks found among nodes, whose keys are not needed."""
    _refuse_broken(model, rules)
    with arithmetic(nodes.height) as database:
        return scorer_of(model).score(nodes, pairs, rules.evidence_floor, database)


def score_given(
    nodes: pl.DataFrame,
    pairs: pl.DataFrame,
    model: MatchModel,
    rules: Matching,
) -> pl.DataFrame:
    """Score these pairs (`record_a`, `record_b`), found by a rule or not, whatever they weigh."""
    _refuse_broken(model, rules)
    with arithmetic(nodes.height) as database:
        return score_few(nodes, pairs, scorer_of(model), rules, database)


def score_few(
    nodes: pl.DataFrame,
    pairs: pl.DataFrame,
    scorer: Scorer,
    rules: Matching,
    database: Arithmetic,
) -> pl.DataFrame:
    """As `score_given`, for who asks often and keeps what asking takes."""
    return scorer.score(nodes, found_by(nodes, pairs, rules), -math.inf, database)


def scorer_of(model: MatchModel) -> Scorer:
    """The model made ready; it must not be broken."""
    return _made_ready(_Given(model.settings, model.tf))


class _Given:
    """A model's parts, the same only where they are the very same: nobody changes them."""

    def __init__(self, settings: dict[str, Any], tf: dict[str, pl.DataFrame]) -> None:
        self.settings, self.tf = settings, tf

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Given):
            return NotImplemented
        return self.settings is other.settings and self.tf is other.tf

    def __hash__(self) -> int:
        return hash((id(self.settings), id(self.tf)))


@lru_cache(maxsize=2)
def _made_ready(given: _Given) -> Scorer:
    return Scorer(given.settings, given.tf)


def match_weight(prior: float) -> pl.Expr:
    """Log2 odds of one customer against anything else, from a pair's stored columns."""
    return weight_of(pl.col("evidence"), pl.col("kinship"), prior)


def weight_of(evidence: pl.Expr, kinship: pl.Expr, prior: float) -> pl.Expr:
    """As `match_weight`, of whatever evidence.

    Strangers and people of one household, or with one contact point, are the other explanations;
    the prior moves them all.
    """
    household = kinship + prior
    tail = (-household.abs() * math.log(2)).exp().log1p() / math.log(2)
    return evidence + prior - (pl.max_horizontal(household, 0.0) + tail)


def band(prior: float, thresholds: Thresholds) -> pl.Expr:
    """`link`, `review` or `apart`, by a pair's evidence and kinship and the prior."""
    weight = match_weight(prior)
    return (
        pl.when(weight >= thresholds.link)
        .then(pl.lit("link"))
        .when(weight >= thresholds.review)
        .then(pl.lit("review"))
        .otherwise(pl.lit("apart"))
    )


def check_model(model: MatchModel, rules: Matching) -> list[str]:
    """What is wrong with the model, one sentence each; a night does not run with a broken one."""
    compared = {c["output_column_name"]: c for c in model.settings.get("comparisons", [])}
    problems = [
        f"{name}: {problem}"
        for name, comparison in compared.items()
        for problem in _comparison_problems(name, comparison)
    ]
    if list(compared) != list(rules.comparisons):
        problems.append(
            f"the model compares {', '.join(compared)}; "
            f"matching.toml asks for {', '.join(rules.comparisons)} (`touchstone train --extend` "
            "adds what a model lacks)"
        )
    problems += _kinship_problems(model.settings)
    for column in term_columns(model.settings):
        problems += _term_problems(column, model.tf.get(column))
    return problems


def term_columns(settings: dict[str, Any]) -> list[str]:
    """The columns whose term frequencies the model needs."""
    levels = [v for c in settings.get("comparisons", []) for v in c["comparison_levels"]]
    named = [v["tf_adjustment_column"] for v in levels if v.get("tf_adjustment_column")]
    return list(dict.fromkeys(named))


@contextmanager
def match_database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory for training, where the order of rows means nothing."""
    with connect_memory() as con:
        con.execute("set preserve_insertion_order = false")
        yield con


def load_nodes(
    con: duckdb.DuckDBPyConnection, nodes: pl.DataFrame, tf: dict[str, pl.DataFrame]
) -> None:
    """The table `records`, narrow, as Splink compares them; `tf` says which names many have."""
    prepared = [f"{sql} as {name}" for name, sql in PREPARED_COLUMNS.items()]
    record = ", ".join(["record_number as unique_id", *NODE_COLUMNS, *OFTEN, *prepared])
    con.register("nodes", as_it_is(nodes.hstack(Established(tf).of(nodes))))
    con.execute(f"create table records as select {record} from nodes")


def open_linker(
    con: duckdb.DuckDBPyConnection, settings: dict[str, Any], tf: dict[str, pl.DataFrame]
) -> "Linker":
    """Splink over the table `records`, with these term frequencies and no others."""
    from splink import DuckDBAPI, Linker  # half a second that no night needs

    api = DuckDBAPI(con)
    records = api.register(con.table("records"), dataset_display_name="customers")
    linker = Linker(records, settings, log_level=None)
    for column, frame in tf.items():
        con.register(f"model_{column}", frame.to_arrow())
        con.execute(
            f"create table lookup_{column} as select {column}, coalesce(tf_{column}, (select"
            f" tf_{column} from model_{column} where {column} is null)) as tf_{column} from"
            f" (select distinct {column} from records where {column} is not null)"
            f" left join model_{column} using ({column})"
        )
        lookup = api.register(con.table(f"lookup_{column}"), dataset_display_name=f"tf_{column}_in")
        linker.table_management.register_term_frequency_lookup(lookup, column)
    return linker


def compare_pairs(con: duckdb.DuckDBPyConnection, linker: "Linker", table: str) -> str:
    """Let Splink score the pairs of a table (`record_a`, `record_b`); the scored table's name."""
    from splink import DuckDBAPI  # as above

    con.execute(
        f"create table splink_{table} as select '0' as match_key, record_a as join_key_l,"
        f" record_b as join_key_r from {table}"
    )
    api = DuckDBAPI(con)
    pairs = api.register(con.table(f"splink_{table}"), dataset_display_name=f"pairs_{table}")
    linker.table_management.register_blocked_pairs_for_predict(pairs)
    scored = linker.inference.predict(warning_mode="never")
    return str(scored.physical_name)


def _refuse_broken(model: MatchModel, rules: Matching) -> None:
    problems = check_model(model, rules)
    if problems:
        raise ValueError("the match model cannot be used: " + "; ".join(problems))


def _comparison_problems(name: str, comparison: dict[str, Any]) -> list[str]:
    if name not in COMPARISONS:
        return [f"no comparison of this name; choose from {', '.join(COMPARISONS)}"]
    levels = comparison["comparison_levels"]
    weighed = [v for v in levels if not v.get("is_null_level")]
    problems = [
        f"level '{v['label_for_charts']}' has no {which}"
        for v in weighed
        for which in ("m_probability", "u_probability")
        if not isinstance(v.get(which), float) or not 0 < v[which] <= 1
    ]
    if not is_as_now(comparison):
        problems.append(
            "its levels are not those of this version, which `touchstone train --extend` gives it"
        )
    if not problems and len({0.0, *level_weights(comparison)}) <= len(weighed):
        problems.append("two levels weigh the same, or one weighs nothing")
    return problems


def _kinship_problems(settings: dict[str, Any]) -> list[str]:
    kinship = settings.get("kinship", {})
    ratios = (kinship.get("ratio"), kinship.get("contact_ratio"))
    if not all(isinstance(ratio, float) for ratio in ratios):
        return ["kinship: no ratio of households or of shared contacts to matches"]
    return [
        f"kinship: {c['output_column_name']} has not one share above 0 for each level"
        for c in settings.get("comparisons", [])
        for kind in ("shares", "contact_shares")
        if len(shares := kinship[kind].get(c["output_column_name"], ()))
        != len(c["comparison_levels"]) - 1
        or not all(share > 0 for share in shares)
    ]


def _term_problems(column: str, frame: pl.DataFrame | None) -> list[str]:
    if frame is None:
        return [f"no term frequencies for {column}"]
    if frame.columns != [column, f"tf_{column}"]:
        return [f"term frequencies for {column} have the columns {', '.join(frame.columns)}"]
    if frame[column].null_count() != 1 or frame[column].n_unique() != frame.height:
        return [f"term frequencies for {column} need each value once and one row for all others"]
    return []
