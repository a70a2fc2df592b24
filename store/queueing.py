"""Show the stewards the questions of a snapshot: what the app's queue holds, and no values."""

from collections.abc import Mapping
from datetime import datetime

import duckdb
import polars as pl

from rules.decision import EVIDENCE
from rules.feed import Feed
from store.settings import Settings
from store.state.engine import open_engine
from store.state.moments import to_text
from store.state.seals import seal
from store.state.staging import publish_queue

_EVIDENCE = ", ".join(
    f"{name} := {f'list_sort({name})' if name == 'record_ids' else name}" for name in EVIDENCE
)


def show_queue(settings: Settings, items: pl.DataFrame, run_id: str, now: datetime) -> None:
    """Bring the queue up to date with the snapshot that was just published."""
    engine = open_engine(settings.log_url, 30)
    try:
        publish_queue(engine, items, int(run_id[1:]), to_text(now))
        seal(engine, now)
    finally:
        engine.dispose()


def queue_of(con: duckdb.DuckDBPyConnection, feeds: Mapping[str, Feed]) -> pl.DataFrame:
    """The review items as the queue knows them, with the campaigns of their records.

    A row in quarantine and a held delivery have the campaign that their feed declares for every
    record. A record of no campaign, and an item of a feed that declares none, has the campaign ''.
    """
    declared = pl.DataFrame(
        [(source, feed.campaign) for source, feed in feeds.items() if feed.campaign],
        schema={"source": pl.String, "campaign": pl.String},
        orient="row",
    )
    con.register("declared", declared.to_arrow())
    found: pl.DataFrame = con.sql(
        f"""
        with named as (select item_id, unnest(record_ids) as record_id from review_items),
        of_records as (
            select n.item_id, list(distinct coalesce(c.campaign, '')) as campaigns
            from named n left join crosswalk c using (record_id) group by n.item_id)
        select item_id, kind, priority, {_moment("opened_at")}, {_moment("due_at")},
            sha256(to_json(struct_pack({_EVIDENCE}))::varchar) as fingerprint,
            coalesce(campaigns, [coalesce(declared.campaign, '')]) as campaigns
        from review_items left join of_records using (item_id)
        left join (select delivery_id as its_delivery, source from deliveries)
            on its_delivery = delivery_id
        left join declared using (source)"""
    ).pl()
    con.unregister("declared")
    return found


def _moment(column: str) -> str:
    """A time as `to_text` writes it."""
    return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%fZ') as {column}"
