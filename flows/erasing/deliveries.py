"""Take rows and cells out of kept deliveries; the numbers of the others hold."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from flows.erasing.details import columns_of
from flows.erasing.returned import key_digests, keyed_rows
from flows.reading import Spool, read_through
from rules.erasure import Erasure
from rules.feed import Feed
from store.archive import Archive, Delivery
from store.erasures import Digests
from store.files import remove_tree
from store.readers import DeliveryRefused
from store.redacted import ERASED, NAME, About, drop, remove_payload, write_redacted
from store.settings import Settings

_NOTE = "rows of it were erased"
_BLANKED = "cells of it were kept for long enough"


def redact(
    delivery: Delivery,
    spool: Spool,
    rows: frozenset[int],
    blanked: Mapping[str, frozenset[int]] | None = None,
) -> Delivery:
    """Take rows out of a kept delivery that was read through, for good.

    `blanked` says by column of which rows the cells go.
    """
    notes = dict.fromkeys(spool.notes)
    notes |= dict.fromkeys([_NOTE] if rows else []) | dict.fromkeys([_BLANKED] if blanked else [])
    about = About(list(spool.columns), list(notes))
    path = write_redacted(delivery.path.parent, spool.parts(), about, rows, blanked or {})
    return delivery._replace(path=path)


def redact_all(
    settings: Settings, feeds: dict[str, Feed], erasure: Erasure, digests: Digests
) -> dict[str, int]:
    """Take the erased records out of every delivery that had arrived; what was done, by name.

    Killed in the middle and begun again, it finds the rows that it took out gone, and goes on.
    """
    archive = Archive(settings.raw)
    done = {"deliveries_searched": 0, "bytes_searched": 0, "deliveries_rewritten": 0, "rows": 0}
    search = _Search(settings, erasure, digests)
    for delivery in list(archive.deliveries()):
        number = delivery.delivery_number
        if number in erasure.dropped:
            drop(delivery.path.parent)
            done["deliveries_rewritten"] += 1
        elif number <= erasure.after and delivery.source in feeds:
            feed = feeds[delivery.source]
            named = (*erasure.records, *erasure.cells)
            if feed.source not in named and number not in erasure.rows:
                continue
            done["deliveries_searched"] += 1
            done["bytes_searched"] += delivery.byte_count
            gone = _redact_one(search, delivery, feed)
            done["deliveries_rewritten"] += int(any(gone))
            done["rows"] += gone.rows
            if gone.cells:
                done["cells"] = done.get("cells", 0) + gone.cells
        if number in erasure.entered:
            archive.keep_in(delivery)
    remove_payloads(settings)
    return done


def remove_payloads(settings: Settings) -> None:
    """Remove what a run that was killed has left beside what is left of a delivery."""
    for path in settings.raw.glob(f"[0-9]*/{NAME}"):
        remove_payload(path.parent)
    for path in settings.raw.glob(f"[0-9]*/.{NAME}.draft"):
        path.unlink()


class _Gone(NamedTuple):
    """What was there and is not any more."""

    rows: int = 0
    cells: int = 0


def _redact_one(search: "_Search", delivery: Delivery, feed: Feed) -> _Gone:
    """Take the erased records, and what is said no more, out of one delivery."""
    folder = search.settings.work / "erasing"
    try:
        spool = read_through(delivery, feed, search.settings.limits, folder)
        gone, rows = set[int](), set(search.erasure.rows.get(delivery.delivery_number, ()))
        blanked: dict[str, frozenset[int]] = {}
        for part in spool.look():
            gone |= set(part.rejects.filter(reason=ERASED)["row_number"])
            rows |= search.named(part.rows, feed)
            for column, some in search.told(part.rows, feed).items():
                blanked[column] = blanked.get(column, frozenset()) | some
        if rows - gone or blanked:
            redact(delivery, spool, frozenset(rows | gone), blanked)
        return _Gone(len(rows - gone), sum(map(len, blanked.values())))
    except DeliveryRefused:
        return _Gone()  # nobody can read it; where it had anything of the person, it was dropped
    finally:
        remove_tree(folder)


class _Search(NamedTuple):
    """What is looked for."""

    settings: Settings
    erasure: Erasure
    digests: Digests

    def named(self, delivered: pl.DataFrame, feed: Feed) -> set[int]:
        """The rows that an erased record is named by."""
        return set(_with_keys(self._digests(delivered, feed), self.erasure.keys))

    def told(self, delivered: pl.DataFrame, feed: Feed) -> dict[str, frozenset[int]]:
        """By column, the rows in which a record says what it is to say no more."""
        found: dict[str, frozenset[int]] = {}
        fields = self.erasure.cells.get(feed.source, {})
        digests = self._digests(delivered, feed) if fields else None
        for field, keys in fields.items():
            named = _with_keys(digests, keys)
            for column in columns_of(feed, field):
                if column in delivered.columns:
                    filled = delivered.filter(pl.col(column).is_not_null())["row_number"]
                    if rows := frozenset(named) & frozenset(filled):
                        found[column] = rows
        return found

    def _digests(self, delivered: pl.DataFrame, feed: Feed) -> pl.DataFrame | None:
        """The digest of each row's key: row_number, digest."""
        rows = keyed_rows(self.digests.warehouse, delivered, feed)
        if "source_key" not in rows.columns or not rows.height:
            return None
        return key_digests(self.digests, rows, feed.source)


def _with_keys(digests: pl.DataFrame | None, keys: Sequence[str]) -> list[int]:
    """The rows of which the key is one of these."""
    if digests is None:
        return []
    wanted = pl.DataFrame({"digest": keys}, schema={"digest": pl.String})
    return digests.join(wanted, on="digest", how="semi")["row_number"].to_list()
