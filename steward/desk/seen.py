"""Read from the live snapshot what an item asks about, no further than the reader's scope.

Records of an item itself are all in scope, or nobody would be shown it. The customers behind them
may have further records in other campaigns: those are left out here, in the query.
"""

from typing import NamedTuple

from rules.queues import SAMPLE
from steward.desk.behind import said_by
from steward.desk.finding import founder_of
from steward.desk.refused import not_here
from steward.permission import Actor, Resource
from store.opened import Row, Snapshot
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
    feed: tuple[str | None, str] | None = None
    """Of an item without records: the campaign that the feed declares, and its source."""

    @property
    def is_secret(self) -> bool:
        """Whether chance has it judged blind: nobody is told whose records these are by now."""
        return bool(self.item["why"] == SAMPLE)

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
        if self.feed is not None:
            return Resource((self.feed,))
        named = [self.record(record_id) for record_id in self.item["record_ids"] or ()]
        return Resource(tuple((row["campaign"], row["source"]) for row in named))


def see_item(snapshot: Snapshot, item_id: str, actor: Actor, rulebook: Rulebook) -> Seen:
    """The item with what a page shows of it; pages share what they are given and change none."""
    campaigns = reach_of(actor)
    return snapshot.remember(
        _key(item_id, campaigns),
        lambda: _see(snapshot, [item_id], campaigns, rulebook).get(item_id) or _nothing(),
    )


def see_records(snapshot: Snapshot, item: Row, actor: Actor, rulebook: Rulebook) -> Seen:
    """The records of an item of another run and those beside them now, in scope, all of them."""
    rows = snapshot.rows(
        "select distinct customer_id from crosswalk where record_id = any($ids)",
        {"ids": item["record_ids"] or [""]},
    )
    here = item | {"customer_ids": [row["customer_id"] for row in rows], "record_ids": []}
    if not rows:
        return Seen(here, [], [], {})
    return _of_records(snapshot, [here], reach_of(actor), rulebook)[item["item_id"]]


def see_soon(
    snapshot: Snapshot, item_ids: list[str], campaigns: frozenset[str] | None, rulebook: Rulebook
) -> list[Seen]:
    """Remember items that will be asked for: many at once cost little more than one."""
    new = [one for one in item_ids if not snapshot.remembers(_key(one, campaigns))]
    found = _see(snapshot, new, campaigns, rulebook) if new else {}
    for item_id, seen in found.items():
        snapshot.know(_key(item_id, campaigns), seen)
    return list(found.values())


def reach_of(actor: Actor) -> frozenset[str] | None:
    """The campaigns whose records this person sees; none means all."""
    return None if actor.role == "administrator" else actor.campaigns


def _key(item_id: str, campaigns: frozenset[str] | None) -> tuple[object, ...]:
    return ("seen", item_id, campaigns)


def _nothing() -> Seen:
    raise not_here()


def _see(
    snapshot: Snapshot, item_ids: list[str], campaigns: frozenset[str] | None, rulebook: Rulebook
) -> dict[str, Seen]:
    """Items by their names; what is not of the live run is not there.

    The tables are asked for some founders each: a join of the views would read them whole.
    """
    every = snapshot.rows("select * from review_items where item_id = any($ids)", {"ids": item_ids})
    held = [one for one in every if not one["record_ids"]]
    feeds = _feeds(snapshot, held, rulebook) if held else {}
    told = {one["item_id"]: Seen(one, [], [], {}, feeds.get(one["delivery_id"])) for one in held}
    items = [one for one in every if one["record_ids"]]
    return told | (_of_records(snapshot, items, campaigns, rulebook) if items else {})


def _of_records(
    snapshot: Snapshot, items: list[Row], campaigns: frozenset[str] | None, rulebook: Rulebook
) -> dict[str, Seen]:
    founders = {one["item_id"]: _founders(one) for one in items}
    every = sorted({founder for some in founders.values() for founder in some})
    records = _records(snapshot, every)
    pairs = _pairs(snapshot, [row["record_number"] for row in records], rulebook)
    contacts = _by_founder(
        snapshot.rows(
            "select founder, customer_id, kind, value, verification, reason, usage "
            "from contact_points "
            "where founder = any($founders)",
            {"founders": every},
        )
    )
    by_founder = _by_founder(records)
    return {
        one["item_id"]: _seen(
            one,
            [row for founder in founders[one["item_id"]] for row in by_founder.get(founder, ())],
            campaigns,
            pairs,
            [row for founder in founders[one["item_id"]] for row in contacts.get(founder, ())],
        )
        for one in items
    }


def _feeds(
    snapshot: Snapshot, items: list[Row], rulebook: Rulebook
) -> dict[str, tuple[str | None, str]]:
    """By delivery, the campaign that its feed declares for every record, and its source."""
    asked = {"ids": sorted({one["delivery_id"] for one in items if one["delivery_id"]})}
    query = "select delivery_id, source from deliveries where delivery_id = any($ids)"
    found = {}
    for row in snapshot.rows(query, asked):
        feed = rulebook.feeds.get(row["source"])
        found[row["delivery_id"]] = (feed.campaign if feed else None, row["source"])
    return found


def _founders(item: Row) -> list[int]:
    named = (founder_of(one) for one in item["customer_ids"] or ())
    return sorted(founder for founder in named if founder is not None)


def _records(snapshot: Snapshot, founders: list[int]) -> list[Row]:
    """All records of these customers, in order of arrival."""
    named = snapshot.rows(
        "select * from crosswalk where founder = any($founders) order by record_number",
        {"founders": founders},
    )
    values = said_by(snapshot, founders)
    records = [
        row | values[row["record_number"]] for row in named if row["record_number"] in values
    ]
    return [row | {"updated_at": row["updated_at"] or row["received_at"]} for row in records]


def _pairs(snapshot: Snapshot, numbers: list[int], rulebook: Rulebook) -> dict[int, list[Row]]:
    """Scored pairs among records, by the first of the two."""
    pairs = snapshot.frame(
        "select * from pair_weights where record_a = any($numbers) and record_b = any($numbers)",
        {"numbers": numbers},
    ).with_columns(match_weight=match_weight(rulebook.model.manifest.prior))
    found: dict[int, list[Row]] = {}
    for row in pairs.iter_rows(named=True):
        found.setdefault(row["record_a"], []).append(row)
    return found


def _by_founder(rows: list[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["founder"], []).append(row)
    return found


def _seen(
    item: Row,
    records: list[Row],
    campaigns: frozenset[str] | None,
    pairs: dict[int, list[Row]],
    contacts: list[Row],
) -> Seen:
    """One item with what of these records is its own or in scope, and what is said of those."""
    own = item["record_ids"] or ()
    seen = [
        row
        for row in sorted(records, key=lambda row: int(row["record_number"]))
        if campaigns is None or row["campaign"] in campaigns or row["record_id"] in own
    ]
    numbers = {row["record_number"] for row in seen}
    among = [
        pair for number in sorted(numbers) for pair in pairs.get(number, ())
        if pair["record_b"] in numbers
    ]  # fmt: skip
    return Seen(item, seen, among, {(row["customer_id"], row["value"]): row for row in contacts})


def name_of(record: Row) -> str:
    """A person's name as a list shows it."""
    last, first = record["last_name"], record["first_name"]
    name = ", ".join(part for part in (last, first) if part) or record["company"]
    return str(name or record["email"] or record["phone"] or record["record_id"])
