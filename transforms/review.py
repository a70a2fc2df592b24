"""Fill the review queues: what rules and probability cannot decide, one item each.

An item is a pure function of its evidence. Its name is a digest of what it asks about, so the
same question keeps its name from night to night, and an answered question is not asked again.
"""

import polars as pl

from rules.queues import SAMPLE, Queues

SCHEMA: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "question": pl.String(),
    "uncertainty": pl.Float64(),
    "opened_at": pl.Datetime("us", "UTC"),
    "record_ids": pl.List(pl.String),
    "customer_ids": pl.List(pl.String),
    "field": pl.String(),
    "value": pl.String(),
    "rival_value": pl.String(),
    "match_weight": pl.Float64(),
    "why": pl.String(),
    "delivery_id": pl.String(),
    "row_number": pl.Int64(),
}
"""The columns of an item before it is named, prioritised and given a due time."""


def match_items(pairs: pl.DataFrame) -> pl.DataFrame:
    """Ask of pairs in the review band whether they are the same customer.

    pairs: record_id_a, record_id_b, customer_id_a, customer_id_b, match_weight, opened_at.
    """
    return _items(
        pairs,
        kind=pl.lit("match"),
        question=pl.lit("Are these two records the same customer?"),
        uncertainty=_uncertainty(pl.col("match_weight")),
        record_ids=pl.concat_list("record_id_a", "record_id_b"),
        customer_ids=pl.concat_list("customer_id_a", "customer_id_b"),
        match_weight=pl.col("match_weight"),
    )


def sample_items(pairs: pl.DataFrame) -> pl.DataFrame:
    """Ask the same of pairs that chance drew, linked or not; columns as in match_items."""
    samples = match_items(pairs)
    return samples.with_columns(
        why=pl.lit(SAMPLE),
        uncertainty=pl.lit(0.5),
        customer_ids=pl.col("customer_ids").list.unique(maintain_order=True),
    )


def asked_once(refusals: pl.DataFrame) -> pl.DataFrame:
    """Of the links between two customers that rest on their name alone, the strongest."""
    is_name = pl.col("why").is_in(["name_alone", "another_generation"])
    ends = ("customer_id_a", "customer_id_b")
    strongest = (
        refusals.filter(is_name)
        .sort(-pl.col("match_weight"), "record_a", "record_b")
        .unique(
            [pl.min_horizontal(ends), pl.max_horizontal(ends).alias("other")],
            keep="first",
            maintain_order=True,
        )
    )
    return pl.concat([refusals.filter(~is_name), strongest])


def cluster_items(refusals: pl.DataFrame) -> pl.DataFrame:
    """Ask of refused links whether they join one customer or two; columns as in match_items."""
    return _items(
        refusals,
        kind=pl.lit("cluster"),
        question=pl.lit("A link between these two was refused: one customer or two?"),
        uncertainty=pl.lit(1.0),
        record_ids=pl.concat_list("record_id_a", "record_id_b"),
        customer_ids=pl.concat_list("customer_id_a", "customer_id_b"),
        match_weight=pl.when(pl.col("match_weight") < 1_000).then(pl.col("match_weight")),
        why=pl.col("why"),
    )


def conflict_items(conflicts: pl.DataFrame) -> pl.DataFrame:
    """Ask which value is right where no rule says so.

    conflicts: customer_id, field, value, record_id, rival_value, rival_id, why, opened_at.
    """
    return _items(
        conflicts,
        kind=pl.lit("conflict"),
        question=pl.concat_str(pl.lit("Which "), pl.col("field"), pl.lit(" is right?")),
        uncertainty=pl.when(pl.col("why") == "protected").then(0.8).otherwise(1.0),
        record_ids=pl.concat_list("record_id", "rival_id"),
        customer_ids=pl.concat_list("customer_id"),
        field=pl.col("field"),
        value=pl.col("value"),
        rival_value=pl.col("rival_value"),
        why=pl.col("why"),
    )


def quarantine_items(rows: pl.DataFrame) -> pl.DataFrame:
    """Ask what to do with rows in quarantine: delivery_id, row_number, reasons, opened_at."""
    return _items(
        rows,
        kind=pl.lit("quarantine"),
        question=pl.lit("This row cannot enter as it is: fix or reject it?"),
        uncertainty=pl.lit(1.0),
        why=pl.col("reasons").list.join(", "),
        delivery_id=pl.col("delivery_id"),
        row_number=pl.col("row_number"),
    )


def delivery_items(deliveries: pl.DataFrame) -> pl.DataFrame:
    """Ask whether held deliveries may enter: delivery_id, reason, opened_at."""
    return _items(
        deliveries,
        kind=pl.lit("delivery"),
        question=pl.lit("This delivery is held: release or refuse it?"),
        uncertainty=pl.lit(1.0),
        why=pl.col("reason"),
        delivery_id=pl.col("delivery_id"),
    )


def prioritise(items: pl.DataFrame, queues: Queues) -> pl.DataFrame:
    """Add due_at, and priority: what is at stake times how uncertain it is.

    items: the columns of `SCHEMA`, and campaigns, how many its customers have records of. What
    waiting adds is not in it, so that an item is the same whenever it is worked out.
    """
    due_days = {kind: queue.due_days for kind, queue in queues.kinds.items()}
    days = pl.col("kind").replace_strict(due_days, return_dtype=pl.Int64)
    ranked = items.with_columns(
        due_at=pl.col("opened_at") + pl.duration(days=days),
        priority=(_impact(queues) * pl.col("uncertainty")).round(4),
    ).drop("uncertainty", "campaigns")
    return _spread(ranked, queues)


def _spread(items: pl.DataFrame, queues: Queues) -> pl.DataFrame:
    """Put the samples between the other pairs, one after so many, in the order of their names.

    A name is a digest, so what comes first of them is left to chance: a queue that is never worked
    to its end still leaves a random part of them judged.
    """
    is_sample = (pl.col("kind") == "match") & (pl.col("why") == SAMPLE).fill_null(False)
    age = pl.col("due_at").dt.epoch("us") / 86_400e6 / queues.order.ageing_days
    others = items.filter((pl.col("kind") == "match") & ~is_sample)
    urgency = others.select(urgency=pl.col("priority") - age)["urgency"].sort(descending=True)
    if urgency.is_empty():
        return items
    turn = pl.col("item_id").rank("ordinal").cast(pl.Int64)
    place = (turn * round(1 / queues.samples.share) - 1).clip(0, len(urgency) - 1)
    drawn = items.filter(is_sample).with_columns(
        priority=(pl.lit(urgency).gather(place) + age).round(4)
    )
    return pl.concat([items.filter(~is_sample), drawn]).sort("item_id")


def _impact(queues: Queues) -> pl.Expr:
    """What an item is worth: by its kind, by who uses its customers, by what would change."""
    stakes = {kind: queue.stake for kind, queue in queues.kinds.items()}
    identifiers = queues.conflict.second_look_fields
    changes = (pl.col("kind") == "conflict") & pl.col("field").is_in(identifiers).fill_null(False)
    return (
        pl.col("kind").replace_strict(stakes, return_dtype=pl.Float64)
        + queues.order.per_campaign * pl.col("campaigns")
        + queues.order.per_identifier * changes.cast(pl.Float64)
    ).log1p()


def _items(frame: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    missing = {name: pl.lit(None, kind) for name, kind in SCHEMA.items() if name not in columns}
    missing["opened_at"] = pl.col("opened_at")
    every = {**missing, **columns}
    return frame.select(every[name].cast(kind).alias(name) for name, kind in SCHEMA.items())


def _uncertainty(match_weight: pl.Expr) -> pl.Expr:
    """4p(1-p): 1 where the odds are even."""
    probability = 1 / (1 + (-match_weight * 0.6931471805599453).exp())
    return 4 * probability * (1 - probability)
