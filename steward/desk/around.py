"""Gather what stands around a golden record: links, contact points, relations, items, events."""

from datetime import datetime
from typing import NamedTuple

import polars as pl

from rules.queues import SAMPLE
from steward.desk.behind import Behind
from steward.desk.cards import Card, cards, title_of
from steward.desk.index import EMAIL, PHONE, dialled, prepare
from store.opened import Row, Snapshot
from store.rulebook import Rulebook
from store.scoped import Scoped
from store.state.told import Told
from transforms.explain import Link, odds, strongest_path

_MOST_RELATED = 8


class Held(NamedTuple):
    """How a record is held to the customer: by its strongest link, and the way to the founder."""

    weight: float | None
    odds: str
    path: list[Link]


class Related(NamedTuple):
    """Another customer who has something to do with this one."""

    card: Card
    kind: str
    """household or same_organisation."""
    weight: float | None


class Event(NamedTuple):
    """Something that happened to a customer."""

    at: datetime
    title: str
    says: str
    by: str = ""


def links(snapshot: Snapshot, one: Behind, rulebook: Rulebook) -> dict[str, Held]:
    """By record, what holds it; nothing of links that lead out of the reader's scope."""
    if len(one.records) < 2:
        return {}
    found = snapshot.frame(
        """
        select record_a, record_b, evidence + $prior as match_weight from pair_weights
        where record_a = any($numbers) and record_b = any($numbers)""",
        {"numbers": one.numbers, "prior": rulebook.model.manifest.prior},
    )
    names = dict(zip(one.numbers, one.ids, strict=True))
    named = found.select(
        record_id_a=pl.col("record_a").replace_strict(names, return_dtype=pl.String),
        record_id_b=pl.col("record_b").replace_strict(names, return_dtype=pl.String),
        match_weight="match_weight",
    )
    return {record: _held(record, one.ids[0], named) for record in one.ids}


def _held(record: str, first: str, named: pl.DataFrame) -> Held:
    mine = named.filter((pl.col("record_id_a") == record) | (pl.col("record_id_b") == record))
    weight = mine["match_weight"].max() if mine.height else None
    path = strongest_path(named, record, first) if record != first else []
    strongest = float(weight) if isinstance(weight, int | float) else None
    return Held(strongest, odds(strongest) if strongest is not None else "", path)


def contact_points(snapshot: Snapshot, one: Behind) -> list[Row]:
    """The customer's contact points; of those of which some records are out of scope, only what
    the others say, and nothing that tells how many share them.
    """
    said = {row[name] for row in one.records for name in ("email", "email_2", "phone", "phone_2")}
    rows = snapshot.rows(
        "select * from contact_points where founder = $founder "
        "order by kind, is_primary desc, record_count desc, value",
        {"founder": one.founder},
    )
    if one.is_whole:
        return rows
    hidden = {"usage": "", "record_count": None, "is_primary": False}
    return [row | hidden for row in rows if row["value"] in said]


def related(
    snapshot: Snapshot, one: Behind, scope: Scoped, rulebook: Rulebook, points: list[Row]
) -> list[Related]:
    """Customers in scope who share a household or an organisation with this one."""
    kin = snapshot.rows(
        f"""
        select r.founder, max(p.kinship + w.prior) as weight
        from (select *, case when record_a = any($numbers) then record_b else record_a end as other
            from pair_weights where record_a = any($numbers) or record_b = any($numbers)) p
        cross join banding w join crosswalk r on r.record_number = p.other
        where p.kinship + w.prior >= w.link and r.founder <> $founder and {scope.sql}
        group by r.founder order by weight desc limit {_MOST_RELATED}""",
        scope.values | {"numbers": one.numbers, "founder": one.founder},
    )
    found: dict[int, tuple[str, float | None]] = {
        row["founder"]: ("household", row["weight"]) for row in kin
    }
    for founder in _colleagues(snapshot, one, scope, points):
        found.setdefault(founder, ("same_organisation", None))
    who = cards(snapshot, list(found), scope, rulebook)
    return [Related(who[f], *told) for f, told in found.items() if f in who][:_MOST_RELATED]


def _colleagues(snapshot: Snapshot, one: Behind, scope: Scoped, points: list[Row]) -> list[int]:
    words = [
        EMAIL + row["value"]
        if row["kind"] == "email"
        else PHONE + str(pl.select(dialled(pl.lit(row["value"]))).item())
        for row in points
        if row["usage"] == "organisational"
    ]
    if not words:
        return []
    with snapshot.indexed() as index:
        prepare(index)
        rows = index.rows(
            f"select distinct r.founder from memory.entries r where r.word = any($words) "
            f"and r.founder <> $founder and {scope.sql} order by r.founder limit {_MOST_RELATED}",
            scope.values | {"words": words, "founder": one.founder},
        )
    return [row["founder"] for row in rows]


def items(snapshot: Snapshot, one: Behind, scope: Scoped) -> list[Row]:
    """The review items about these records that the reader may see: all their records in scope.

    Those that chance has judged blind are not told of where the customer is.
    """
    return snapshot.rows(
        f"""
        with about as (
            select * from review_items
            where list_has_any(record_ids, $ids) and why is distinct from '{SAMPLE}'),
        named as (select distinct unnest(record_ids) as record_id from about),
        known as (
            select r.record_id from crosswalk r semi join named using (record_id)
            where {scope.sql})
        select * from about
        where list_has_all((select list(record_id) from known), record_ids)
        order by priority desc, item_id""",
        scope.values | {"ids": one.ids},
    )


def decisions(
    snapshot: Snapshot, told: list[Told], scope: Scoped, to_come: frozenset[str] = frozenset()
) -> list[Told]:
    """Those decisions that name no record out of scope; `to_come` are in it and not there yet."""
    if scope.is_all or not told:
        return told
    named = sorted({record for one in told for record in one.records})
    rows = snapshot.rows(
        f"select r.record_id from crosswalk r where r.record_id = any($named) and {scope.sql}",
        scope.values | {"named": named},
    )
    known = to_come | {row["record_id"] for row in rows}
    return [one for one in told if set(one.records) <= known]


def events(snapshot: Snapshot, one: Behind, told: list[Told], rulebook: Rulebook) -> list[Event]:
    """What happened, the newest first; what runs did only where all records are in scope."""
    found = [
        Event(
            row["received_at"], f"{title_of(row['source'], rulebook)} {row['source_key']}", "came"
        )
        for row in one.records
    ]
    found += [
        Event(one.decided_at, DECIDED[one.kind], one.because, one.decided_by)
        for one in told
        if one.kind in DECIDED
    ]
    if one.is_whole:
        found += _changes(snapshot, one)
    return sorted(found, key=lambda event: event.at, reverse=True)


def _changes(snapshot: Snapshot, one: Behind) -> list[Event]:
    rows = snapshot.rows(
        """
        select c.change, c.fields, c.other_customer_id, u.now, c.run_id
        from changes c join runs u using (run_id) where c.customer_id = $customer_id""",
        {"customer_id": one.customer_id},
    )
    return [
        Event(row["now"], f"Run {row['run_id']}", CHANGED[row["change"]].format(**_words(row)))
        for row in rows
        if row["change"] in CHANGED
    ]


def _words(row: Row) -> dict[str, str]:
    fields = ", ".join(field.replace("_", " ") for field in row["fields"] or ())
    return {"fields": fields or "no value", "other": row["other_customer_id"] or "another"}


DECIDED = {
    "same": "said that records are one customer",
    "different": "said that records are not one customer",
    "value": "chose a value",
    "ignore": "left a value out of matching",
    "confirm": "confirmed a contact point by a code",
}
CHANGED = {
    "created": "made the customer",
    "changed": "changed {fields}",
    "merged": "merged it with {other}",
    "split": "split it from {other}",
    "withdrawn": "withdrew it",
}
"""What a run did to a customer, in words."""
