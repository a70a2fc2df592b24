"""The page of a cluster: a refused link between two customers, with all records behind them."""

import math
from typing import Any, NamedTuple

from steward.desk.facts import facts_of, proposal
from steward.desk.groups import MOST_GROUPED, NUMBERS
from steward.desk.met import Said
from steward.desk.outlook import said_of
from steward.desk.pair import pair_view, title_of
from steward.desk.seen import Seen, reach_of
from steward.desk.sketch import MOST, labels_of, sketch
from steward.desk.visit import Visit
from store.opened import Row, Snapshot

MOST_SHARED = 6


class Shared(NamedTuple):
    """A contact value that both customers have."""

    said: Said
    records: int
    """How many of the records say it."""
    is_out: bool
    """Whether it is left out of matching."""


def cluster_view(visit: Visit, snapshot: Snapshot, seen: Seen) -> dict[str, Any]:
    """What the template of a cluster is given."""
    one, other = seen.sides()
    labels = labels_of(seen, one, other)
    view = pair_view(visit, snapshot, seen)
    return view | {
        "sketch": sketch(seen, one, other, 560.0),
        "rows": _rows(visit, seen, labels, one),
        "most_records": visit.desk.rulebook.queues.large.records,
        "is_long": len(seen.records) > MOST,
        "groups": NUMBERS if len(seen.records) <= MOST_GROUPED else (),
        "facts": facts_of(seen, labels, view["comparison"]),
        "proposed": proposal(seen, labels) if seen.item["kind"] == "cluster" else "",
        "shared": shared_values(visit, snapshot, seen, one),
    }


def held_by(seen: Seen) -> dict[int, float]:
    """By record the weight of its strongest link to another of its customer, where it has one."""
    customers = {row["record_number"]: row["customer_id"] for row in seen.records}
    found: dict[int, float] = {}
    for pair in seen.pairs:
        ends = (pair["record_a"], pair["record_b"])
        if customers[ends[0]] == customers[ends[1]]:
            for end in ends:
                found[end] = max(found.get(end, -math.inf), float(pair["match_weight"]))
    return found


def _rows(visit: Visit, seen: Seen, labels: dict[int, str], one: Row) -> list[Row]:
    """The records by group, those asked about first; of many then the most weakly held ones."""
    held = held_by(seen)
    rows = [_row(visit, seen, row, labels, one) for row in seen.records]
    for row in rows:
        row["held_by"] = held.get(row["number"])
    if len(rows) <= MOST:
        return sorted(rows, key=lambda row: (row["group"], not row["is_asked"]))
    return sorted(
        rows,
        key=lambda row: (row["group"], not row["is_asked"], held.get(row["number"], -math.inf)),
    )


def shared_values(visit: Visit, snapshot: Snapshot, seen: Seen, one: Row) -> list[Shared]:
    """The contact values that records of both customers say: the usual cause of a false link."""
    here: dict[str, list[Said]] = {}
    for said in said_of(snapshot, seen, reach_of(visit.actor), visit.desk.rulebook):
        here.setdefault(said.digest, []).append(said)
    found = []
    for some in here.values():
        sides = {said.record["customer_id"] == one["customer_id"] for said in some}
        if len(sides) > 1:
            point = seen.contacts.get((some[0].record["customer_id"], some[0].text))
            is_out = point is not None and point["usage"] == "ignored"
            count = len({said.record["record_id"] for said in some})
            found.append(Shared(some[0], count, is_out))
    return sorted(found, key=lambda shared: -shared.records)[:MOST_SHARED]


def _row(visit: Visit, seen: Seen, row: Row, labels: dict[int, str], one: Row) -> dict[str, Any]:
    return {
        "label": labels[row["record_number"]],
        "number": row["record_number"],
        "source": title_of(visit, row),
        "key": row["source_key"],
        "name": " ".join(part for part in (row["first_name"], row["last_name"]) if part)
        or row["company"]
        or "",
        "birth_date": row["birth_date"] or "",
        "email": row["email"] or "",
        "phone": row["phone"] or "",
        "address": ", ".join(
            str(part) for part in (row["address"], row["postcode"], row["city"]) if part
        ),
        "group": "1" if row["customer_id"] == one["customer_id"] else "2",
        "is_asked": row["record_id"] in seen.item["record_ids"],
    }
