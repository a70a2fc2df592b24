"""Work out what holds now from the log of all decisions ever taken.

The state is a pure function of the log. A decision that was undone is gone. For one pair of
records the newest word holds. What different pairs say together can still contradict: A is B,
B is C, but A is not C. That is no matter for a rule, so it is listed for a person.
"""

from functools import cache
from typing import NamedTuple, get_args

import polars as pl

from rules.decision import SUBJECTS, Contact
from transforms.chains import PAIR, contradictions

SUBJECT = pl.Struct(
    {
        "records": pl.List(pl.String),
        "groups": pl.List(pl.List(pl.String)),
        "field": pl.String,
        "value": pl.String,
        "record_id": pl.String,
        "contact": pl.String,
        "digest": pl.String,
        "sha256": pl.String,
        "row_number": pl.Int64,
        "seen": pl.String,
        "cells": pl.List(pl.Struct({"field": pl.String, "value": pl.String})),
        "decision_id": pl.Int64,
    }
)
"""Everything that a subject of any kind may hold."""

ROW = ("sha256", "row_number")


class Resolved(NamedTuple):
    """What the decisions say now. Contradictory links are still among the links."""

    must_links: pl.DataFrame
    """One row per linked pair: record_a, record_b, decision_id; together they link everything
    that is to be linked, though not each pair of a large group has a row."""
    cannot_links: pl.DataFrame
    """One row per pair that is not one customer: record_a, record_b, decision_id."""
    values: pl.DataFrame
    """One row per customer and field: anchor (its first record_id), field, value, record_id
    (where the value came from, null when typed), decision_id."""
    ignored: pl.DataFrame
    """One row per value that is left out of matching: contact, digest, decision_id."""
    confirmed: pl.DataFrame
    """One row per record and contact point that its customer was reached by: record_id, contact,
    digest, decision_id (the last that said so)."""
    deliveries: pl.DataFrame
    """One row per delivery: sha256, verdict (release or refuse), decision_id."""
    rejected: pl.DataFrame
    """One row per quarantined row that was rejected: sha256, row_number, decision_id."""
    corrections: pl.DataFrame
    """One row per corrected field of a quarantined row: sha256, row_number, field, value, seen
    (a digest of the row as the person saw it), decision_id."""
    contradictions: pl.DataFrame
    """One row per cannot-link between records that a chain of must-links joins: record_a,
    record_b, decision_ids (of the cannot-link and of one such chain)."""


def state_of(log: pl.DataFrame) -> Resolved:
    """Return what holds after all decisions in the log, in whatever order its rows are."""
    return _nothing_said() if log.is_empty() else _resolved(log)


@cache
def _nothing_said() -> Resolved:
    """What holds before the first decision, which is asked for night after night."""
    return _resolved(
        pl.DataFrame(schema={"decision_id": pl.Int64, "kind": pl.String, "subject": pl.String})
    )


def _resolved(log: pl.DataFrame) -> Resolved:
    decisions = _without_undone(_decisions(log))
    said_same = _said_same(decisions)
    cannot_links, lost = _newest_word(_said_different(decisions), said_same)
    must_links = _must_links(said_same, lost)
    return Resolved(
        must_links=must_links,
        cannot_links=cannot_links,
        values=_values(decisions),
        ignored=_ignored(decisions),
        confirmed=_confirmed(decisions),
        deliveries=_deliveries(decisions),
        rejected=_rejected(decisions),
        corrections=_corrections(decisions),
        contradictions=contradictions(must_links, cannot_links),
    )


def _decisions(log: pl.DataFrame) -> pl.DataFrame:
    """Return the log in order with its subjects taken apart; refuse a log that is not whole."""
    ordered = log.select("decision_id", "kind", "subject").sort("decision_id")
    if ordered["decision_id"].to_list() != list(range(1, log.height + 1)):
        raise ValueError("the state needs the whole log: decisions 1, 2, 3 … without a gap")
    unknown = sorted(set(ordered["kind"]) - set(SUBJECTS))
    if unknown:
        raise ValueError(f"the log has decisions of an unknown kind: {', '.join(unknown)}")
    return ordered.with_columns(pl.col("subject").str.json_decode(SUBJECT))


def _without_undone(decisions: pl.DataFrame) -> pl.DataFrame:
    """Leave out the undone decisions and the undos themselves.

    The newest undo that leads to a decision has the say.
    """
    undos = undos_of(decisions).unique("undoes", keep="last")
    gone = undos.filter(~pl.col("restores"))["undoes"].implode()
    return decisions.filter(pl.col("kind") != "undo", ~pl.col("decision_id").is_in(gone))


def undos_of(decisions: pl.DataFrame) -> pl.DataFrame:
    """One row per undo, in order: decision_id, undoes (what it leads to), restores.

    decisions: decision_id, kind, subject, as `SUBJECT`. An undo leads to a decision directly or
    through other undos: an odd number of steps away it undoes it, an even number it restores it.
    """
    undos = decisions.filter(pl.col("kind") == "undo").select(
        "decision_id", pl.col("subject").struct.field("decision_id").alias("target")
    )
    leads_to: dict[int, tuple[int, bool]] = {}
    for undo, target in undos.iter_rows():
        if not 1 <= target < undo:
            raise ValueError(f"decision {undo} undoes {target}, which is not before it in the log")
        root, restores = leads_to.get(target, (target, True))
        leads_to[undo] = (root, not restores)
    rows = [(undo, *led) for undo, led in leads_to.items()]
    schema = {"decision_id": pl.Int64, "undoes": pl.Int64, "restores": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _of_kind(decisions: pl.DataFrame, *kinds: str) -> pl.DataFrame:
    """Return the decisions of some kinds, `decided` being their number."""
    chosen = decisions.filter(pl.col("kind").is_in(kinds))
    return chosen.select(
        pl.col("decision_id").alias("decided"), "kind", pl.col("subject").struct.unnest()
    ).drop("decision_id")


def _said_same(decisions: pl.DataFrame) -> pl.DataFrame:
    """One row per decision and record that it calls the same as its other records."""
    said = _of_kind(decisions, "same").explode("records")
    return said.select("decided", record="records").unique().sort(pl.all())


def _said_different(decisions: pl.DataFrame) -> pl.DataFrame:
    """One row per pair ever called different, with the newest decision that said so."""
    said = _of_kind(decisions, "different")
    numbered = pl.int_range(pl.len()).over("decided").alias("group")
    two = said.filter(pl.col("records").is_not_null()).explode("records").with_columns(numbered)
    several = said.filter(pl.col("records").is_null()).explode("groups").with_columns(numbered)
    sides = pl.concat(
        [
            two.select("decided", "group", record="records"),
            several.explode("groups").select("decided", "group", record="groups"),
        ]
    )
    return _newest(_pairs(sides).filter(pl.col("group") != pl.col("group_b")))


def _pairs(members: pl.DataFrame) -> pl.DataFrame:
    """Return each pair of the records of a decision once, the smaller first."""
    pairs = members.rename({"record": PAIR[0]}).join(
        members.rename({"record": PAIR[1]}), on="decided", suffix="_b"
    )
    return pairs.filter(pl.col(PAIR[0]) < pl.col(PAIR[1]))


def _newest(pairs: pl.DataFrame) -> pl.DataFrame:
    newest = pairs.group_by(PAIR).agg(pl.col("decided").max().alias("decision_id"))
    return newest.select(*PAIR, "decision_id").sort(PAIR)


def _newest_word(different: pl.DataFrame, same: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the pairs whose newest word is `different`, and where `same` lost to it."""
    both = different.join(same.rename({"record": PAIR[0]}), on=PAIR[0]).join(
        same.rename({"record": PAIR[1]}), on=[PAIR[1], "decided"]
    )
    is_lost = pl.col("decision_id") > pl.col("decided")
    overruled = both.filter(~is_lost)
    cannot_links = different.join(overruled, on=PAIR, how="anti").sort(PAIR)
    return cannot_links, both.filter(is_lost).select("decided", *PAIR)


def _must_links(same: pl.DataFrame, lost: pl.DataFrame) -> pl.DataFrame:
    """Return a chain through each decision's records, or all pairs left where some were lost."""
    whole = same.join(lost, on="decided", how="anti").sort("decided", "record")
    after = pl.col("record").shift(-1).over("decided")
    chain = whole.select("decided", pl.col("record").alias(PAIR[0]), after.alias(PAIR[1]))
    left = _pairs(same.join(lost, on="decided", how="semi"))
    left = left.join(lost, on=["decided", *PAIR], how="anti")
    return _newest(pl.concat([chain.drop_nulls(), left.select("decided", *PAIR)]))


def _values(decisions: pl.DataFrame) -> pl.DataFrame:
    chosen = _of_kind(decisions, "value").select(
        pl.col("records").list.min().alias("anchor"),
        "field",
        "value",
        "record_id",
        pl.col("decided").alias("decision_id"),
    )
    return _last(chosen, "anchor", "field")


def _ignored(decisions: pl.DataFrame) -> pl.DataFrame:
    said = _of_kind(decisions, "ignore").select("contact", "digest", decision_id="decided")
    said = said.filter(pl.col("contact").is_in(get_args(Contact)))  # a void one says nothing
    return _last(said, "contact", "digest")


def _confirmed(decisions: pl.DataFrame) -> pl.DataFrame:
    said = _of_kind(decisions, "confirm").filter(pl.col("contact").is_in(["email", "phone"]))
    told = said.explode("records").select(
        "contact", "digest", record_id="records", decision_id="decided"
    )
    return _last(told, "record_id", "contact", "digest")


def _deliveries(decisions: pl.DataFrame) -> pl.DataFrame:
    verdicts = _of_kind(decisions, "release", "refuse")
    return _last(verdicts.select("sha256", verdict="kind", decision_id="decided"), "sha256")


def _rejected(decisions: pl.DataFrame) -> pl.DataFrame:
    """The rows whose newest word is to leave them out."""
    rows = _of_kind(decisions, "reject", "correct")
    last = _last(rows.select(*ROW, "kind", decision_id="decided"), *ROW)
    return last.filter(pl.col("kind") == "reject").drop("kind")


def _corrections(decisions: pl.DataFrame) -> pl.DataFrame:
    """What was said of a row since it was last rejected, the newest word for each field.

    Corrections of a row that looked otherwise, which the newest did not see, are of the past.
    """
    rejected = _of_kind(decisions, "reject").group_by(ROW).agg(out=pl.col("decided").max())
    said = _of_kind(decisions, "correct").join(rejected, on=ROW, how="left")
    said = said.filter(pl.col("decided") > pl.col("out").fill_null(0)).sort("decided")
    said = said.filter(pl.col("seen") == pl.col("seen").last().over(ROW))
    cells = said.select(*ROW, "seen", decision_id="decided", cell="cells").explode("cell")
    cells = cells.select(*ROW, pl.col("cell").struct.unnest(), "seen", "decision_id")
    return _last(cells, *ROW, "field")


def _last(decided: pl.DataFrame, *key: str) -> pl.DataFrame:
    """Return the newest decision on each thing."""
    newest = decided.sort("decision_id").unique(key, keep="last", maintain_order=True)
    return newest.sort(key)
