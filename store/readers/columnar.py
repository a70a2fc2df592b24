"""Read Parquet: typed columns become text in one agreed spelling.

Dates and times are ISO 8601, times with a zone are told in UTC, booleans are `true` and `false`.
A whole number loses the `.0` that a float column gives it: a phone number is often in one.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from polars.exceptions import PanicException, PolarsError

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers.bytes import Budget, Content
from store.readers.reading import (
    DeliveryRefused,
    Reading,
    columns_of,
    emptied,
    screen,
    settle,
)

_BATCH, _LARGEST_GROUP = 250_000, 1 << 29
_EXACT = float(1 << 53)
"""Above this a float is no longer sure of its last digit."""
_Source = Path | io.BytesIO


def read_parquet(
    content: Content, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Iterator[Reading]:
    """Every row, its values as text; a part for each batch of rows."""
    budget = Budget(content.byte_count, limits)
    try:
        source = _source(content, limits)
        count = _footer(content, source, limits).num_rows
        for first in range(0, max(count, 1), _BATCH):
            part = _part(_batch(source, first), first + 1, limits, budget)
            if part.row_count != min(count - first, _BATCH):
                raise DeliveryRefused("the Parquet file has fewer rows than it says")
            is_last = first + _BATCH >= count
            yield part._replace(notes=content.notes if is_last else [])
    except (PolarsError, PanicException, pa.ArrowException, OSError, ValueError) as error:
        raise DeliveryRefused(
            f"a part of the Parquet file is damaged ({type(error).__name__}); ask for it again"
        ) from None


def _batch(source: _Source, first: int) -> pl.DataFrame:
    """Some rows; the name is a path and no pattern, and its folders are no columns."""
    rows = pl.scan_parquet(source, glob=False, hive_partitioning=False)
    return rows.slice(first, _BATCH).collect()


def _part(batch: pl.DataFrame, first: int, limits: Limits, budget: Budget) -> Reading:
    copied = batch.select(_copied_bytes(batch.schema))
    budget.foresee(sum(map(sum, copied.rows())))  # as text each row has a copy of its value
    texts = batch.select(_texts(batch.schema))
    columns = columns_of(texts.columns, limits.max_columns)
    # A value that many rows share is kept once: what they say in all is known only now.
    lengths = texts.select(pl.all().str.len_bytes().cast(pl.Int64).sum())
    budget.take(texts.height * texts.width + sum(lengths.row(0)))
    texts = emptied(texts.rename(dict(zip(texts.columns, columns, strict=True))))
    numbers = pl.int_range(first, first + batch.height, dtype=pl.Int64, eager=True)
    numbered = texts.insert_column(0, numbers.alias("row_number"))
    rows, rejects = screen(numbered, limits.max_field_chars)
    return settle(rows, rejects, columns, batch.height, [])


def _source(content: Content, limits: Limits) -> _Source:
    """The file itself, which is read where it lies, or what was packed in it."""
    if content.plain is not None:
        return Path(content.plain.name)
    return io.BytesIO(content.whole(limits))


def _footer(content: Content, source: _Source, limits: Limits) -> pq.FileMetaData:
    """What the footer says, before anything is unpacked."""
    stream = source if isinstance(source, io.BytesIO) else content.plain
    if stream is None or stream.read(4) != b"PAR1":
        raise DeliveryRefused("it is not a Parquet file")
    stream.seek(0)
    try:
        footer = pq.read_metadata(stream)
    except (pa.ArrowException, OSError, ValueError):
        raise DeliveryRefused("the Parquet file is damaged or cut off") from None
    finally:
        stream.seek(0)
    _refuse_beyond(footer, limits)
    return footer


def _refuse_beyond(footer: pq.FileMetaData, limits: Limits) -> None:
    sizes = [footer.row_group(number).total_byte_size for number in range(footer.num_row_groups)]
    if footer.num_columns > limits.max_columns:
        raise DeliveryRefused(
            f"{footer.num_columns:,} columns are more than the limit of {limits.max_columns}"
        )
    if footer.num_rows > limits.max_rows:
        raise DeliveryRefused(
            f"{footer.num_rows:,} rows are more than the limit of {limits.max_rows:,}"
        )
    if sum(sizes) > limits.max_expanded_bytes:
        raise DeliveryRefused(
            f"unpacked, it is more than the limit of {limits.max_expanded_bytes:,} bytes"
        )
    if max(sizes, default=0) > _LARGEST_GROUP:
        raise DeliveryRefused(
            f"a row group of it is more than {_LARGEST_GROUP:,} bytes; ask for smaller row groups"
        )


def _copied_bytes(schema: pl.Schema) -> Iterator[pl.Expr]:
    """How long the values of each column are together, of those that are copied to become text."""
    leaves = [leaf for name, kind in schema.items() for leaf in _copied(pl.col(name), kind)]
    for at, leaf in enumerate(leaves):
        yield leaf.cast(pl.Int64).sum().alias(f"{at}")


def _copied(value: pl.Expr, kind: pl.DataType, *, in_list: bool = False) -> Iterator[pl.Expr]:
    """Lengths of codes, of bytes and of what stands in lists; a plain text is never copied."""
    if isinstance(kind, pl.Categorical | pl.Enum):
        yield value.cat.len_bytes()
    elif isinstance(kind, pl.Binary):
        yield value.bin.size()
    elif isinstance(kind, pl.Struct):
        for field in kind.fields:
            inner = value.struct.field(field.name)
            yield from _copied(inner, pl.Series(dtype=field.dtype).dtype, in_list=in_list)
    elif isinstance(kind, pl.List | pl.Array):
        yield from _copied(value.explode(), pl.Series(dtype=kind.inner).dtype, in_list=True)
    elif in_list and isinstance(kind, pl.String):
        yield value.str.len_bytes()


def _texts(schema: pl.Schema) -> Iterator[pl.Expr]:
    for name, kind in schema.items():
        yield from _columns(pl.col(name), name, kind)


def _columns(value: pl.Expr, name: str, kind: pl.DataType) -> Iterator[pl.Expr]:
    """A column as text; a struct as one column for each of its fields, with dotted names."""
    if isinstance(kind, pl.Struct):
        for field in kind.fields:
            inner = value.struct.field(field.name)
            yield from _columns(inner, f"{name}.{field.name}", pl.Series(dtype=field.dtype).dtype)
    else:
        yield _text(value, kind).alias(name)


def _text(value: pl.Expr, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.List | pl.Array):
        return _list_text(value, kind)
    if isinstance(kind, pl.Datetime):
        return _time_text(value, kind)
    if kind.is_float():
        is_whole = (value == value.floor()) & (value.abs() < _EXACT)
        whole = pl.when(is_whole).then(value).cast(pl.Int64, strict=False).cast(pl.String)
        return pl.coalesce(whole, pl.when(value.is_not_nan()).then(value).cast(pl.String))
    if isinstance(kind, pl.Binary):
        return value.map_batches(_bytes_text, return_dtype=pl.String)
    return value.cast(pl.String)


def _bytes_text(values: pl.Series) -> pl.Series:
    """Bytes as the text that they are, or in hexadecimal when they are none."""
    texts = {one: _decoded(one) for one in values.unique() if one is not None}
    return pl.Series([texts.get(one) for one in values], dtype=pl.String)


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def _time_text(value: pl.Expr, kind: pl.Datetime) -> pl.Expr:
    if kind.time_zone is None:
        return value.dt.strftime("%Y-%m-%dT%H:%M:%S%.f")
    return value.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")


def _list_text(value: pl.Expr, kind: pl.List | pl.Array) -> pl.Expr:
    """A list of plain values joined; anything deeper as JSON."""
    items = value.arr.to_list() if isinstance(kind, pl.Array) else value
    inner = pl.Series(dtype=kind.inner).dtype
    if not inner.is_nested():
        return items.list.eval(_text(pl.element(), inner)).list.join("; ", ignore_nulls=True)
    wrapped = pl.struct(items.alias("v")).struct.json_encode()
    return pl.when(items.list.len() > 0).then(wrapped.str.slice(5).str.head(-1))
