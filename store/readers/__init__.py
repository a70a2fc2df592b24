"""Read deliveries: CSV, JSON, NDJSON, Parquet and XLSX, plain, gzipped or zipped, as text."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rules.feed import Format, ReadRule
from rules.limits import Limits
from store.readers.bytes import Content, open_delivery
from store.readers.columnar import read_parquet
from store.readers.delimited import read_delimited
from store.readers.json_records import read_json, read_ndjson
from store.readers.reading import DeliveryRefused, Reading
from store.readers.workbook import read_xlsx

__all__ = ["DeliveryRefused", "Reading", "read_delivery"]

Reader = Callable[[Content, ReadRule, Limits, Sequence[str]], Reading]

READERS: dict[Format, Reader] = {
    "csv": read_delimited,
    "json": read_json,
    "ndjson": read_ndjson,
    "parquet": read_parquet,
    "xlsx": read_xlsx,
}


def read_delivery(
    path: Path, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Reading:
    """Read a delivery as its feed says, never as its name or its first rows suggest.

    `expected` are the names of the feed's columns; they find the header below a preamble.
    """
    content = open_delivery(path, rule.format, limits)
    return READERS[rule.format](content, rule, limits, expected)
