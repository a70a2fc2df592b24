"""The page of a row in quarantine or a delivery that is held: why, and what to do about it."""

import json
from collections.abc import Mapping
from typing import Any

from rules.feed import Feed
from rules.quality import Check
from steward.desk.seen import Seen
from steward.desk.visit import Visit
from store.opened import Row, Snapshot
from transforms.standardise.person_numbers import FIELD

LONGEST = 5_000
CORRECTABLE = (
    "first_name",
    "last_name",
    "company",
    "email",
    "phone",
    "birth_date",
    "address",
    "postcode",
    "city",
    "country",
)
"""The fields that the page offers to correct; the command line corrects any."""


def held_view(visit: Visit, snapshot: Snapshot, seen: Seen) -> dict[str, Any]:
    """What the template of a held thing is given."""
    item = seen.item
    delivery = snapshot.row(
        "select * from deliveries where delivery_id = $id", {"id": item["delivery_id"]}
    )
    row = row_of(snapshot, item)
    reasons = row["reasons"] if row else []
    source = delivery["source"] if delivery else ""
    feed = visit.desk.rulebook.feeds.get(source)
    return {
        "delivery": delivery,
        "row": row,
        "cells": [(_heading(visit, feed, name), value) for name, value in _cells(row)],
        "reasons": [_reason(visit, name) for name in reasons],
        "feed": feed,
        "is_row": item["kind"] == "quarantine",
        "others": _others(snapshot, item),
        "correctable": _correctable(row),
    }


def _heading(visit: Visit, feed: Feed | None, name: str) -> str:
    """A column; of a person's number with the kind that the feed says, which the row does not."""
    kind = feed.parse.person_number if feed is not None and name == FIELD else None
    return f"{name}: {visit.desk.rulebook.number_kinds.title(kind)}" if kind else name


def _cells(row: Row | None) -> list[tuple[str, str]]:
    """The row by its columns where it can be read so, else as it came."""
    if row is None:
        return []
    raw = str(row["raw"] or "")[:LONGEST]
    try:
        read = json.loads(raw)
    except ValueError:
        return [("", raw)]
    if not isinstance(read, dict):
        return [("", raw)]
    return [(str(name), "" if value is None else str(value)) for name, value in read.items()]


def _correctable(row: Row | None) -> dict[str, str]:
    """What the row says of each field that can be corrected here."""
    said = dict(_cells(row))
    key = {} if row is None or said.get("source_key") else {"source_key": ""}
    return key | {field: said.get(field, "") for field in CORRECTABLE}


def corrected(row: Row, form: Mapping[str, str]) -> dict[str, str]:
    """The fields that a form says otherwise than the row does."""
    return {
        field: form[f"cell_{field}"].strip()
        for field, was in _correctable(row).items()
        if form.get(f"cell_{field}", was).strip() != was.strip()
    }


def row_of(snapshot: Snapshot, item: Row) -> Row | None:
    """The row in quarantine that an item asks about."""
    return snapshot.row(
        "select * from quarantine where delivery_id = $id and row_number = $row",
        {"id": item["delivery_id"], "row": item["row_number"]},
    )


def _reason(visit: Visit, name: str) -> tuple[str, Check]:
    quality = visit.desk.rulebook.quality
    every = {**quality.faults, **quality.checks}
    return name, every[name]


def _others(snapshot: Snapshot, item: Row) -> int:
    """How many more rows of the delivery are in quarantine."""
    found = snapshot.row(
        "select count(*) as others from quarantine where delivery_id = $id and row_number <> $row",
        {"id": item["delivery_id"], "row": item["row_number"] or 0},
    )
    return int(found["others"]) if found else 0
