"""Work out what the page of an item makes of its records: the merge, and the values they share.

A frame of a few rows takes as long as one of hundreds. So it is worked out for the next two dozen
items at once, before they are shown; what is not ready then is worked out by the page itself.
"""

from steward.desk.met import Said, values_said
from steward.desk.preview import Preview, preview_merges
from steward.desk.seen import Seen, see_soon
from store.opened import Row, Snapshot
from store.rulebook import Rulebook

Reach = frozenset[str] | None
"""The campaigns whose records somebody sees; none means all."""


def merge_of(snapshot: Snapshot, seen: Seen, reach: Reach, rulebook: Rulebook) -> Preview:
    """What becomes of the customers of an item when they are one."""
    return snapshot.remember(
        _key("merge", seen, reach),
        lambda: preview_merges(snapshot, [sides_of(seen)], rulebook)[0],
    )


def said_of(snapshot: Snapshot, seen: Seen, reach: Reach, rulebook: Rulebook) -> list[Said]:
    """The values of its records that can be left out of matching."""
    return snapshot.remember(_key("said", seen, reach), lambda: values_said(seen.records, rulebook))


def work_out(snapshot: Snapshot, item_ids: list[str], reach: Reach, rulebook: Rulebook) -> None:
    """Have these items ready, with all that their pages make of them."""
    every = see_soon(snapshot, item_ids, reach, rulebook)
    linked = [one for one in every if _is_linked(one) and not one.is_secret]
    _merge_all(snapshot, _new(snapshot, "merge", linked, reach), reach, rulebook)
    clusters = [one for one in linked if one.item["kind"] == "cluster"]
    _say_all(snapshot, _new(snapshot, "said", clusters, reach), reach, rulebook)


def sides_of(seen: Seen) -> tuple[list[Row], list[Row]]:
    """The records of the customer who was there first, and those of the other."""
    one, _ = seen.sides()
    ours = [row for row in seen.records if row["customer_id"] == one["customer_id"]]
    theirs = [row for row in seen.records if row["customer_id"] != one["customer_id"]]
    return ours, theirs


def _merge_all(snapshot: Snapshot, items: list[Seen], reach: Reach, rulebook: Rulebook) -> None:
    made = preview_merges(snapshot, [sides_of(one) for one in items], rulebook) if items else []
    for one, preview in zip(items, made, strict=True):
        snapshot.know(_key("merge", one, reach), preview)


def _say_all(snapshot: Snapshot, items: list[Seen], reach: Reach, rulebook: Rulebook) -> None:
    rows = {row["record_number"]: row for one in items for row in one.records}
    every = values_said([rows[number] for number in sorted(rows)], rulebook) if rows else []
    for one in items:
        own = {row["record_number"] for row in one.records}
        said = [value for value in every if value.record["record_number"] in own]
        snapshot.know(_key("said", one, reach), said)


def _new(snapshot: Snapshot, what: str, items: list[Seen], reach: Reach) -> list[Seen]:
    return [one for one in items if not snapshot.remembers(_key(what, one, reach))]


def _is_linked(seen: Seen) -> bool:
    """Whether it asks about two records, both of which are there."""
    known = {row["record_id"] for row in seen.records}
    is_asked = seen.item["kind"] in {"match", "cluster"}
    return is_asked and known.issuperset(seen.item["record_ids"])


def _key(what: str, seen: Seen, reach: Reach) -> tuple[object, ...]:
    return (what, seen.item["item_id"], reach)
