"""Name items as a list shows them: who or what each is about, and what is asked."""

from steward.desk.finding import founder_of
from steward.desk.seen import name_of
from steward.desk.words import plain
from store.opened import Row, Snapshot

MOST_KNOWN = 20_000


def titles_of(
    snapshot: Snapshot, item_ids: list[str], soon: list[str]
) -> dict[str, tuple[str, str]]:
    """What items are called in a list: who or what, and what is asked about them.

    One look into the tables costs about the same for many items as for one: where one is not known,
    those that will be listed `soon` are looked up with it.
    """
    if len(snapshot.known) > MOST_KNOWN:
        snapshot.known.clear()
    if not snapshot.known.keys() >= set(item_ids):
        new = [item_id for item_id in {*item_ids, *soon} if item_id not in snapshot.known]
        snapshot.known.update(_titles(snapshot, new))
    return {item_id: snapshot.known.get(item_id, (item_id, "settled")) for item_id in item_ids}


def _titles(snapshot: Snapshot, item_ids: list[str]) -> dict[str, tuple[str, str]]:
    items = snapshot.rows(
        "select item_id, kind, field, why, record_ids[1] as record_id, customer_ids, delivery_id, "
        "row_number from review_items where item_id = any($ids)",
        {"ids": item_ids},
    )
    names = _names(snapshot, items)
    files = _files(snapshot, [item["delivery_id"] for item in items if item["delivery_id"]])
    return {item["item_id"]: (_who(item, names, files), _about(item)) for item in items}


def _names(snapshot: Snapshot, items: list[Row]) -> dict[str, str]:
    """By record, the name of the first record of each item."""
    wanted = {item["record_id"] for item in items if item["record_id"]}
    founders = sorted(
        {founder_of(one) or 0 for item in items for one in item["customer_ids"] or ()}
    )
    if not wanted:
        return {}
    asked = {"founders": founders}
    named = snapshot.rows(
        "select founder, record_number, record_id from crosswalk where founder = any($founders)",
        asked,
    )
    fields = "first_name, last_name, company, email, phone"
    kept = snapshot.rows(
        f"select record_number, {fields} from record_values where founder = any($founders)", asked
    )
    images = snapshot.rows(
        f"select record, {fields} from plain_values where founder = any($founders) "
        "and is_one_record",
        asked,
    )
    said = {row["record_number"]: row for row in kept} | {row["record"]: row for row in images}
    return {
        row["record_id"]: name_of(said[row["record_number"]] | row)
        for row in named
        if row["record_id"] in wanted
    }


def _files(snapshot: Snapshot, delivery_ids: list[str]) -> dict[str, str]:
    if not delivery_ids:
        return {}
    rows = snapshot.rows(
        "select delivery_id, file_name from deliveries where delivery_id = any($ids)",
        {"ids": delivery_ids},
    )
    return {row["delivery_id"]: str(row["file_name"]).rpartition("/")[2] for row in rows}


def _who(item: Row, names: dict[str, str], files: dict[str, str]) -> str:
    if item["record_id"]:
        return names.get(item["record_id"], str(item["record_id"]))
    return files.get(item["delivery_id"], "delivery")


def _about(item: Row) -> str:
    if item["kind"] == "conflict":
        return plain(str(item["field"]))
    if item["kind"] == "quarantine":
        return f"row {item['row_number']}"
    if item["kind"] == "delivery":
        return "held delivery"
    if item["kind"] == "cluster":
        return plain(str(item["why"]))
    return "pair"
