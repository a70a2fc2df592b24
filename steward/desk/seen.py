"""Read from the live snapshot what an item asks about, no further than the reader's scope.

Records of an item itself are all in scope, or nobody would be shown it. The customers behind them
may have further records in other campaigns: those are left out here, in the query.
"""

from typing import Any, NamedTuple

import polars as pl

from steward.desk.refused import not_here
from steward.permission import Actor, Resource
from store.reading import Row, Snapshot
from store.rulebook import Rulebook
from transforms.match import match_weight


class Seen(NamedTuple):
    """An item with the records it is about and those behind the same customers."""

    item: Row
    records: list[Row]
    """Of all customers of the item, in scope, in order of arrival; values as they stand."""
    pairs: list[Row]
    """Scored pairs between these records: record_a, record_b, match_weight, weights and levels."""
    contacts: dict[tuple[str, str], Row]
    """By customer and value: how a contact point is verified."""

    def record(self, record_id: str) -> Row:
        """One of the records."""
        found = next((row for row in self.records if row["record_id"] == record_id), None)
        if found is None:
            raise not_here()
        return found

    def sides(self) -> tuple[Row, Row]:
        """The two records of a pair, the one that arrived first first."""
        one, other = (self.record(record_id) for record_id in self.item["record_ids"])
        return (one, other) if one["record_number"] <= other["record_number"] else (other, one)

    def pair(self, one: Row, other: Row) -> Row | None:
        """The scored pair of two records."""
        wanted = {one["record_number"], other["record_number"]}
        found = (row for row in self.pairs if {row["record_a"], row["record_b"]} == wanted)
        return next(found, None)

    def resource(self) -> Resource:
        """What permission is asked about: the campaign and source of each record of the item."""
        named = [self.record(record_id) for record_id in self.item["record_ids"] or ()]
        return Resource(tuple((row["campaign"], row["source"]) for row in named))


def see_item(snapshot: Snapshot, item_id: str, actor: Actor, rulebook: Rulebook) -> Seen:
    """The item with what a page shows of it."""
    item = find_item(snapshot, item_id)
    if not item["record_ids"]:
        return Seen(item, [], [], {})
    records = snapshot.rows(
        f"""
        select * from records
        where founder in (select founder from crosswalk where record_id = any($ids))
            and ({scope_of(actor)} or record_id = any($ids))
        order by record_number""",
        {"ids": item["record_ids"], **_campaigns(actor)},
    )
    numbers = [row["record_number"] for row in records]
    pairs = snapshot.frame(
        "select * from pair_weights where record_a = any($numbers) and record_b = any($numbers)",
        {"numbers": numbers},
    ).with_columns(match_weight=match_weight(rulebook.model.manifest.prior))
    contacts = snapshot.rows(
        "select customer_id, kind, value, verification, reason from contact_points "
        "where founder = any($founders)",
        {"founders": sorted({row["founder"] for row in records})},
    )
    known = {(row["customer_id"], row["value"]): row for row in contacts}
    return Seen(item, records, list(pairs.iter_rows(named=True)), known)


def find_item(snapshot: Snapshot, item_id: str) -> Row:
    """An item of the live run."""
    item = snapshot.row("select * from review_items where item_id = $id", {"id": item_id})
    if item is None:
        raise not_here()
    return item


def scope_of(actor: Actor) -> str:
    """The condition that leaves out records which the reader may not see; see `_campaigns`."""
    return "true" if actor.role == "administrator" else "campaign = any($campaigns)"


def _campaigns(actor: Actor) -> dict[str, Any]:
    """The parameter that `scope_of` names, where it names one."""
    if actor.role == "administrator":
        return {}
    return {"campaigns": sorted(actor.campaigns)}


def name_of(record: Row) -> str:
    """A person's name as a list shows it."""
    last, first = record["last_name"], record["first_name"]
    name = ", ".join(part for part in (last, first) if part) or record["company"]
    return str(name or record["email"] or record["phone"] or record["record_id"])


def as_text(records: list[Row], fields: list[str]) -> pl.DataFrame:
    """Records as survivorship wants them: every field as text."""
    told = [
        {name: text(row.get(name)) for name in fields}
        | {"record_number": row["record_number"], "source": row["source"]}
        for row in records
    ]
    schema = dict.fromkeys(fields, pl.String) | {"record_number": pl.Int64, "source": pl.String}
    return pl.DataFrame(told, schema=schema, orient="row")


def text(value: object) -> str | None:
    """A value as text; yes and no as the tables write them."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
