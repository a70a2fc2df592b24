"""Look for a person in deliveries that are kept and have not entered.

Nothing of them is in the tables, so they are read: row by row where their feed's reader can, and
else as the text that they are. One that only bytes can be looked for in is dropped whole.
"""

import polars as pl

from flows.erasing.people import People
from flows.reading import Spool, read_through
from rules.feed import Feed
from store.archive import Archive, Delivery
from store.files import remove_tree
from store.readers import DeliveryRefused
from store.readers.bytes import open_delivery
from store.redacted import is_redacted
from store.settings import Settings

_NEVER = "\0"
"""No row has it; it stands where there is nothing to look for."""


def search_held(
    settings: Settings, feeds: dict[str, Feed], states: pl.DataFrame, people: People
) -> tuple[dict[int, list[int]], list[int]]:
    """Rows of deliveries that were not taken in, by their number, and deliveries to drop whole."""
    entered = set(states.filter(state="taken_in")["delivery_number"])
    rows: dict[int, list[int]] = {}
    dropped = []
    for delivery in Archive(settings.raw).deliveries():
        if delivery.delivery_number in entered or delivery.delivery_number not in set(
            states["delivery_number"]
        ):
            continue
        found = _search(settings, feeds.get(delivery.source), delivery, people)
        if found is None:
            dropped.append(delivery.delivery_number)
        elif found:
            rows[delivery.delivery_number] = found
    return rows, dropped


def _search(
    settings: Settings, feed: Feed | None, delivery: Delivery, people: People
) -> list[int] | None:
    """The rows that have a contact value of the person; none where only all of it can go."""
    folder = settings.work / "erasing"
    try:
        if feed is None:
            return _search_bytes(settings, delivery, people)
        spool = read_through(delivery, feed, settings.limits, folder)
        return _search_rows(spool, people)
    except DeliveryRefused:
        return _search_bytes(settings, delivery, people)
    finally:
        remove_tree(folder)


def _search_rows(spool: Spool, people: People) -> list[int]:
    emails = [*people.sought.filter(kind="email")["text"], _NEVER]
    phones = [*people.sought.filter(kind="phone")["text"], _NEVER]
    found: set[int] = set()
    for part in spool.look():
        cells = pl.concat_str(pl.exclude("row_number"), separator="\n", ignore_nulls=True)
        texts = [part.rejects.select("row_number", text="raw")]
        if part.rows.width > 1:
            texts.append(part.rows.select("row_number", text=cells))
        for rows in texts:
            folded = rows["text"].str.to_lowercase()
            digits = rows["text"].str.replace_all(r"[^0-9\n]", "")
            has = folded.str.contains_any(emails) | digits.str.contains_any(phones)
            found |= set(rows.filter(has.fill_null(value=False))["row_number"])
    return sorted(found)


def _search_bytes(settings: Settings, delivery: Delivery, people: People) -> list[int] | None:
    """Nothing when the bytes, unpacked, have no address of the person; None when they do."""
    if is_redacted(delivery.path):
        return []
    texts = people.sought.filter(kind="email")["text"]
    words = [text.encode(encoding) for text in texts for encoding in ("utf-8", "utf-16-le")]
    longest = max(map(len, words), default=0)
    try:
        with open_delivery(delivery.path, "csv", settings.limits) as content:
            tail = b""
            for piece in content.pieces:
                window = tail + piece.lower()
                if any(word in window for word in words):
                    return None
                tail = window[-longest:]
    except DeliveryRefused:
        raw = delivery.path.read_bytes().lower()
        return None if any(word in raw for word in words) else []
    return []
