"""Gather from a snapshot what is known about records and customers, for whoever asks why."""

import json
from itertools import chain
from typing import Any, NamedTuple

import duckdb
import polars as pl

from flows.stages.match import read_scored_nodes
from rules.matching import Matching
from store.decisions import open_decisions
from store.errors import DecisionLogError, TouchstoneError
from store.lock import one_writer
from store.rulebook import Rulebook
from store.schema import WAREHOUSE
from store.settings import Settings
from store.warehouse import Warehouse
from transforms.block import key_columns
from transforms.explain import explain_levels
from transforms.match import MatchModel, check_model, match_weight, score_given
from transforms.standardise.person_numbers import shown

Row = dict[str, Any]
"""A row of an answer; `Any` is whatever JSON can hold."""

_FRESH_LIMIT = 400
"""So many pairs are scored afresh at most."""


class Found(NamedTuple):
    """What an id that somebody gave stands for."""

    asked: str
    customer_id: str
    is_record: bool
    """Whether one record was named; otherwise the whole customer."""
    records: pl.DataFrame
    """record_number, record_id, source, is_active, file_name, received_at"""
    redirect: Row | None


def find(con: duckdb.DuckDBPyConnection, asked: str) -> Found:
    """Look up a record_id, a customer_id or the customer_id that a customer had before."""
    name, redirect = asked, None
    if ":" in asked:
        records = _records(con, "x.record_id = ?", asked)
        if records.is_empty():
            raise TouchstoneError(
                f"There is no record {asked} in the snapshot: it was withdrawn, it is in "
                "quarantine, or the name is wrong. Give it as source:key, e.g. front_desk:D-000301."
            )
        return Found(asked, records["customer_id"][0], True, records, None)
    old = con.sql("select * from redirects where old_customer_id = ?", params=[asked]).pl()
    if old.height:
        redirect = old.select("customer_id", "run_id", "why").row(0, named=True)
        name = redirect["customer_id"]
    records = _records(con, "x.customer_id = ?", name)
    if records.is_empty():
        raise TouchstoneError(
            f"There is no customer {asked} in the snapshot; give a customer_id such as C3-417, "
            "or a record_id such as web_signup:ws_000101."
        )
    return Found(asked, name, False, records, redirect)


def links_between(
    con: duckdb.DuckDBPyConnection, one: pl.DataFrame, other: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """The stored pairs between two sets of records, the strongest first, by their ids."""
    pairs = con.sql(
        """
        select a.record_id as record_id_a, b.record_id as record_id_b, p.*
        from pair_weights p join crosswalk a on a.record_number = p.record_a
        join crosswalk b on b.record_number = p.record_b
        where (p.record_a = any(?) and p.record_b = any(?))
            or (p.record_b = any(?) and p.record_a = any(?))""",
        params=[
            numbers.to_list()
            for numbers in (
                one["record_number"],
                other["record_number"],
                one["record_number"],
                other["record_number"],
            )
        ],
    ).pl()
    return weigh(pairs, rulebook)


def weigh(pairs: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add match_weight to scored pairs, the strongest first."""
    return pairs.with_columns(match_weight=match_weight(rulebook.model.manifest.prior)).sort(
        -pl.col("match_weight"), "record_id_a", "record_id_b"
    )


def evidence_of(pair: pl.DataFrame, rulebook: Rulebook) -> Row:
    """One scored pair in words: what each comparison found and what it weighs."""
    row = pair.row(0, named=True)
    model = model_of(rulebook)
    if not {f"level_{c['output_column_name']}" for c in model.settings["comparisons"]} <= {*row}:
        raise TouchstoneError(
            "The rules of matching have changed since this snapshot was made; run "
            "`touchstone nightly`, then ask again."
        )
    told = explain_levels(pair, model).select("comparison", "found", "weight")
    prior = rulebook.model.manifest.prior
    return {
        "record_ids": [row["record_id_a"], row["record_id_b"]],
        "match_weight": round(row["match_weight"], 2),
        "start": prior,
        "household": round(row["match_weight"] - row["evidence"] - prior, 2) + 0.0,
        "comparisons": list(told.iter_rows(named=True)),
        "found_by": rules_of(row["found_by"], rulebook.matching),
        "evidence": row["evidence"],
    }


def rules_of(found_by: int, rules: Matching) -> list[str]:
    """The blocking rules that a pair was found by."""
    return [name for bit, name in enumerate(key_columns(rules)) if found_by >> bit & 1]


def score_afresh(
    settings: Settings, rulebook: Rulebook, one: pl.DataFrame, other: pl.DataFrame
) -> pl.DataFrame:
    """Score pairs that the snapshot does not hold, from the warehouse; the run must be at rest."""
    problems = check_model(model_of(rulebook), rulebook.matching)
    if problems:
        raise TouchstoneError(f"the model {rulebook.model.name} cannot be used: {problems[0]}.")
    pairs = one.select(record_a="record_number").join(
        other.select(record_b="record_number"), how="cross"
    )[:_FRESH_LIMIT]
    both = pl.concat([one, other]).select("record_number", "record_id").unique()
    nodes = _nodes(settings, rulebook, both)
    scored = score_given(nodes, pairs, model_of(rulebook), rulebook.matching)
    names = dict(both.iter_rows())
    named = scored.with_columns(
        record_id_a=pl.col("record_a").replace_strict(names, return_dtype=pl.String),
        record_id_b=pl.col("record_b").replace_strict(names, return_dtype=pl.String),
    )
    return weigh(named, rulebook)


def _nodes(settings: Settings, rulebook: Rulebook, wanted: pl.DataFrame) -> pl.DataFrame:
    """The nodes of these records, as they are now and as the last night matched them."""
    if not settings.warehouse.exists():
        raise TouchstoneError("the warehouse is not here, only the snapshot.")
    with (
        one_writer(settings.lock),
        Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse,
    ):
        return read_scored_nodes(
            rulebook, warehouse, "wanted", wanted=wanted.select("record_number")
        )


def model_of(rulebook: Rulebook) -> MatchModel:
    """The model in use, as matching wants it."""
    model = rulebook.model
    return MatchModel(model.settings, model.frequencies, model.manifest.prior)


def without_numbers(answer: Row) -> Row:
    """An answer for the eye: persons' numbers in it are masked."""
    told = {"values": ("value",), "items": ("value", "rival_value")}
    masked = {
        part: [_masked(row, row["field"], names) for row in answer[part]]
        for part, names in told.items()
        if part in answer
    }
    decisions = [
        {**entry, "subject": _masked(entry["subject"], entry["subject"].get("field"), ("value",))}
        for entry in answer["decisions"]
    ]
    return answer | masked | {"decisions": decisions}


def _masked(row: Row, field: str | None, names: tuple[str, ...]) -> Row:
    if field is None:
        return row
    return row | {name: shown(field, row[name]) for name in names if row.get(name)}


def no_log() -> pl.DataFrame:
    """A decision log in which nothing was decided."""
    return pl.DataFrame(schema={"decision_id": pl.Int64, "kind": pl.String, "subject": pl.String})


def read_log(settings: Settings) -> pl.DataFrame:
    """The decision log; looking at it does not make one."""
    if settings.decisions_url is None and not (settings.data / "decisions").exists():
        return no_log()
    try:
        with open_decisions(settings.log_url, wait_seconds=2) as log:
            return log.read()
    except DecisionLogError as error:
        raise TouchstoneError(str(error)) from error


def decisions_about(log: pl.DataFrame, records: list[str]) -> list[Row]:
    """The decisions that name any of these records, with the undos of them, in order."""
    wanted, found, ids = set(records), [], set()
    for row in log.iter_rows(named=True):
        subject = json.loads(row["subject"])
        named = {*(subject.get("records") or ()), *chain(*(subject.get("groups") or ()))}
        if named & wanted or subject.get("decision_id") in ids:
            ids.add(row["decision_id"])
            found.append({**row, "subject": subject, "names": sorted(named & wanted)})
    return found


def rows_of(con: duckdb.DuckDBPyConnection, query: str, *values: Any) -> list[Row]:
    """The rows that a query answers; `Any` is whatever a query takes."""
    return list(con.sql(query, params=list(values)).pl().iter_rows(named=True))


def _records(con: duckdb.DuckDBPyConnection, condition: str, value: str) -> pl.DataFrame:
    found: pl.DataFrame = con.sql(
        f"""
        select x.record_number, x.record_id, x.customer_id, x.source, x.is_active,
            d.file_name, d.received_at
        from crosswalk x left join deliveries d
            on d.delivery_number = x.record_number // 1000000000
        where {condition} order by x.record_number""",
        params=[value],
    ).pl()
    return found
