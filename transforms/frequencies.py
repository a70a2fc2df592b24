"""Learn how common names and places are where a model is used, and not where it was trained.

That two records share a rare name says much, and what is rare in one country is common in another.
What the file says is added to what the model says, as if so many customers of the model's own
population stood in the file too (additive smoothing towards a prior; Manning, Raghavan and Schütze,
Introduction to Information Retrieval, 2008, ch. 13): a small file moves the model little, and a
name that it happens to hold once is not taken for a common one.
"""

import polars as pl

from rules.matching import Matching
from transforms.match import MatchModel

BELIEF = 1_000
"""So many customers the model's own frequencies count for."""


def refreshed_frequencies(
    nodes: pl.DataFrame, members: pl.DataFrame, model: MatchModel, rules: Matching
) -> dict[str, pl.DataFrame]:
    """The model's term frequencies with what these records add; like `MatchModel.tf`.

    members: record_number, founder. Each customer counts once, shared among the values that its
    records say, so that who was delivered often makes no name common.
    """
    of = nodes.join(members.select("record_number", "founder"), on="record_number")
    floor = rules.training.term_count_floor
    return {name: _refreshed(of, name, table, floor) for name, table in model.tf.items()}


def _refreshed(of: pl.DataFrame, name: str, table: pl.DataFrame, floor: int) -> pl.DataFrame:
    frequency = f"tf_{name}"
    rare = table.filter(pl.col(name).is_null())[frequency].item()
    said = of.drop_nulls(name).group_by("founder", name).agg(pl.len().alias("count"))
    share = pl.col("count") / pl.col("count").sum().over("founder")
    customers = said.with_columns(share=share).group_by(name).agg(pl.col("share").sum())
    total = float(customers["share"].sum()) + BELIEF
    both = table.drop_nulls(name).join(
        customers.filter(pl.col("share") >= floor), on=name, how="full", coalesce=True
    )
    known = pl.col(frequency).fill_null(rare) * BELIEF + pl.col("share").fill_null(0.0)
    others = pl.DataFrame({name: [None], frequency: [(1 + rare * BELIEF) / total]}, table.schema)
    listed = both.select(name, (known / total).alias(frequency)).sort(name)
    return pl.concat([others, listed]).with_columns(pl.col(frequency).round(12))
