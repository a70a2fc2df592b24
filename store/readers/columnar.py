"""Read Parquet: typed columns become text in one agreed spelling.

Dates and times are ISO 8601, times with a zone are told in UTC, booleans are `true` and `false`.
A whole number loses the `.0` that a float column gives it: a phone number is often in one.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from polars.exceptions import PolarsError

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers.bytes import Content
from store.readers.reading import (
    DeliveryRefused,
    Reading,
    columns_of,
    emptied,
    screen,
    settle,
)

_BATCH, _SMALL, _LARGEST_GROUP = 250_000, 1 << 26, 1 << 29
_EXACT = float(1 << 53)
"""Above this a float is no longer sure of its last digit."""


def read_parquet(
    content: Content, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Iterator[Reading]:
    """Every row, its values as text; a part for each batch of rows."""
    first, done = 1, False
    try:
        with _opened(content, limits) as source:
            footer = _footer(source, limits)
            for batch in _batches(source, footer, limits):
                part = _part(batch, first, limits)
                first += batch.height
                done = first > footer.num_rows
                yield part._replace(notes=content.notes if done else [])
    except (PolarsError, pa.ArrowException, OSError, ValueError) as error:
        raise DeliveryRefused(
            f"a part of the Parquet file is damaged ({type(error).__name__}); ask for it again"
        ) from None


def _part(batch: pl.DataFrame, first: int, limits: Limits) -> Reading:
    texts = batch.select(_texts(batch.schema))
    columns = columns_of(texts.columns, limits.max_columns)
    texts = emptied(texts.rename(dict(zip(texts.columns, columns, strict=True))))
    numbers = pl.int_range(first, first + batch.height, dtype=pl.Int64, eager=True)
    numbered = texts.insert_column(0, numbers.alias("row_number"))
    rows, rejects = screen(numbered, limits.max_field_chars)
    return settle(rows, rejects, columns, batch.height, [])


@contextmanager
def _opened(content: Content, limits: Limits) -> Iterator[IO[bytes]]:
    """The file itself, which is read where it lies, or what was packed in it."""
    if content.plain is not None:
        yield content.plain
    else:
        yield io.BytesIO(content.whole(limits))


def _footer(source: IO[bytes], limits: Limits) -> pq.FileMetaData:
    """What the footer says, before anything is unpacked."""
    if source.read(4) != b"PAR1":
        raise DeliveryRefused("it is not a Parquet file")
    source.seek(0)
    try:
        footer = pq.read_metadata(source)
    except (pa.ArrowException, OSError, ValueError):
        raise DeliveryRefused("the Parquet file is damaged or cut off") from None
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    if footer.num_rows > limits.max_rows:
        raise DeliveryRefused(
            f"{footer.num_rows:,} rows are more than the limit of {limits.max_rows:,}"
        )
    if sum(group.total_byte_size for group in groups) > limits.max_expanded_bytes:
        raise DeliveryRefused(
            f"unpacked, it is more than the limit of {limits.max_expanded_bytes:,} bytes"
        )
    if max((group.total_byte_size for group in groups), default=0) > _LARGEST_GROUP:
        raise DeliveryRefused(
            f"a row group of it is more than {_LARGEST_GROUP:,} bytes; ask for smaller row groups"
        )
    return footer


def _batches(source: IO[bytes], footer: pq.FileMetaData, limits: Limits) -> Iterator[pl.DataFrame]:
    """The rows, some at a time; a file without rows has one batch that is empty."""
    source.seek(0)
    size = sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))
    if size <= _SMALL and source.seek(0, io.SEEK_END) <= _SMALL:
        source.seek(0)
        whole = pl.read_parquet(source)
        yield from whole.iter_slices(_BATCH) if whole.height else [whole]
        return
    with pq.ParquetFile(source, pre_buffer=False) as file:
        for batch in file.iter_batches(_BATCH, use_threads=False):
            found = pl.from_arrow(batch)
            yield found if isinstance(found, pl.DataFrame) else found.to_frame()


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
