"""Choose by chance what people judge blind: pairs of all bands, linked ones and those apart too.

Pairs in the review band are asked about anyway; of them those that chance draws come in its order
and not by what is at stake. Of the other strata a few at a time are added to the queue.
"""

import math

import polars as pl

from flows.judging import answered_items, decided_pairs, drawing
from flows.run import Run
from store.golden import Golden
from transforms.judge import BANDS, STRATA
from transforms.strata import drawn_sql, said_sql

NAMED = """
    select d.stratum, d.turn, d.record_a, d.record_b, d.weight as match_weight,
        a.record_id as record_id_a, b.record_id as record_id_b,
        a.customer_id as customer_id_a, b.customer_id as customer_id_b,
        (select max(received_at) from ingest.deliveries) as opened_at
    from drawn d join crosswalk a on a.record_number = d.record_a
    join crosswalk b on b.record_number = d.record_b
    anti join said s using (record_a, record_b)
    order by d.stratum, d.turn"""
"""A sample speaks of all pairs, so it is as new as the newest delivery."""


def open_samples(run: Run, golden: Golden, waiting: int) -> pl.DataFrame:
    """The samples that are asked now, as `match_items` wants pairs; so many others wait."""
    said = golden.read(
        said_sql(), decided=decided_pairs(run.said), answered=answered_items(run.decisions)
    )
    drawn = golden.read(
        drawn_sql("match.pairs", drawing(run.rulebook)),
        otherwise=said.filter(~pl.col("is_sample")).select("record_a", "record_b"),
    )
    left = golden.read(NAMED, drawn=drawn, said=said)
    return left.filter(_is_asked_anyway() | (_place() <= _room(run, waiting)))


def _is_asked_anyway() -> pl.Expr:
    return pl.col("stratum").is_in(BANDS["review"])


def _place() -> pl.Expr:
    """Which of those of its stratum that nobody judged yet."""
    return pl.int_range(1, pl.len() + 1).over("stratum")


def _room(run: Run, waiting: int) -> int:
    """How many of each stratum are added to a queue of so many."""
    added = len(STRATA) - len(BANDS["review"])
    return max(1, math.ceil(run.rulebook.queues.samples.share * waiting / added))
