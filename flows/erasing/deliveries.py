"""Take rows out of kept deliveries; the numbers of the others hold."""

from typing import NamedTuple

import polars as pl

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


def redact(delivery: Delivery, spool: Spool, rows: frozenset[int]) -> Delivery:
    """Take rows out of a kept delivery that was read through, for good."""
    notes = [note for note in spool.notes if note != _NOTE]
    about = About(list(spool.columns), [*notes, _NOTE])
    path = write_redacted(delivery.path.parent, spool.parts(), about, rows)
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
            if feed.source not in erasure.records and number not in erasure.rows:
                continue
            done["deliveries_searched"] += 1
            done["bytes_searched"] += delivery.byte_count
            count = _redact_one(search, delivery, feed)
            done["deliveries_rewritten"] += int(count > 0)
            done["rows"] += count
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


def _redact_one(search: "_Search", delivery: Delivery, feed: Feed) -> int:
    """Take the erased records out of one delivery; how many rows that were there are gone."""
    folder = search.settings.work / "erasing"
    try:
        spool = read_through(delivery, feed, search.settings.limits, folder)
        gone, rows = set[int](), set(search.erasure.rows.get(delivery.delivery_number, ()))
        for part in spool.look():
            gone |= set(part.rejects.filter(reason=ERASED)["row_number"])
            rows |= search.named(part.rows, feed)
        if rows - gone:
            redact(delivery, spool, frozenset(rows | gone))
        return len(rows - gone)
    except DeliveryRefused:
        return 0  # nobody can read it; where it had anything of the person, it was dropped
    finally:
        remove_tree(folder)


class _Search(NamedTuple):
    """What is looked for."""

    settings: Settings
    erasure: Erasure
    digests: Digests

    def named(self, delivered: pl.DataFrame, feed: Feed) -> set[int]:
        """The rows that an erased record is named by."""
        rows = keyed_rows(self.digests.warehouse, delivered, feed)
        if "source_key" not in rows.columns or not rows.height:
            return set()
        keys = pl.DataFrame({"digest": self.erasure.keys}, schema={"digest": pl.String})
        found = key_digests(self.digests, rows, feed.source)
        return set(found.join(keys, on="digest", how="semi")["row_number"])
