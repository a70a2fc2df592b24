"""Read what the runs did to customers in the one order of the feed, from a cursor on."""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import duckdb

ORDER = "run_id, customer_id, change, coalesce(other_customer_id, '')"
"""The order of the feed."""

Change = dict[str, Any]
"""A row of `changes`; `Any` is whatever a column holds."""


class Cursor(NamedTuple):
    """The last change that was read: all that follow come after it in the order of the feed."""

    run_id: str = ""
    customer_id: str = ""
    change: str = ""
    other: str = ""

    def __str__(self) -> str:
        """As programs keep it."""
        return base64.urlsafe_b64encode(json.dumps(self).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """The cursor that a text is, the empty one the beginning; ValueError if it is none."""
        if not text:
            return cls()
        try:
            parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, ValueError, RecursionError) as error:
            raise ValueError("no cursor") from error
        if not isinstance(parts, list) or len(parts) != len(cls._fields):
            raise ValueError("no cursor")
        if not all(isinstance(part, str) for part in parts):
            raise ValueError("no cursor")
        return cls(*parts)

    @classmethod
    def at(cls, change: Change) -> "Cursor":
        """Where one is who has read this change."""
        other = change["other_customer_id"] or ""
        return cls(change["run_id"], change["customer_id"], change["change"], other)


def changes_from(
    con: duckdb.DuckDBPyConnection, cursor: Cursor, most: int
) -> Iterator[list[Change]]:
    """Changes after the cursor, in parts of `most` that are each of one run."""
    reader = con.sql(
        "select run_id, customer_id, change, coalesce(fields, []) as fields, other_customer_id "
        f"from changes where ({ORDER}) > ($run_id, $customer_id, $change, $other) order by {ORDER}",
        params=cursor._asdict(),
    ).to_arrow_reader(10_000)
    part: list[Change] = []
    for batch in reader:
        for change in batch.to_pylist():
            if part and (len(part) == most or change["run_id"] != part[0]["run_id"]):
                yield part
                part = []
            part.append(change)
    if part:
        yield part
