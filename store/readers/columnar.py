"""Read Parquet: typed columns become text in one agreed spelling.

Dates and times are ISO 8601, times with a zone are told in UTC, booleans are `true` and `false`.
A whole number loses the `.0` that a float column gives it: a phone number is often in one.
"""

import io
from collections.abc import Iterator, Sequence

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

_EXACT = float(1 << 53)
"""Above this a float is no longer sure of its last digit."""


def read_parquet(
    content: Content, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Reading:
    """Every row, its values as text."""
    _check_size(content.data, limits)
    try:
        frame = pl.read_parquet(content.data)
        texts = frame.select(_texts(frame.schema))
    except (PolarsError, OSError, ValueError) as error:
        raise DeliveryRefused(f"the Parquet file cannot be read: {type(error).__name__}") from None
    columns = columns_of(texts.columns, limits.max_columns)
    texts = emptied(texts.rename(dict(zip(texts.columns, columns, strict=True))))
    numbers = pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True)
    numbered = texts.insert_column(0, numbers.alias("row_number"))
    rows, rejects = screen(numbered, limits.max_field_chars)
    return settle(rows, rejects, columns, frame.height, content.notes)


def _check_size(data: bytes, limits: Limits) -> None:
    """What the footer says, before anything is unpacked."""
    if not data.startswith(b"PAR1"):
        raise DeliveryRefused("it is not a Parquet file")
    try:
        footer = pq.read_metadata(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError):
        raise DeliveryRefused("the Parquet file is damaged or cut off") from None
    groups = (footer.row_group(number) for number in range(footer.num_row_groups))
    if footer.num_rows > limits.max_rows:
        raise DeliveryRefused(f"{footer.num_rows} rows are more than {limits.max_rows}")
    if sum(group.total_byte_size for group in groups) > limits.max_expanded_bytes:
        raise DeliveryRefused(f"unpacked, it is more than {limits.max_expanded_bytes} bytes")


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
