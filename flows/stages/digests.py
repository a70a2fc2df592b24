"""Know rows by digests of what they say: a row without a key, and a row that came before.

The digests are MD5, which means the same in every version of every library.
"""

import polars as pl

from rules.feed import Feed
from store.warehouse import Warehouse

HASHED_TOGETHER = 100_000
"""Rows whose contents are put together and hashed at once; it bounds the memory."""


def with_digests(
    warehouse: Warehouse, rows: pl.DataFrame, delivered: pl.DataFrame, feed: Feed
) -> pl.DataFrame:
    """Add source_key where the feed has none, content_hash and is_delete."""
    if "operation" in rows.columns:
        operation = pl.col("operation").str.strip_chars().str.to_lowercase()
        is_delete = operation.is_in(feed.parse.delete_values).fill_null(value=False)
        rows = rows.with_columns(is_delete=is_delete).drop("operation")
    else:
        rows = rows.with_columns(is_delete=pl.lit(value=False))
    content = [name for name in rows.columns if name not in {"row_number", "is_delete"}]
    hashes = _digests(warehouse, rows, content, "md5_number_lower(_text)")
    rows = rows.with_columns(hashes.alias("content_hash"))
    if "source_key" in rows.columns:
        return rows
    keys = _digests(
        warehouse, delivered, sorted(delivered.columns[1:]), "substr(md5(_text), 1, 20)"
    )
    return rows.with_columns(keys.alias("source_key"))


def _digests(
    warehouse: Warehouse, rows: pl.DataFrame, columns: list[str], digest: str
) -> pl.Series:
    """For each row in order the digest of its cells, in slices: the texts are long."""
    query = f"select {digest} from texts order by row_number"
    found = [
        warehouse.read(query, texts=part.select("row_number", _text=_joined(columns)))
        for part in rows.iter_slices(HASHED_TOGETHER)
    ]
    empty = pl.DataFrame(schema={"row_number": pl.Int64, "_text": pl.String})
    return pl.concat(found or [warehouse.read(query, texts=empty)]).to_series()


def _joined(columns: list[str]) -> pl.Expr:
    """The cells in one text that no two different rows share."""
    cells = [pl.col(name).fill_null("\x1e") for name in columns]
    return pl.concat_str(cells, separator="\x1f")
