"""What persons once said and what holds no longer, as far as customers had names by it.

A record is numbered by its first row. A row that has its key from a person is a row of that record
only while the person's word stands, so the number, and a customer's name with it, may change. And
records that a person told apart were several customers while that was so.
"""

import polars as pl

from transforms.resolve import ROW, SUBJECT, undos_of

KEY = "source_key"

_SAID = (*ROW, "cells")

KEYS = {
    "sha256": pl.String(),
    "row_number": pl.Int64(),
    KEY: pl.String(),
    "decided": pl.Int64(),
    "ended": pl.Int64(),
}
"""Columns of `keys_said`: the row, its key, the decisions with which it began and ended to hold."""


LEFT_OUT = {
    "contact": pl.String(),
    "digest": pl.String(),
    "said": pl.Int64(),
    "decision_id": pl.Int64(),
    "holds": pl.Boolean(),
}
"""Columns of `values_left_out`."""


def keys_said(log: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """One row per time for which a decision gave a row its key: `KEYS`; null while it holds.

    log: decision_id, kind, subject, of all decisions; standing: decision_id, of the corrections
    that hold now. A key ends by an undo, by another correction of its row or by a rejection, and
    holds again when the undo is undone.
    """
    is_key = (pl.col("kind") == "correct") & pl.col("subject").str.contains(KEY, literal=True)
    if log.filter(is_key).is_empty():
        return pl.DataFrame(schema=KEYS)
    told = log.filter(pl.col("kind").is_in(["correct", "reject", "undo"])).select(
        "decision_id", "kind", pl.col("subject").str.json_decode(SUBJECT)
    )
    undos = undos_of(told.sort("decision_id"))
    said = told.filter(pl.col("kind") != "undo").select(
        "kind", said="decision_id", **{name: pl.col("subject").struct.field(name) for name in _SAID}
    )
    cells = said.filter(kind="correct").explode("cells").unnest("cells", separator="_")
    given = cells.filter(cells_field=KEY).select(*ROW, "said", pl.col("cells_value").alias(KEY))
    again = undos.filter("restores").select(decided="decision_id", said="undoes")
    begun = pl.concat([given.with_columns(decided="said"), given.join(again, on="said")])
    undone = undos.filter(~pl.col("restores")).select(said="undoes", ended="decision_id")
    later = given.join(said.select(*ROW, ended="said"), on=ROW).select("said", "ended")
    return _with_ends(begun, pl.concat([undone, later]), standing)


def _with_ends(begun: pl.DataFrame, ends: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """Each time with the first end after its beginning; the last of one that stands has none."""
    ended = begun.join(ends, on="said").filter(pl.col("ended") > pl.col("decided"))
    holds = pl.col("said").is_in(standing["decision_id"].implode())
    is_last = pl.col("decided") == pl.col("decided").max().over("said")
    return (
        begun.join(ended.group_by("decided").agg(pl.col("ended").min()), on="decided", how="left")
        .with_columns(ended=pl.when(~(holds & is_last)).then("ended"))
        .select(list(KEYS))
        .sort("decided")
    )


def values_left_out(log: pl.DataFrame) -> pl.DataFrame:
    """One row per decision that left a value out of matching and per undo that leads to it.

    Columns: contact, digest, said (the decision), decision_id (that decision or the undo), holds
    (what it makes of the decision).
    """
    ignoring = log.filter(kind="ignore")
    if ignoring.is_empty():
        return pl.DataFrame(schema=LEFT_OUT)
    told = log.filter(pl.col("kind").is_in(["ignore", "undo"])).select(
        "decision_id", "kind", pl.col("subject").str.json_decode(SUBJECT)
    )
    said = told.filter(kind="ignore").select(
        pl.col("subject").struct.field("contact"),
        pl.col("subject").struct.field("digest"),
        said="decision_id",
    )
    undos = undos_of(told.sort("decision_id")).rename({"undoes": "said", "restores": "holds"})
    first = said.select("said", decision_id="said", holds=pl.lit(value=True))
    events = pl.concat([first, undos.select(first.columns)])
    return said.join(events, on="said").select(list(LEFT_OUT)).sort("decision_id")


def turns_of(events: pl.DataFrame) -> pl.DataFrame:
    """The run with which each value that ever was left out last changed: contact, digest,
    run_number.

    events: `LEFT_OUT` and the run_number that obeys each. What was said and taken back before a
    run could obey it changed nothing.
    """
    rows = []
    for (contact, digest), of_value in events.sort("decision_id").group_by("contact", "digest"):
        standing: set[int] = set()
        was_out, turned = False, None
        for (run_number,), of_run in of_value.group_by("run_number", maintain_order=True):
            for said, holds in of_run.select("said", "holds").iter_rows():
                (standing.add if holds else standing.discard)(said)
            if bool(standing) != was_out:
                was_out, turned = bool(standing), run_number
        if turned is not None:
            rows.append((contact, digest, turned))
    schema = {"contact": pl.String, "digest": pl.String, "run_number": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def records_judged(log: pl.DataFrame) -> pl.DataFrame:
    """One row per record and decision that ever called it the same as another, or different.

    Columns: decision_id, record_id, last (that decision, or the newest undo that leads to it), side
    (records of one side were not judged among themselves).
    """
    decisions = log.filter(pl.col("kind").is_in(["same", "different", "undo"])).select(
        "decision_id", "kind", pl.col("subject").str.json_decode(SUBJECT)
    )
    undos = undos_of(decisions.sort("decision_id")).group_by("undoes")
    last = undos.agg(pl.col("decision_id").max().alias("last"))
    said = pl.col("subject").struct
    each = said.field("records").list.eval(pl.concat_list(pl.element()))
    sides = pl.coalesce(said.field("groups"), each)
    return (
        decisions.filter(pl.col("kind") != "undo")
        .select("decision_id", record_id=sides)
        .explode("record_id")
        .with_row_index("side")
        .explode("record_id")
        .join(last, left_on="decision_id", right_on="undoes", how="left")
        .with_columns(pl.coalesce("last", "decision_id"))
    )
