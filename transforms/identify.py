"""Name customers, and say where the names that they had before lead.

A customer is named after its founder, the record of it that arrived first. So a merge keeps the
older name, a split gives the leaving part the name that it had before, and nothing is renamed
that did not change.
"""

import polars as pl

from transforms.classify import ARRIVALS


def customer_id(founder: pl.Expr) -> pl.Expr:
    """The public name of the customer that the record `founder` founded: C3-417."""
    return pl.concat_str(
        pl.lit("C"),
        (founder // ARRIVALS).cast(pl.String),
        pl.lit("-"),
        (founder % ARRIVALS).cast(pl.String),
    )


def with_heirs(members: pl.DataFrame, heirs: pl.DataFrame) -> pl.DataFrame:
    """Let customers whose founder was erased keep their name.

    members: record_number, founder and others; heirs: record_number, founder (the erased record
    whose name this one carries on).
    """
    if heirs.is_empty():
        return members
    carried = members.join(
        heirs.select("record_number", _carried="founder"),
        on="record_number",
        how="left",
        maintain_order="left",
    )
    oldest = pl.min_horizontal("founder", pl.col("_carried").min().over("founder"))
    return carried.with_columns(founder=oldest).drop("_carried")


def named_as(record: pl.Expr, heirs: pl.DataFrame) -> pl.Expr:
    """The record by whose number a customer was named, had this record founded it."""
    carried = dict(heirs.select("record_number", "founder").iter_rows())
    return record.replace(carried) if carried else record


def find_redirects(members: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Find the names that customers had before they became one: old, founder, run_number, why.

    members: record_number, founder, run_number (the run that received the record), of whole
    clusters; links: record_a, record_b, run_number (the run that received the younger of its two
    versions), why. The parts of a cluster are joined in the order in which their links arrived; a
    part that had stood alone for a run before it was joined leaves its name behind.
    """
    known = dict(members.select("record_number", "run_number").iter_rows())
    ends = members["record_number"].implode()
    inside = links.filter(pl.col("record_a").is_in(ends) & pl.col("record_b").is_in(ends)).sort(
        "run_number", "record_a", "record_b"
    )
    parents = {record: record for record in known}
    found = []
    for row in inside.iter_rows(named=True):
        older, younger = sorted((_root(parents, row["record_a"]), _root(parents, row["record_b"])))
        if older == younger:
            continue
        parents[younger] = older
        if known[younger] < row["run_number"]:
            found.append((younger, row["run_number"], row["why"]))
    schema = {"old": pl.Int64, "run_number": pl.Int64, "why": pl.String}
    return (
        pl.DataFrame(found, schema=schema, orient="row")
        .join(members.select(old="record_number", founder="founder"), on="old")
        .select("old", "founder", "run_number", "why")
    )


def _root(parents: dict[int, int], record: int) -> int:
    while parents[record] != record:
        parents[record] = parents[parents[record]]
        record = parents[record]
    return record
