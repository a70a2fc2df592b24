"""Read what the runs did to customers in the one order of the feed, from a cursor on.

Retention takes the oldest out of it, always a beginning of the feed, and notes the last change that
went: who has read less than that missed something, and is told so.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import duckdb

from store.errors import TouchstoneError
from store.warehouse import Warehouse

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


class ForgottenError(TouchstoneError):
    """Some of what comes after a cursor is not kept any more, up to a change of run `until`."""

    def __init__(self, until: str) -> None:
        super().__init__(
            f"What the runs up to {until} did is not kept any more, and not all of it was told: "
            "start anew from a snapshot (all customers), then go on with --since and its run."
        )
        self.until = until


Ask = Callable[[str, Mapping[str, Any]], Sequence[Sequence[Any]]]
"""A question with its values by name, to whatever holds a snapshot."""


def refuse_gap(ask: Ask, cursor: Cursor) -> None:
    """Refuse a cursor after which something is not kept any more; the beginning always is."""
    if cursor == Cursor() or not ask(
        "select 1 from duckdb_tables() where table_name = 'forgotten'", {}
    ):
        return
    gone = ask(
        "select run_id from forgotten "
        "where (run_id, customer_id, change, other) > ($run_id, $customer_id, $change, $other)",
        cursor._asdict(),
    )
    if gone:
        raise ForgottenError(str(gone[0][0]))


def forget_changes(golden: Warehouse, runs: Sequence[str]) -> None:
    """Take what these runs did out of the feed; they are the oldest that are in it."""
    names = ", ".join(f"'{run_id}'" for run_id in runs)
    golden.execute(
        "create table if not exists forgotten "
        "(run_id varchar, customer_id varchar, change varchar, other varchar)"
    )
    last = golden.read(
        f"select run_id, customer_id, change, coalesce(other_customer_id, '') as other "
        f"from changes where run_id in ({names}) order by all desc limit 1"
    )
    if last.height:
        golden.execute("delete from forgotten")
        golden.insert("forgotten", last)
        golden.execute(f"delete from changes where run_id in ({names})")


def changes_from(
    con: duckdb.DuckDBPyConnection, cursor: Cursor, most: int
) -> Iterator[list[Change]]:
    """Changes after the cursor, in parts of `most` that are each of one run."""
    refuse_gap(lambda query, values: con.sql(query, params=dict(values) or None).fetchall(), cursor)
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
