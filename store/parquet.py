"""Write the published tables as Parquet files.

`customers`, `lineage` and `history` are three shapes of one wide table, so one pass writes the
three. A text that many rows share, such as a customer's name for itself, is written once for each
group of rows, and the rows point to it: that is most of what makes writing cheap.
"""

import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from store.dictionary import read_dictionary
from store.schema import from_elsewhere, type_of
from store.views import CONTRACT

HIDDEN = frozenset({"founder", "record_number"})
"""Columns that only the line needs."""

SHAPES = ("customers", "lineage", "history")
"""The tables that are views of `golden_values`."""

_ROWS = 122_880
"""Rows in a group of rows."""

_CUSTOMERS = 20_480
"""Customers in a group of rows of the three shapes: about ten times as many golden values."""

_SHARED_BYTES, _POINTED_BYTES = 1 << 16, 1 << 24
"""The texts of a column are written once as long as they are no more than this."""

Numbers = npt.NDArray[Any]

_TIME = pa.timestamp("us", "UTC")


_ONE_VALUE = ("customer_id", "field", "value")

_UNFOLDED = {
    "lineage": pa.schema(
        [
            *((name, pa.string()) for name in (*_ONE_VALUE, "record_id", "decided_by")),
            ("valid_from", _TIME),
        ]
    ),
    "history": pa.schema(
        [*((name, pa.string()) for name in _ONE_VALUE), ("valid_from", _TIME), ("valid_to", _TIME)]
    ),
}
"""The views that are a union over all fields: to ask the database for their columns takes long."""


class _Values(NamedTuple):
    """The golden values of some customers, those of one field after those of another."""

    rows: pa.RecordBatch
    """customer_id, field, value, record_id (of the customer's first record), decided_by,
    valid_from."""
    is_here: Numbers
    """Whether the value came from the customer's first record."""


def write_tables(con: duckdb.DuckDBPyConnection, folder: Path, tables: list[str]) -> None:
    """Write each of `tables` to a file of its own in `folder`."""
    for table in tables:
        if table not in SHAPES:
            rows = _rows(con, table)
            with _open(folder, table, rows.schema) as writer:
                _append(writer, rows)
    shapes = [table for table in SHAPES if table in tables]
    if not shapes:
        return
    fields = _fields(con)
    with ExitStack() as stack:
        schemas = {
            table: _UNFOLDED.get(table) or _rows(con, f"(from {table} limit 0)").schema
            for table in shapes
        }
        writers = {
            table: stack.enter_context(_open(folder, table, schema))
            for table, schema in schemas.items()
        }
        _write_shapes(con, writers, fields)
        if "lineage" in writers:
            shown = _UNFOLDED["lineage"].names
            _append(writers["lineage"], _rows(con, f"({from_elsewhere(fields)})", shown))
        if "history" in writers:
            shown = _UNFOLDED["history"].names
            _append(writers["history"], _rows(con, "closed_periods", shown))


def _write_shapes(
    con: duckdb.DuckDBPyConnection, writers: dict[str, pq.ParquetWriter], fields: list[str]
) -> None:
    for is_plain in (True, False):
        for wide in _read(con, fields, is_plain):
            if "customers" in writers:
                writers["customers"].write_batch(wide.select(writers["customers"].schema.names))
            values = _unfold(wide, fields, is_plain)
            if "lineage" in writers:
                writers["lineage"].write_batch(values.rows.filter(values.is_here))
            if "history" in writers:
                held = values.rows.select(["customer_id", "field", "value", "valid_from"])
                ended = pa.nulls(held.num_rows, _TIME)
                writers["history"].write_batch(held.append_column("valid_to", ended))


def _read(
    con: duckdb.DuckDBPyConnection, fields: list[str], is_plain: bool
) -> Iterable[pa.RecordBatch]:
    """Blocks of golden values; of plain customers there is nothing else to say."""
    asked = [f"{field}::varchar as {field}_text" for field in fields if _is_other(field)]
    asked += fields
    if not is_plain:
        asked += [f"{field}_by" for field in fields]
        asked += [f"coalesce({field}_since, changed_at) as {field}_since" for field in fields]
        asked += [f"({field}_record is null)::utinyint as {field}_is_here" for field in fields]
    blocks: Iterable[pa.RecordBatch] = con.sql(
        "select customer_id, record_id, record_count, source_count, first_seen_at, changed_at, "
        f"{', '.join(asked)} from golden_values where is_plain = {is_plain}"
    ).to_arrow_reader(_CUSTOMERS)
    return blocks


def _is_other(field: str) -> bool:
    return type_of(field) != "varchar"


def _unfold(wide: pa.RecordBatch, fields: list[str], is_plain: bool) -> _Values:
    """Put the values of all fields under each other."""
    texts = [wide[f"{name}_text" if _is_other(name) else name] for name in fields]
    places = [np.flatnonzero(_array(text.is_valid().cast(pa.uint8()))) for text in texts]
    rows = np.concatenate(places).astype(np.int32)
    field = np.repeat(np.arange(len(fields), dtype=np.int32), [len(here) for here in places])
    if is_plain:
        decided_by, words = np.zeros(len(rows), np.int32), pa.array(["only_value"])
        since, is_here = _array(wide["changed_at"].cast(pa.int64()))[rows], np.ones(len(rows), bool)
    else:
        by = [wide[f"{name}_by"] for name in fields]
        decided_by, words = (
            _gather([each.indices.fill_null(0) for each in by], places),
            by[0].dictionary,
        )
        since = _gather([wide[f"{name}_since"].cast(pa.int64()) for name in fields], places)
        is_here = _gather([wide[f"{name}_is_here"] for name in fields], places) == 1
    columns = {
        "customer_id": _point(rows, wide["customer_id"]),
        "field": _point(field, pa.array(fields)),
        "value": pa.concat_arrays([text.drop_null() for text in texts]),
        "record_id": _point(rows, wide["record_id"]),
        "decided_by": _point(decided_by, words),
        "valid_from": pa.array(since, _TIME),
    }
    return _Values(pa.RecordBatch.from_pydict(columns), is_here)


def _gather(columns: list[pa.Array], places: list[Numbers]) -> Numbers:
    """What each column has in its places, one after the other."""
    pairs = zip(columns, places, strict=True)
    return np.concatenate([_array(column)[here] for column, here in pairs])


def _point(rows: Numbers, texts: pa.Array) -> pa.Array:
    """Texts by where they stand in `texts`."""
    return pa.DictionaryArray.from_arrays(pa.array(rows, pa.int32()), texts)


def _array(column: pa.Array) -> Numbers:
    numbers: Numbers = column.to_numpy(zero_copy_only=False)
    return numbers


def _fields(con: duckdb.DuckDBPyConnection) -> list[str]:
    columns = _columns(con, "golden_values")
    return [name for name in columns if f"{name}_since" in columns]


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [row[0] for row in con.sql(f"describe {table}").fetchall()]


def _rows(
    con: duckdb.DuckDBPyConnection, table: str, shown: list[str] | None = None
) -> pa.RecordBatchReader:
    """The rows of `table` with these columns, or all that are not the line's alone."""
    if shown is None:
        whole = con.sql(f"from {table}")
        if not HIDDEN.intersection(whole.columns):
            return whole.to_arrow_reader(_ROWS)  # to ask in other words would plan it again
        shown = whole.columns
    names = ", ".join(name for name in shown if name not in HIDDEN)
    return con.sql(f"select {names} from {table}").to_arrow_reader(_ROWS)


def _append(writer: pq.ParquetWriter, found: pa.RecordBatchReader) -> None:
    for rows in found:
        columns = [
            column.dictionary_encode() if pa.types.is_dictionary(field.type) else column
            for column, field in zip(rows.columns, writer.schema, strict=True)
        ]
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=writer.schema))


def _open(folder: Path, table: str, schema: pa.Schema) -> pq.ParquetWriter:
    """Begin the file of `table`; lineage and history come as pointers to texts."""
    is_pointing = table in _UNFOLDED
    pointing = [name for name in schema.names if name != "value"]
    if is_pointing:
        schema = pa.schema([_pointing(field) for field in schema])
    writer = pq.ParquetWriter(
        folder / f"{table}.parquet",
        schema,
        compression="snappy",
        store_schema=False,
        use_dictionary=pointing if is_pointing else True,
        write_statistics=["valid_from"] if is_pointing else True,
        dictionary_pagesize_limit=_POINTED_BYTES if is_pointing else _SHARED_BYTES,
    )
    writer.add_key_value_metadata(_described(table))
    return writer


def _described(table: str) -> dict[str, str]:
    """What a reader of the file alone is told: the contract's version and what columns mean."""
    described = read_dictionary().tables[table]
    return {
        "touchstone.contract": CONTRACT,
        "touchstone.table": described.says,
        "touchstone.columns": json.dumps(described.columns),
    }


def _pointing(field: pa.Field) -> pa.Field:
    is_shared = field.type == pa.string() and field.name != "value"
    return field.with_type(pa.dictionary(pa.int32(), pa.string())) if is_shared else field
