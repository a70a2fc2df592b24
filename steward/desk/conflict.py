"""The page of a conflict: two values between which no rule may choose."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from rules.number_kinds import NumberKinds
from rules.survivorship import FieldRule
from steward.desk.marks import mark
from steward.desk.numbered import shown, shown_whole
from steward.desk.pair import title_of
from steward.desk.preview import SHOWN, WHY
from steward.desk.seen import Seen, name_of
from steward.desk.survivors import as_text
from steward.desk.together import Mate
from steward.desk.values import MANY, Past, newer, offers, past
from steward.desk.visit import Visit
from steward.desk.words import plain, yes_or_no
from store.opened import Row, Snapshot

BAND_WIDTH = 660.0
_LEFT = 130.0
_ADDED = (
    "email", "email_2", "phone", "phone_2", "birth_date", "person_number", "company",
    "job_title", "gender", "language", "consent_email", "consent_phone", "consent_post",
)  # fmt: skip
MOST_ADDED = 4


Told = tuple[Past, str]
"""A past value and who said it."""


class Span(NamedTuple):
    """How long a record has said its value, on the band."""

    source: str
    value: str
    left: float
    width: float
    y: float
    colour: int


def conflict_view(visit: Visit, snapshot: Snapshot, seen: Seen) -> dict[str, Any]:
    """What the template of a conflict is given."""
    item, rulebook = seen.item, visit.desk.rulebook
    rule = rulebook.survivorship.fields[item["field"]]
    here, there = (seen.record(record_id) for record_id in item["record_ids"])
    now = snapshot.row("select max(now) as now from runs")
    stands, rival = mark(*(_told(visit, item, item[name]) for name in ("value", "rival_value")))
    spans = _spans(visit, seen, item["field"], rule, now["now"] if now else here["received_at"])
    return {
        "name": name_of(here),
        "field": SHOWN.get(item["field"], plain(item["field"]).capitalize()),
        "stands": stands,
        "rival": rival,
        "here": here,
        "there": there,
        "titles": [title_of(visit, row) for row in (here, there)],
        "chips": [
            _verified(seen, here, item["value"]),
            _verified(seen, there, item["rival_value"]),
        ],
        "why": _why(rule, item["why"]),
        "is_whole": bool(rule.group),
        "is_many": item["field"] in MANY,
        "newer": newer(seen),
        "others": [
            (one._replace(value=_told(visit, item, one.value)), title_of(visit, one.record))
            for one in offers(seen, rule)
        ],
        "past": _past(visit, snapshot, seen, rule),
        "spans": spans,
        "band_height": 18 * len(spans) + 24,
        "first": min(row["received_at"] for row in seen.records),
        "last": now["now"] if now else None,
        "siblings": _siblings(visit, snapshot, item),
        "adds": _adds(seen, there, rulebook.number_kinds),
        "needs_second": item["field"] in rulebook.queues.conflict.second_look_fields,
    }


def blocks(visit: Visit, snapshot: Snapshot, every: list[Mate]) -> list[dict[str, Any]]:
    """What the template of several conflicts is given of each, with what was chosen before."""
    found = []
    for waiting, seen in every:
        item_id = seen.item["item_id"]
        rule = visit.desk.rulebook.survivorship.fields[seen.item["field"]]
        told = {
            "item_id": item_id,
            "waiting": waiting,
            "verdict_id": str(uuid4()),
            "chosen": visit.form.get(f"answer_{item_id}", ""),
            "typed": visit.form.get(f"typed_{item_id}", ""),
            "question": visit.form.get(f"text_{item_id}", ""),
            "past": _all_past(visit, snapshot, seen, rule),
        }
        found.append(conflict_view(visit, snapshot, seen) | told)
    return found


def _past(visit: Visit, snapshot: Snapshot, seen: Seen, rule: FieldRule) -> list[Told] | None:
    """All past values, when they are asked for: they are looked up for few items."""
    if visit.request.query_params.get("past") != "yes":
        return None
    return _all_past(visit, snapshot, seen, rule)


def _all_past(visit: Visit, snapshot: Snapshot, seen: Seen, rule: FieldRule) -> list[Told]:
    return [
        (
            one._replace(value=_told(visit, seen.item, one.value)),
            title_of(visit, one.said_by) if one.said_by else "Golden record",
        )
        for one in past(snapshot, seen, rule)
    ]


def _told(visit: Visit, item: Row, value: str) -> str:
    """A value of the disputed field, for who has to tell it from the other one."""
    return shown_whole(item["field"], value, visit.desk.rulebook.number_kinds)


def _verified(seen: Seen, row: Row, value: str) -> str | None:
    point = seen.contacts.get((row["customer_id"], value))
    return point["verification"] if point else None


def _why(rule: FieldRule, why: str) -> str:
    if why == "protected":
        return "Protected: it changes by a person's decision only"
    words = ", ".join(WHY[breaker] for breaker in rule.order)
    return f"The rules ({words}) do not tell these two apart"


def _spans(visit: Visit, seen: Seen, field: str, rule: FieldRule, now: datetime) -> list[Span]:
    """Since when each record has said what it says, at most twelve."""
    columns = [rule.group] if rule.group else [(name,) for name in (field, *rule.also)]
    told = [
        (row, value)
        for row in sorted(seen.records, key=lambda row: row["received_at"])
        for names in columns
        if (value := " ".join(str(row[name]) for name in names if row.get(name) is not None))
    ][:12]
    begin = min((row["received_at"] for row, _ in told), default=now)
    whole = max((now - begin).total_seconds(), 1.0)
    sources = list(dict.fromkeys(row["source"] for row in seen.records))
    return [
        Span(
            _short(title_of(visit, row)),
            shown_whole(field, value, visit.desk.rulebook.number_kinds),
            round(left, 1),
            round(max(BAND_WIDTH - left, 6.0), 1),
            18.0 * at,
            sources.index(row["source"]) % 4 + 1,
        )
        for at, (row, value) in enumerate(told)
        for share in [(row["received_at"] - begin).total_seconds() / whole]
        for left in [_LEFT + min(share, 0.97) * (BAND_WIDTH - _LEFT)]
    ]


def _short(title: str) -> str:
    """What a source is called, as the band has room for it."""
    return title if len(title) <= 20 else f"{title[:19].rstrip()}…"


def _adds(seen: Seen, there: Row, kinds: NumberKinds) -> list[tuple[str, str]]:
    """What the record with the other value adds and nobody disputes: it joined without asking.

    Further e-mail addresses and numbers, and fields of which no other record says anything.
    """
    others = [
        row
        for row in seen.records
        if row["customer_id"] == there["customer_id"] and row is not there
    ]
    found = []
    for field in _ADDED:
        value = as_text(there.get(field))
        fields = (field.removesuffix("_2"), f"{field.removesuffix('_2')}_2")
        is_many = fields[0] in MANY
        said = {
            as_text(row.get(name)) for row in others for name in (fields if is_many else [field])
        }
        is_new = value not in said if is_many else said <= {None}
        if value and is_new and value not in {seen.item["value"], seen.item["rival_value"]}:
            title = SHOWN.get(fields[0], plain(fields[0]).capitalize())
            found.append((title, shown(field, yes_or_no(value), kinds)))
    return found[:MOST_ADDED]


def _siblings(visit: Visit, snapshot: Snapshot, item: Row) -> list[Row]:
    """Other conflicts of the same customer that wait for the one who asks."""
    rows = snapshot.rows(
        "select item_id, field, value, rival_value from review_items where kind = 'conflict' "
        "and list_contains(customer_ids, $customer) and item_id <> $item order by item_id",
        {"customer": item["customer_ids"][0], "item": item["item_id"]},
    )
    found = [row for row in rows if visit.state.work.find(visit.reader, row["item_id"]) is not None]
    return [
        row
        | {name: _told(visit, row, row[name]) for name in ("value", "rival_value")}
        | {"title": SHOWN.get(row["field"], plain(row["field"]).capitalize())}
        for row in found[:5]
    ]
