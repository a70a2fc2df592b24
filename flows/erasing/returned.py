"""Find the rows of a delivery that are a person's who was erased before it arrived.

Such a row is taken out of the kept delivery before anything of it enters. A row is the person's by
the key of an erased record, or by a contact value and a name. It enters all the same when it comes
from the person, with a consent that is younger than the erasure; and a record that had arrived
before the erasure, and was not erased, is somebody else's.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import polars as pl

from flows.reading import Spool
from flows.stages.digests import with_digests
from flows.stages.standardise import KINDS
from rules.erasure import Erasure
from rules.feed import Feed
from rules.lookups import Lookups
from store.archive import Delivery
from store.erasures import Digests, Erasures, key_text
from store.warehouse import Warehouse
from transforms.classify import ARRIVALS
from transforms.conform import conform
from transforms.erasure import DIRECT, contact_hints, is_consented, known_by, known_by_email
from transforms.standardise.keys import record_keys
from transforms.standardise.records import move_up, standardise_texts

_MARKS = pl.Schema(
    {"digest": pl.String(), "erased_at": pl.Datetime("us", "UTC"), "after": pl.Int64()}
)


class Watch(NamedTuple):
    """What to look for in a delivery."""

    keys: pl.DataFrame
    hints: pl.DataFrame
    evidence: pl.DataFrame
    """Each: digest, erased_at, after (the last delivery that had arrived)."""
    digests: Digests

    @property
    def is_idle(self) -> bool:
        """Whether nobody was erased before this delivery."""
        return self.keys.is_empty()


def watch_for(
    erasures: Iterable[Erasure], delivery: Delivery, kept: Erasures, warehouse: Warehouse
) -> Watch:
    """What to look for in this delivery: those who were erased before it arrived."""
    earlier = [one for one in erasures if one.keeps_out and one.after < delivery.delivery_number]
    digests = Digests(kept.key() if earlier else "", warehouse)
    keys, hints, evidence = (_marks(earlier, what) for what in ("keys", "hints", "evidence"))
    return Watch(keys, hints, evidence, digests)


def returned_rows(
    watch: Watch, delivery: Delivery, feed: Feed, spool: Spool, lookups: Lookups
) -> frozenset[int]:
    """The numbers of the rows that are an erased person's."""
    if watch.is_idle:
        return frozenset()
    found: set[int] = set()
    for part in spool.look():
        rows = keyed_rows(watch.digests.warehouse, part.rows, feed)
        if rows.height:
            found |= set(_returned(watch, rows, delivery, feed, lookups))
    return frozenset(found)


def keyed_rows(warehouse: Warehouse, delivered: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """Rows in our columns, each with the key of its record; none if they have no column of ours."""
    rows = conform(delivered, feed)
    if rows.width == 1:
        return rows.clear()
    if "source_key" not in rows.columns:
        rows = with_digests(warehouse, rows, delivered, feed).drop("content_hash", "is_delete")
    return rows.drop("operation", strict=False)


def key_digests(digests: Digests, rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """The digest of each row's key: row_number, digest."""
    text = pl.lit(key_text(source, "")) + pl.col("source_key")
    texts = rows.select("row_number", text=text).drop_nulls()
    return texts.select("row_number", digest=digests.of(texts["text"]))


def standardised(
    rows: pl.DataFrame, feed: Feed, lookups: Lookups, received_at: datetime
) -> pl.DataFrame:
    """Rows of text as values with the keys they are compared by; `number` is the row's."""
    given = rows.drop("row_number").with_columns(
        arrival=rows["row_number"],
        record_number=rows["row_number"],
        source=pl.lit(feed.source),
        received_at=pl.lit(received_at),
    )
    records = standardise_texts(given, feed, lookups)
    for kind in KINDS:
        for name in kind.columns:
            texts = records.select(raw=name, **kind.asked)
            judged = texts.with_columns(kind.verify(texts).select("value", "reason"))
            values = judged.select(kind.key.alias("key"), "value")
            columns = {name: values["value"]}
            if kind.keeps_key:
                columns[f"{name}_key"] = values["key"]
            records = records.with_columns(**columns)
    keyed = record_keys(move_up(records), lookups)
    return keyed.with_columns(number=pl.col("arrival"))


def _returned(
    watch: Watch, rows: pl.DataFrame, delivery: Delivery, feed: Feed, lookups: Lookups
) -> list[int]:
    """Those rows of a part that are an erased person's, the new and consented ones left out."""
    by_key = key_digests(watch.digests, rows, feed.source).join(watch.keys, on="digest")
    hints = contact_hints(rows)
    hinted = hints.with_columns(digest=watch.digests.of(hints["hint"])).join(
        watch.hints, on="digest", how="semi"
    )
    wanted = pl.concat([by_key["row_number"], hinted["row_number"]]).unique()
    maybe = rows.filter(pl.col("row_number").is_in(wanted.implode()))
    if maybe.is_empty():
        return []
    records = standardised(maybe, feed, lookups, delivery.received_at)
    nameless = records.filter(pl.col("last_key").is_null())
    texts = pl.concat([known_by(records, widely=False), known_by_email(nameless, None)])
    by_evidence = texts.select("number", digest=watch.digests.of(texts["text"])).join(
        watch.evidence, on="digest"
    )
    marks = pl.concat(
        [
            by_key.select(number="row_number", erased_at="erased_at", after=pl.lit(-1, pl.Int64)),
            by_evidence.select("number", "erased_at", "after"),
        ]
    )
    return _blocked(watch, marks, maybe, records, feed)


def _blocked(
    watch: Watch, marks: pl.DataFrame, rows: pl.DataFrame, records: pl.DataFrame, feed: Feed
) -> list[int]:
    """The marked rows but for those that may enter; marks: number, erased_at, after."""
    known = watch.digests.warehouse.read(
        "select k.row_number as number, r.record_number from ingest.records r join keys k "
        f"using (source_key) where r.source = '{feed.source}'",
        keys=rows.select("row_number", "source_key"),
    )
    judged = marks.join(
        records.select("number", "updated_at", "consent_email", "consent_phone", "consent_post"),
        on="number",
    ).join(known, on="number", how="left")
    is_direct = feed.channel in DIRECT
    was_there = pl.col("record_number") // ARRIVALS <= pl.col("after")
    was_there = (was_there | is_direct) & pl.col("record_number").is_not_null()
    enters = was_there
    if is_direct:
        enters = was_there | is_consented(pl.col("erased_at"))
    return judged.filter(~enters.fill_null(value=False))["number"].unique().to_list()


def _marks(erasures: list[Erasure], what: str) -> pl.DataFrame:
    """The digests of a kind, each with the last erasure that it is of."""
    found = [
        pl.DataFrame({"digest": getattr(one, what)}, schema={"digest": pl.String}).with_columns(
            erased_at=pl.lit(one.erased_at).cast(_MARKS["erased_at"]),
            after=pl.lit(one.after, pl.Int64),
        )
        for one in erasures
    ]
    return pl.concat([pl.DataFrame(schema=_MARKS), *found]).group_by("digest").max()
