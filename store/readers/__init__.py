"""Read deliveries: CSV, JSON, NDJSON, Parquet and XLSX, plain, gzipped or zipped, as text."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rules.feed import Format, ReadRule
from rules.limits import Limits
from store.readers.bytes import Content, open_delivery
from store.readers.columnar import read_parquet
from store.readers.delimited import read_delimited
from store.readers.json_records import read_json, read_ndjson
from store.readers.reading import NOT_MISSED, DeliveryRefused, Reading, joined
from store.readers.workbook import read_xlsx

__all__ = ["NOT_MISSED", "DeliveryRefused", "Reading", "read_delivery", "read_parts"]

Reader = Callable[[Content, ReadRule, Limits, Sequence[str]], Iterator[Reading]]

READERS: dict[Format, Reader] = {
    "csv": read_delimited,
    "json": read_json,
    "ndjson": read_ndjson,
    "parquet": read_parquet,
    "xlsx": read_xlsx,
}


def read_parts(
    path: Path, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Iterator[Reading]:
    """Read a delivery a part at a time: one part at least, and all its notes with the last.

    A delivery can turn out to be refused after some of its parts were read.
    """
    with open_delivery(path, rule.format, limits) as content:
        yield from READERS[rule.format](content, rule, limits, expected)


def read_delivery(
    path: Path, rule: ReadRule, limits: Limits, expected: Sequence[str] = ()
) -> Reading:
    """Read a delivery as its feed says, never as its name or its first rows suggest.

    `expected` are the names of the feed's columns; they find the header below a preamble.
    """
    return joined(read_parts(path, rule, limits, expected))
