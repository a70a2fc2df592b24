"""Let records say no more in a field what they have said for long enough; the records stay.

The cells are blanked in the kept deliveries, in every row of the record, and all tables are made
anew from what is left: so a rebuild makes the same, and no version, history or snapshot has the
value. Rows are found by the keys of their records, as an erasure finds them.
"""

import json
from datetime import datetime, timedelta
from typing import NamedTuple, cast

import polars as pl

from flows.erasing.plan import Where
from flows.evidence import read_log
from rules.erasure import Erasure
from rules.feed import Feed
from rules.retention import MADE_OF, Detail, Retention
from store.erasures import Digests, Erasures, key_text
from store.state.striking import said

_STORED = {"address": ("address", "city", "region", "postcode")}
"""In which columns of `std.records` a detail is, where not in one of its own name."""


class ToldOf(NamedTuple):
    """What was said in a field for long enough."""

    cells: pl.DataFrame
    """record_number, source, source_key, field."""
    rows: pl.DataFrame
    """Rows in quarantine of records that may have said it: delivery_number, row_number."""


def columns_of(feed: Feed, detail: str) -> list[str]:
    """The columns of a feed's deliveries that this detail is in."""
    made_of = MADE_OF[cast(Detail, detail)]
    return [theirs for theirs, ours in feed.columns.items() if ours in made_of]


def find_told(where: Where, rules: Retention, now: datetime, going: pl.DataFrame) -> ToldOf:
    """What is past its days of records that are not `going` themselves.

    A feed whose rows have no key of their own is left out: such a record is called by all that its
    row says. So is a record of which a person corrected a row: the correction holds for the row as
    it was seen.
    """
    limits = _limits(where, rules, now)
    old = where.warehouse.read(
        """
        select r.record_number, r.source, r.source_key, l.field, l.before
        from ingest.records r join limits l using (source)
        join (select record_number, max(received_at) as said_at from ingest.versions group by all)
            using (record_number)
        where said_at < l.before and record_number not in (select record_number from going)
            and record_number not in (
                select v.record_number from ingest.versions v join ingest.corrections
                using (arrival))""",
        limits=limits,
        going=going,
    )
    return ToldOf(_said(where, old), _quarantined(where, old))


def plan_told(where: Where, cells: pl.DataFrame, made: Erasure) -> Erasure:
    """Add to an erasure which cells go, and which decisions have what was in them."""
    digests = Digests(Erasures(where.settings.raw).key(), where.warehouse)
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for (source, field), some in cells.group_by("source", "field"):
        texts = pl.Series([key_text(str(source), key) for key in some["source_key"]])
        found.setdefault(str(source), {})[str(field)] = tuple(sorted(digests.of(texts)))
    entered = where.warehouse.read(
        "select delivery_number from ingest.deliveries where state = 'taken_in' "
        "and source in (select source from told)",
        told=cells.select("source"),
    )["delivery_number"]
    decisions = _decided(where, cells)
    voided = [number for number, _ in decisions]
    update = {
        "cells": {source: dict(sorted(fields.items())) for source, fields in sorted(found.items())},
        "entered": tuple(sorted({*made.entered, *entered})),
        "decisions": tuple(sorted({*made.decisions, *voided})),
        "voided": tuple(sorted({*made.voided, *voided})),
        **_remarks(where, made, {item for _, item in decisions if item}),
    }
    return made.model_copy(update=update)


def _limits(where: Where, rules: Retention, now: datetime) -> pl.DataFrame:
    """By source and field the moment before which what was said goes."""
    rows = [
        (source, field, now - timedelta(days=days))
        for source, feed in where.rulebook.feeds.items()
        if "source_key" in feed.columns.values()
        for field, days in rules.of(source).fields.items()
        if columns_of(feed, field)
    ]
    schema = {"source": pl.String(), "field": pl.String(), "before": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _said(where: Where, old: pl.DataFrame) -> pl.DataFrame:
    """Of these, the records that say anything in the field, in whichever version."""
    found = [old.select("record_number", "source", "source_key", "field").clear()]
    for (field,), some in old.group_by("field"):
        columns = _STORED.get(str(field), (str(field),))
        is_said = " or ".join(f"{column} is not null" for column in columns)
        found.append(
            where.warehouse.read(
                "select record_number, source, source_key, field from aged where record_number in "
                f"(select record_number from std.records where {is_said})",
                aged=some,
            )
        )
    return pl.concat(found).sort("record_number", "field")


def _quarantined(where: Where, old: pl.DataFrame) -> pl.DataFrame:
    """Rows of these records that could not enter and came before the moment."""
    return where.warehouse.read(
        """
        select distinct q.delivery_number, q.row_number from quarantine.records q
        join old using (record_number) join ingest.deliveries d using (delivery_number)
        where d.received_at < old.before and q.raw is not null
            and not list_contains(q.reasons, 'erased')
        order by all""",
        old=old.select("record_number", "before"),
    )


def _decided(where: Where, cells: pl.DataFrame) -> list[tuple[int, str | None]]:
    """Decisions which value these records have in these fields, and the items they answered."""
    names = pl.format("{}:{}", "source", "source_key")
    told: dict[str, set[str]] = {}
    for field, name in cells.select("field", names).iter_rows():
        for part in MADE_OF[cast(Detail, field)]:
            told.setdefault(part, set()).add(name)
    log = read_log(where.settings).filter(kind="value")
    found = []
    for number, item, text in log.select("decision_id", "item_id", "subject").iter_rows():
        subject = json.loads(text)
        if set(subject["records"]) <= told.get(subject["field"], set()):
            found.append((number, item))
    return found


def _remarks(where: Where, made: Erasure, items: set[str]) -> dict[str, tuple[str, ...]]:
    """What was said beside the answers to these items."""
    kinds: dict[str, list[str]] = {"verdict": [], "comment": []}
    if items:
        for kind, name, item, _ in said(where.settings.log_url):
            if item in items and kind in kinds:
                kinds[kind].append(name)
    return {
        "verdicts": tuple(sorted({*made.verdicts, *kinds["verdict"]})),
        "comments": tuple(sorted({*made.comments, *kinds["comment"]})),
    }
