"""Gather all that is held on a customer, for the person who asks what it is."""

import json
from contextlib import suppress
from typing import Any

import duckdb
import polars as pl

from flows.evidence import Found, Row, decisions_about, find, read_log, rows_of
from flows.reading import read_through
from rules.feed import Feed
from store.archive import Archive, Delivery
from store.decisions import utc_now
from store.errors import TouchstoneError
from store.files import remove_tree
from store.lock import one_writer
from store.readers import DeliveryRefused
from store.rulebook import read_feeds
from store.schema import WAREHOUSE
from store.settings import Settings
from store.snapshot import open_snapshot
from store.state.audit import Audit
from store.state.engine import open_engine
from store.state.striking import said
from store.warehouse import Warehouse
from transforms.classify import ARRIVALS

_CONSENTS = ("consent_email", "consent_phone", "consent_post")
_HIDDEN = frozenset({"arrival", "record_number", "is_test", "has_link", "phone_key", "phone_2_key"})
_NUMBERED = ("contact_points", "redirects")
_MINE = "customer_id = ?"


def tell_held(settings: Settings, asked: str) -> Row:
    """Everything that is held on the customer, or on the one whom the record belongs to."""
    with open_snapshot(settings) as con:
        found = find(con, asked)
        name = found.customer_id
        records = find(con, name).records
        told = {"customer_id": name, **_published(con, name)}
        told["waiting"] = _items(con, records)
    versions = _versions(settings, name)
    told["versions"] = versions
    told["entries"] = _entries(settings, records)
    told["consents"] = _consents(told["values"], versions)
    told["decisions"] = _decisions(settings, records)
    told["snapshots"] = _snapshots(settings, name)
    told["looked_at"] = _looks(settings, found, records)
    return told


def _published(con: duckdb.DuckDBPyConnection, name: str) -> Row:
    """What the snapshot says."""
    orders = {
        "contact_points": "kind, is_primary desc, value",
        "history": "field, valid_from",
        "changes": "run_id, change",
        "redirects": "old_customer_id",
    }
    values = rows_of(
        con, f"select * exclude (customer_id) from lineage where {_MINE} order by field", name
    )
    found = {
        table: rows_of(
            con,
            f"select * exclude (customer_id{', founder' if table in _NUMBERED else ''}) "
            f"from {table} where {_MINE} order by {order}",
            name,
        )
        for table, order in orders.items()
    }
    return {"values": values, **found}


def _items(con: duckdb.DuckDBPyConnection, records: pl.DataFrame) -> list[Row]:
    """Questions to a data steward that are open."""
    return rows_of(
        con,
        "select item_id, kind, field, opened_at, due_at from review_items "
        "where list_has_any(record_ids, ?) order by item_id",
        records["record_id"].to_list(),
    )


def _versions(settings: Settings, name: str) -> list[Row]:
    """Every version of every record, as it was understood and as it was delivered."""
    if not settings.warehouse.exists():
        raise TouchstoneError("The warehouse is not here, only the snapshot.")
    founder = _founder(name)
    with (
        one_writer(settings.lock),
        Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse,
    ):
        found = warehouse.read(
            f"""
            select r.source || ':' || r.source_key as record_id, d.file_name, d.channel,
                v.arrival, v.is_withdrawn, v.received_at, q.reasons, s.* exclude (
                    arrival, record_number, source, received_at)
            from cluster.crosswalk x join ingest.records r using (record_number)
            join ingest.versions v using (record_number)
            left join std.records s on s.arrival = v.arrival
            left join quarantine.records q on q.arrival = v.arrival
            left join ingest.deliveries d on d.delivery_number = v.arrival // {ARRIVALS}
            where x.founder = {founder} order by v.arrival"""
        )
        delivered = _delivered(settings, found["arrival"])
    return [_version(row, delivered) for row in found.iter_rows(named=True)]


def _founder(name: str) -> int:
    delivery, _, row = name[1:].partition("-")
    return int(delivery) * ARRIVALS + int(row)


def _version(row: Row, delivered: dict[int, Row]) -> Row:
    ours = ("record_id", "file_name", "channel", "received_at", "is_withdrawn", "reasons")
    said = {
        field: value
        for field, value in row.items()
        if value is not None and field not in {*_HIDDEN, *ours}
    }
    told: Row = {name: row[name] for name in ours}
    return told | {"values": said, "as_delivered": delivered.get(row["arrival"])}


def _delivered(settings: Settings, arrivals: pl.Series) -> dict[int, Row]:
    """The rows of these arrivals as they came, by arrival."""
    feeds, wanted = read_feeds(settings.rules), set(arrivals)
    numbers = {arrival // ARRIVALS for arrival in wanted}
    found: dict[int, Row] = {}
    for delivery in Archive(settings.raw).deliveries():
        if delivery.delivery_number in numbers and delivery.source in feeds:
            rows = {arrival % ARRIVALS for arrival in wanted}
            with suppress(DeliveryRefused):
                found |= _rows(settings, delivery, feeds[delivery.source], rows)
    return found


def _rows(settings: Settings, delivery: Delivery, feed: Feed, rows: set[int]) -> dict[int, Row]:
    folder = settings.work / "exporting"
    try:
        spool = read_through(delivery, feed, settings.limits, folder)
        return {
            delivery.delivery_number * ARRIVALS + row["row_number"]: {
                name: text
                for name, text in row.items()
                if text is not None and name != "row_number"
            }
            for part in spool.look()
            for row in part.rows.filter(pl.col("row_number").is_in(list(rows))).to_dicts()
        }
    finally:
        remove_tree(folder)


def _consents(values: list[Row], versions: list[Row]) -> list[Row]:
    """For each channel what holds, and each answer that was ever given, with where and when."""
    told = []
    for field in _CONSENTS:
        answers = [
            {
                "answer": version["values"][field],
                "record_id": version["record_id"],
                "said_at": version["values"].get("updated_at") or version["received_at"],
                "file_name": version["file_name"],
            }
            for version in versions
            if field in version["values"]
        ]
        holds = next((value for value in values if value["field"] == field), None)
        told.append(
            {
                "channel": field.removeprefix("consent_"),
                "holds": holds["value"] if holds else None,
                "by": holds["record_id"] if holds else None,
                "answers": answers,
            }
        )
    return told


def _decisions(settings: Settings, records: pl.DataFrame) -> list[Row]:
    log = read_log(settings)
    wanted = ("decision_id", "decided_at", "decided_by", "kind", "subject", "because")
    return [
        {name: row[name] for name in wanted}
        for row in decisions_about(log, records["record_id"].to_list())
    ]


def _entries(settings: Settings, records: pl.DataFrame) -> list[Row]:
    """What was typed at the desk, equals the person, and waits for a steward."""
    if settings.decisions_url is None and not (settings.data / "decisions").exists():
        return []
    wanted = set(records["record_id"])
    return [
        {"item_id": name, "typed": json.loads(text)}
        for kind, name, about, text in said(settings.log_url)
        if kind == "entry" and about in wanted
    ]


def _snapshots(settings: Settings, name: str) -> list[Row]:
    """The kept snapshots in which the customer is, for whoever reads them."""
    found = []
    for folder in sorted(settings.published.glob("R[0-9]*")):
        with open_snapshot(settings, folder.name) as con:
            if rows_of(con, f"select 1 from customers where {_MINE}", name):
                now = rows_of(con, "select now from runs where run_id = ?", folder.name)
                found.append({"run_id": folder.name, "now": now[0]["now"] if now else None})
    return found


def _looks(settings: Settings, found: Found, records: pl.DataFrame) -> list[dict[str, Any]]:
    """Who looked at the person's data in the app."""
    if settings.decisions_url is None and not (settings.data / "decisions").exists():
        return []
    engine = open_engine(settings.log_url, 30)
    try:
        trail = Audit(engine, utc_now)
        subjects = [found.customer_id, *records["record_id"]]
        return [noted._asdict() for subject in subjects for noted in trail.about(subject)]
    finally:
        engine.dispose()
