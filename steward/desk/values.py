"""Say what else a customer's records say of a field that two of them dispute, now and before."""

from datetime import datetime
from typing import NamedTuple

from rules.survivorship import FieldRule
from steward.desk.seen import Seen
from steward.desk.survivors import as_text
from store.opened import Row, Snapshot

MANY = frozenset({"email", "phone"})
"""Fields of which a customer keeps every value: a golden one only comes first."""
LISTED = 5
"""So many further values at most are offered; all of them are in the table of past values."""


class Offer(NamedTuple):
    """A value that neither of the two records says, and the first record that does."""

    value: str
    record: Row


class Past(NamedTuple):
    """A value that stood, or that a record says."""

    value: str
    said_by: Row | None
    """The record; none where it was the golden value."""
    since: datetime
    until: datetime | None


def offers(seen: Seen, rule: FieldRule) -> list[Offer]:
    """What the customer's other records in scope say, the latest first.

    Parts of a group come together, all of one record: one that says none of its core is no offer.
    """
    item = seen.item
    known = {item["value"], item["rival_value"]}
    found: dict[str, Row] = {}
    for row in sorted(seen.records, key=_last_said, reverse=True):
        if row["customer_id"] != item["customer_ids"][0]:
            continue
        for value in _values(row, item["field"], rule):
            if value not in known:
                found.setdefault(value, row)
    return [Offer(*one) for one in found.items()][:LISTED]


def newer(seen: Seen) -> str:
    """What comes first when both are kept: the value of the record that spoke last."""
    here, there = (seen.record(record_id) for record_id in seen.item["record_ids"])
    is_rival = _last_said(there) > _last_said(here)
    return str(seen.item["rival_value" if is_rival else "value"])


def past(snapshot: Snapshot, seen: Seen, rule: FieldRule) -> list[Past]:
    """All that records in scope say, and what the golden value was, the latest first.

    What the golden value was comes of all records, so only who sees all of them is told.
    """
    names = rule.group or (seen.item["field"], *rule.also)
    said = [
        Past(value, row, row["updated_at"], None)
        for row in seen.records
        for value in ([" ".join(_said(row, rule.group))] if rule.group else _said(row, names))
        if value
    ]
    return sorted(said + _golden(snapshot, seen), key=lambda one: one.since, reverse=True)


def _golden(snapshot: Snapshot, seen: Seen) -> list[Past]:
    customer = seen.item["customer_ids"][0]
    here = [row for row in seen.records if row["customer_id"] == customer]
    asked = {"founder": here[0]["founder"]}
    whole = snapshot.row("select count(*) as n from crosswalk where founder = $founder", asked)
    if whole is None or whole["n"] != len(here):
        return []
    rows = snapshot.rows(
        "select value, valid_from, valid_to from closed_periods "
        "where customer_id = $customer and field = $field",
        {"customer": customer, "field": seen.item["field"]},
    )
    return [Past(row["value"], None, row["valid_from"], row["valid_to"]) for row in rows]


def _values(row: Row, field: str, rule: FieldRule) -> list[str]:
    """What a record says that could be the golden value; of a group all of it in one text."""
    if not rule.group:
        return _said(row, (field, *rule.also))
    is_told = _said(row, rule.core or rule.group)
    return [" ".join(_said(row, rule.group))] if is_told else []


def _said(row: Row, names: tuple[str, ...]) -> list[str]:
    texts = (as_text(row.get(name)) for name in names)
    return [text for text in texts if text]


def _last_said(row: Row) -> tuple[datetime, datetime, int]:
    return (row["updated_at"], row["received_at"], row["record_number"])
