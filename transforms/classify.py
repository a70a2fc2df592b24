"""Tell what each delivered row is: new, changed, unchanged, a deletion, or a withdrawal.

A row is compared with the version before it: the row with the same key above it in the delivery
or else the record's current version.
"""

from datetime import datetime

import polars as pl

WITHDRAWN_ROWS = 500_000_000
"""Row numbers of withdrawals start here; no delivery has as many rows."""

ARRIVALS = 1_000_000_000
"""`arrival = delivery_number * ARRIVALS + row_number`."""


def classify_rows(
    rows: pl.DataFrame, known: pl.DataFrame, delivery_number: int, received_at: datetime
) -> pl.DataFrame:
    """Add arrival, record_number, received_at, is_withdrawn and `kind` to `rows`.

    rows: row_number, source_key, content_hash, is_delete; known: the records of this source
    that `rows` name: source_key, record_number, content_hash, is_withdrawn.
    """
    found = rows.with_columns(
        arrival=pl.lit(delivery_number * ARRIVALS, pl.Int64) + pl.col("row_number"),
        received_at=pl.lit(received_at),
    ).join(
        known.select(
            "source_key",
            record_number="record_number",
            _hash="content_hash",
            _withdrawn="is_withdrawn",
        ),
        on="source_key",
        how="left",
        maintain_order="left",
    )
    found = found.sort("arrival")
    above = _rows_above(found)
    found = found.with_columns(
        record_number=pl.coalesce("record_number", above["first"]),
        _is_known=above["hash"].is_not_null() | pl.col("_hash").is_not_null(),
        _hash=pl.coalesce(above["hash"], "_hash"),
        _withdrawn=pl.coalesce(above["deleted"], "_withdrawn"),
    )
    return found.with_columns(kind=_kind(), is_withdrawn=pl.col("is_delete")).drop(
        "_hash", "_withdrawn", "_is_known", "is_delete"
    )


def lost_deletes(rows: pl.DataFrame, known: pl.DataFrame) -> pl.Series:
    """The numbers of rows that delete a record that nobody ever sent; as `classify_rows` has them.

    A record that stands above its deletion in the same delivery was sent.
    """
    deletes = rows.filter("is_delete").join(known, on="source_key", how="anti")
    if deletes.is_empty():
        return pl.Series("row_number", dtype=pl.Int64)
    sent = rows.filter(~pl.col("is_delete")).group_by("source_key")
    first = sent.agg(sent_in=pl.col("row_number").min())
    found = deletes.join(first, on="source_key", how="left").filter(
        pl.col("sent_in").is_null() | (pl.col("row_number") < pl.col("sent_in"))
    )
    return found["row_number"].sort()


def withdrawn(absent: pl.DataFrame, delivery_number: int) -> pl.DataFrame:
    """Number what a full dump no longer has: arrival, record_number, source_key, content_hash.

    absent: record_number, source_key, content_hash.
    """
    first = delivery_number * ARRIVALS + WITHDRAWN_ROWS
    return absent.sort("record_number").select(
        arrival=pl.int_range(pl.len(), dtype=pl.Int64) + first,
        record_number="record_number",
        source_key="source_key",
        content_hash="content_hash",
    )


def keys_in(rejected: pl.Series) -> pl.Series:
    """What may be a key in the texts of rows that could not be read: such a record is present."""
    words = rejected.str.extract_all(r"[\p{L}\p{N}][\p{L}\p{N}_.\-]*")
    return words.explode().drop_nulls().unique()


def no_withdrawals() -> pl.DataFrame:
    """As `withdrawn` answers where nothing is absent."""
    schema = {"arrival": pl.Int64, "record_number": pl.Int64, "source_key": pl.String}
    return pl.DataFrame(schema=schema | {"content_hash": pl.UInt64})


def _rows_above(found: pl.DataFrame) -> pl.DataFrame:
    """For each row what the row with the same key above it said: hash, deleted; and the first."""
    if found["source_key"].n_unique() == found.height:
        return found.select(
            hash=pl.lit(None, pl.UInt64), deleted=pl.lit(None, pl.Boolean), first="arrival"
        )
    return found.select(
        hash=pl.col("content_hash").shift().over("source_key"),
        deleted=pl.col("is_delete").shift().over("source_key"),
        first=pl.col("arrival").first().over("source_key"),
    )


def _kind() -> pl.Expr:
    gone = pl.col("_withdrawn").fill_null(value=False)
    same = (pl.col("content_hash") == pl.col("_hash")) & (pl.col("is_delete") == gone)
    repeated = (pl.col("is_delete") & gone) | same
    return (
        pl.when(~pl.col("_is_known") & pl.col("is_delete"))
        .then(pl.lit("unchanged"))
        .when(~pl.col("_is_known"))
        .then(pl.lit("new"))
        .when(repeated)
        .then(pl.lit("unchanged"))
        .when(pl.col("is_delete"))
        .then(pl.lit("deleted"))
        .otherwise(pl.lit("changed"))
    )
