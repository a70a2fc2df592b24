"""Know which conflicts of one customer are decided on one page, each an item of its own."""

from typing import NamedTuple

from steward.desk.seen import Seen, see_item
from steward.desk.visit import Visit
from store.opened import Row, Snapshot
from store.state.queue import StaleError
from store.state.work import Waiting

MOST = 8
"""Conflicts of a customer that are beside the one that was opened."""


class Mate(NamedTuple):
    """Another open conflict of the same customer, claimed like the one that was opened."""

    waiting: Waiting
    seen: Seen


def mates_taken(visit: Visit, snapshot: Snapshot, item: Row) -> list[Mate]:
    """Those that the reader may answer and nobody else has, which are now theirs too."""
    found = []
    for item_id in beside(visit, snapshot, item):
        waiting = visit.state.work.find(visit.reader, item_id)
        if waiting is None:
            continue
        try:
            taken = visit.state.queue.take(visit.reader, item_id)
        except StaleError:
            continue  # somebody else has it
        claimed = waiting._replace(until=taken.expires_at, version=taken.version)
        seen = see_item(snapshot, item_id, visit.actor, visit.desk.rulebook)
        found.append(Mate(claimed, seen))
    return found


def beside(visit: Visit, snapshot: Snapshot, item: Row) -> list[str]:
    """Other conflicts of the customer that wait for the reader and for no customer's answer."""
    if item["kind"] != "conflict":
        return []
    rows = snapshot.rows(
        "select item_id from review_items where kind = 'conflict' and item_id <> $item "
        "and list_contains(customer_ids, $customer) order by priority desc, item_id",
        {"customer": item["customer_ids"][0], "item": item["item_id"]},
    )
    waiting = [
        row["item_id"]
        for row in rows
        if visit.state.work.find(visit.reader, row["item_id"]) is not None
        and visit.state.asking.of(row["item_id"]) is None
    ]
    return waiting[:MOST]


def held_with(visit: Visit, item_id: str) -> list[str]:
    """The other conflicts of the customer that the reader has before them with this one."""
    waiting = visit.state.work.find(visit.reader, item_id)
    if waiting is None or waiting.kind != "conflict":
        return []
    holders = visit.state.queue.holders()
    with visit.desk.snapshots.reading() as snapshot:
        item = see_item(snapshot, item_id, visit.actor, visit.desk.rulebook).item
        others = beside(visit, snapshot, item)
    return [one for one in others if holders.get(one) == visit.actor.name]
