"""The page of a pair: two records side by side, their evidence, and what a merge would make."""

import math
from typing import Any

from steward.desk.comparison import Comparison, compare
from steward.desk.outlook import merge_of
from steward.desk.preview import WHY
from steward.desk.seen import Seen, name_of, reach_of
from steward.desk.sketch import sketch
from steward.desk.visit import Visit
from store.opened import Row, Snapshot


def pair_view(visit: Visit, snapshot: Snapshot, seen: Seen) -> dict[str, Any]:
    """What the template of a pair is given."""
    one, other = seen.sides()
    rulebook = visit.desk.rulebook
    comparison = compare(seen, one, other, rulebook)
    return {
        "one": one,
        "other": other,
        "heads": [_head(visit, seen, row) for row in (one, other)],
        "name": name_of(one),
        "comparison": comparison,
        "thresholds": rulebook.matching.thresholds,
        "prior_odds": _one_in(rulebook.model.manifest.prior),
        "probability": None if comparison.weight is None else _probability(comparison.weight),
        "sources": [title_of(visit, row) for row in (one, other)],
        "sketch": sketch(seen, one, other),
        "counts": _counts(seen, one, other),
        "stake": _stake(seen),
        "may_bulk": _may_bulk(visit, seen, comparison),
        "may_ignore": not seen.is_secret and visit.may("ignore", seen.resource()),
        "leave_key": _first_met(comparison),
    }


def merge_view(visit: Visit, snapshot: Snapshot, seen: Seen) -> dict[str, Any]:
    """What the template of the preview is given."""
    one, other = seen.sides()
    return {
        "preview": merge_of(snapshot, seen, reach_of(visit.actor), visit.desk.rulebook),
        "why": WHY,
        "is_merge": not are_one_customer(seen),
        "is_part": visit.actor.role != "administrator",
        "customer_id": min(one, other, key=lambda row: int(row["founder"]))["customer_id"],
    }


def _may_bulk(visit: Visit, seen: Seen, comparison: Comparison) -> bool:
    """Whether pairs like this one may be answered at once by the one who asks."""
    is_scored = seen.item["kind"] == "match" and comparison.weight is not None
    is_on = visit.desk.rulebook.queues.match.bulk_most > 0 and not seen.is_secret
    return is_scored and is_on and visit.may("bulk", seen.resource())


def _first_met(comparison: Comparison) -> int:
    """Which line is the first whose value can be left out of matching, counted from one."""
    return next((at for at, line in enumerate(comparison.lines, 1) if line.met), 0)


def title_of(visit: Visit, row: Row) -> str:
    """What the source of a record is called."""
    feed = visit.desk.rulebook.feeds.get(row["source"])
    return feed.title if feed else str(row["source"])


def needs_second(visit: Visit, seen: Seen) -> bool:
    """Whether joining the customers of an item takes a second person."""
    least = getattr(visit.desk.rulebook.queues, seen.item["kind"]).second_look_from
    one, other = seen.sides()
    is_merge = not are_one_customer(seen)
    return is_merge and least is not None and min(_counts(seen, one, other)) >= least


def are_one_customer(seen: Seen) -> bool:
    """Whether the two records are of one customer already."""
    one, other = seen.sides()
    return bool(one["customer_id"] == other["customer_id"])


def _counts(seen: Seen, one: Row, other: Row) -> tuple[int, int]:
    """How many records stand behind each of the two."""
    customers = [row["customer_id"] for row in seen.records]
    return customers.count(one["customer_id"]), customers.count(other["customer_id"])


def _stake(seen: Seen) -> list[tuple[int, str]]:
    """What an answer touches, as far as the reader may know: customers, records, campaigns."""
    rows = seen.records
    found = {
        "customer": {row["customer_id"] for row in rows},
        "record": {row["record_id"] for row in rows},
        "campaign": {row["campaign"] for row in rows if row["campaign"]},
    }
    return [
        (len(some), word if len(some) == 1 else f"{word}s") for word, some in found.items() if some
    ]


def _head(visit: Visit, seen: Seen, row: Row) -> tuple[str, str]:
    """The two lines over a record's column."""
    source = str(row["source"]).replace("_", " ")
    if seen.is_secret:
        return source, _short(row["source_key"])
    count = [other["customer_id"] for other in seen.records].count(row["customer_id"])
    records = "1 record" if count == 1 else f"{count} records"
    state = "" if row["is_active"] else ", incomplete"
    return source, (f"{_short(row['source_key'])} · {row['customer_id']}, {records}{state}")


def _short(key: str) -> str:
    """A key as a column's head has room for it."""
    return key if len(key) <= 14 else f"{key[:12]}…"


def _one_in(prior: float) -> str:
    """The prior as odds that people can picture."""
    chances = 2.0 ** min(-prior, 40.0) + 1
    return f"{float(f'{chances:.2g}'):,.0f}".replace(",", "\u202f")


def _probability(weight: float) -> str:
    """How likely a match weight says one customer is, in per cent."""
    share = 100 / (1 + math.pow(2.0, -max(-60.0, min(60.0, weight))))
    if 1 <= share <= 99:
        return f"{share:.0f} %"
    return f"{min(share, 99.9):.1f} %" if share > 1 else "under 1 %"
