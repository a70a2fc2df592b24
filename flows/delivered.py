"""Tell the owner of a feed what became of a delivery, from the current snapshot alone.

Rows in quarantine are shown by their shape, never by what they say, so that the report can be sent.
"""

import re
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import duckdb
import polars as pl

from rules.feed import FIELDS, Feed
from rules.quality import Check, Quality
from store.errors import TouchstoneError
from store.rulebook import read_feeds, read_rule
from store.settings import Settings
from store.snapshot import open_snapshot
from transforms.mask import cells, plain_words
from transforms.shape import visible

EXAMPLES = 3
COUNTS = ("row", "new", "changed", "unchanged", "deleted", "withdrawn", "quarantined")

_READ = 20_000

_NEXT = {
    "taken_in": "There is nothing to do.",
    "held": "Nothing of it has entered. If the file is wrong, send it again, corrected; if it is "
    "right, say so, and it will be released.",
    "refused": "Nothing of it has entered, and nothing will. Send a corrected file.",
}
_NOTHING = "Nothing."
"""What rules/quality.toml says to do about a row that nobody misses, such as a blank one."""

_SEND_AGAIN = (
    "The rows below are in quarantine and are not used; where one matters, send it again, "
    "corrected, in another delivery. Where you cannot, answer with the item of the row and what it "
    "should say: a data steward corrects it with `touchstone decide ITEM correct FIELD=VALUE`."
)

_ADVICE = (
    ("would be withdrawn", "Check that the file is complete: whoever is not in it is withdrawn."),
    ("are expected", "Check that the file is complete and holds one delivery only."),
    ("the header is missing", "Send the file with the names of its columns in the first row."),
    ("column", "Name the columns as agreed; if they have changed for good, say so."),
    ("password", "Send the file without a password."),
    ("cut off", "Send the file again; it did not come whole."),
    ("damaged", "Send the file again; it did not come whole."),
    ("empty", "Send the file again, with its rows."),
    ("no rows", "Send the file again, with its rows."),
    ("the limit of", "Send it in several smaller files."),
    ("not UTF-8", "Send the file in UTF-8."),
    ("the text is not", "Send the file in the encoding that was agreed, best in UTF-8."),
    ("not text", "Send the file in the format that was agreed."),
    ("not a Parquet", "Send the file in the format that was agreed."),
    ("cannot be read", "Compare the file with the format that was agreed."),
)
"""What to do about a held delivery by words of its reason; the first that fits is said."""


def tell_delivery(settings: Settings, asked: str) -> dict[str, Any]:
    """What became of the delivery of this number or id; `Any` is whatever JSON can hold."""
    quality = read_rule(settings.rules / "quality.toml", Quality)
    feeds = read_feeds(settings.rules)
    with open_snapshot(settings) as con:
        row = _find(con, asked)
        reasons = _reasons(con, row["delivery_id"])
        examples = _examples(con, row["delivery_id"])
        corrected = _corrected(con, row["delivery_id"])
    feed = feeds.get(row["source"])
    known = _known(feed)
    told = [
        _reason(name, count, examples.filter(pl.col("reason") == name), known, quality)
        for name, count in reasons
    ]
    return {
        "delivery_id": row["delivery_id"],
        "delivery_number": row["delivery_number"],
        "source": row["source"],
        "feed": feed.title if feed else row["source"],
        "owner": feed.owner if feed else None,
        "file_name": visible(row["file_name"]),
        "received_at": f"{row['received_at'].astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        "run_id": row["run_id"],
        "state": row["state"],
        "reason": plain_words(row["reason"], known) if row["reason"] else None,
        "do": _do(row["state"], row["reason"], any(each["do"] != _NOTHING for each in told)),
        **{f"{name}_count": row[f"{name}_count"] for name in COUNTS},
        "corrected_count": corrected,
        "quarantine": told,
        "notes": [plain_words(note, known) for note in row["notes"] or []],
    }


def _find(con: duckdb.DuckDBPyConnection, asked: str) -> dict[str, Any]:
    """The published row of a delivery, named by its number or by the start of its id."""
    found = pl.DataFrame()
    if re.fullmatch(r"[0-9]{1,15}", asked):
        found = con.sql("from deliveries where delivery_number = ?", params=[int(asked)]).pl()
    if found.is_empty() and re.fullmatch(r"[0-9a-f]{8,64}", asked):
        found = con.sql("from deliveries where starts_with(delivery_id, ?)", params=[asked]).pl()
    if found.height > 1:
        raise TouchstoneError(f"Several deliveries begin with {asked}; give more of the id.")
    if found.is_empty():
        raise TouchstoneError(
            f"The current snapshot has no delivery {visible(asked)}; `touchstone query` "
            '"select delivery_number, file_name, state from deliveries" lists them.'
        )
    return found.row(0, named=True)


def _reasons(con: duckdb.DuckDBPyConnection, delivery_id: str) -> list[tuple[str, int]]:
    """How many rows are in quarantine for each reason, most first."""
    return con.execute(
        """
        select reason, count(*) as rows
        from (select unnest(reasons) as reason from quarantine where delivery_id = ?)
        group by reason order by rows desc, reason""",
        [delivery_id],
    ).fetchall()


def _examples(con: duckdb.DuckDBPyConnection, delivery_id: str) -> pl.DataFrame:
    """The first rows of each reason, as they came."""
    found: pl.DataFrame = con.sql(
        """
        with those as (
            select unnest(reasons) as reason, row_number as number, rowid as place
            from quarantine where delivery_id = ?),
        few as (
            from those
            qualify row_number() over (partition by reason order by number, place) <= ?)
        select reason, number, left(raw, ?) as raw, i.item_id
        from few join quarantine q on q.rowid = place left join review_items i
            on i.kind = 'quarantine' and i.delivery_id = q.delivery_id and i.row_number = number
        order by reason, number, place""",
        params=[delivery_id, EXAMPLES, _READ],
    ).pl()
    return found


def _corrected(con: duckdb.DuckDBPyConnection, delivery_id: str) -> int:
    """How many rows of the delivery entered as a person corrected them."""
    found = con.execute(
        "select count(distinct row_number) from corrections "
        "where delivery_id = ? and state = 'applied'",
        [delivery_id],
    ).fetchone()
    return int(found[0]) if found else 0


def _known(feed: Feed | None) -> frozenset[str]:
    """The names of columns that are ours or the feed's, and so are nobody's data."""
    theirs = [*feed.columns, *feed.ignore] if feed else []
    return frozenset([*FIELDS, *theirs])


def _reason(
    name: str, count: int, examples: pl.DataFrame, known: frozenset[str], quality: Quality
) -> dict[str, Any]:
    """A reason for quarantine in words, with its examples masked."""
    unknown = Check(says=name.replace("_", " "), do="Ask what is meant.")
    check = (quality.faults | quality.checks).get(name, unknown)
    shown = [
        {"row_number": number, "item_id": item, "cells": cells(raw or "", known)}
        for number, raw, item in examples.select("number", "raw", "item_id").iter_rows()
    ]
    return {"name": name, "rows": count, "says": check.says, "do": check.do, "examples": shown}


def _do(state: str, reason: str | None, is_any_missed: bool) -> list[str]:
    """What the owner of the feed can do, in sentences."""
    if state == "taken_in":
        return [_SEND_AGAIN if is_any_missed else _NEXT[state]]
    return [*_advice(reason or ""), _NEXT[state]]


def _advice(reason: str) -> Iterator[str]:
    fitting = (says for words, says in _ADVICE if words in reason)
    yield from list(fitting)[:1]
