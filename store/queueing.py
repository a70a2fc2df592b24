"""Show the stewards the questions of a snapshot: what the app's queue holds, and no values."""

import hashlib
import time
from collections.abc import Mapping
from datetime import datetime

import duckdb
import polars as pl
import sqlalchemy as sa

from rules.decision import EVIDENCE
from rules.feed import Feed
from rules.queues import SAMPLE, Order, Queues
from store.lock import is_taken
from store.publications import ask_about_held
from store.reading import LARGE
from store.settings import Settings
from store.state.engine import open_engine
from store.state.escalation import escalate_due
from store.state.moments import to_text
from store.state.published import note_published
from store.state.scope import TOO_LARGE
from store.state.seals import seal
from store.state.staging import carry_over, publish_queue, shown_whole
from store.sums import digest_of

_EVIDENCE = ", ".join(
    f"{name} := {f'list_sort({name})' if name == 'record_ids' else name}" for name in EVIDENCE
)

AHEAD_SECONDS = 3.0
"""For so long the app may look at a snapshot before pages read it."""
VERSION = 2
"""Of what `queue_of` makes of the tables: another one, and queues are made anew."""

_BLIND = f"coalesce(review_items.why, '') = '{SAMPLE}'"


def show_queue(
    settings: Settings, items: pl.DataFrame | None, run_id: str, now: datetime, queues: Queues
) -> None:
    """Bring the queue up to date with the snapshot that was just published.

    items: those of `queue_of`; none where they are what is shown already (`is_shown`).
    """
    engine = open_engine(settings.log_url, 30)
    try:
        if items is None:
            carry_over(engine, int(run_id[1:]), to_text(now))
        else:
            publish_queue(engine, items, int(run_id[1:]), to_text(now))
        ask_about_held(settings, engine, queues)
        _note_digest(settings, engine, run_id, now)
        seal(engine, now)
    finally:
        engine.dispose()


def leave_time(settings: Settings, run_id: str) -> None:
    """Leave an app that runs here the time to look at what is on screens in a large snapshot.

    It does so from when the snapshot is published until its queue is shown. Where the queue is as
    it was that is at once, and all who are at work would wait for what nobody had looked at.
    """
    golden = settings.published / run_id / "golden.duckdb"
    if golden.stat().st_size >= LARGE and is_taken(settings.spool / "app.lock"):
        time.sleep(AHEAD_SECONDS)


def show_held(settings: Settings, run_id: str, now: datetime, queues: Queues) -> None:
    """Ask the administrators about the snapshot of this run, which is held back."""
    engine = open_engine(settings.log_url, 30)
    try:
        ask_about_held(settings, engine, queues)
        _note_digest(settings, engine, run_id, now)
    finally:
        engine.dispose()


def _note_digest(settings: Settings, engine: sa.Engine, run_id: str, now: datetime) -> None:
    """Keep the digest of what was published, beyond the days for which the files are kept."""
    digest = digest_of(settings.published / run_id)
    if digest is not None:
        note_published(engine, run_id, digest, to_text(now))


def escalate_shown(settings: Settings, queues: Queues, now: datetime) -> None:
    """Take what is past due by now a step up."""
    engine = open_engine(settings.log_url, 30)
    try:
        escalate_due(engine, queues, now)
    finally:
        engine.dispose()


def is_shown(settings: Settings, run_id: str) -> bool:
    """Whether the queue of this run is shown, all of it, and nothing of another is staged."""
    engine = open_engine(settings.log_url, 30)
    try:
        return shown_whole(engine) == int(run_id[1:])
    finally:
        engine.dispose()


def queue_digest(con: duckdb.DuckDBPyConnection, feeds: Mapping[str, Feed], queues: Queues) -> str:
    """What `queue_of` gives is the same while this is, on the same customers."""
    found = con.sql("select count(*), bit_xor(hash(r)) from review_items r").fetchall()
    declared = sorted((source, feed.campaign or "") for source, feed in feeds.items())
    told = f"{found}{declared}{queues.model_dump_json()}{VERSION}"
    return hashlib.sha256(told.encode()).hexdigest()


def queue_of(
    con: duckdb.DuckDBPyConnection, feeds: Mapping[str, Feed], queues: Queues
) -> pl.DataFrame:
    """The review items as the queue knows them, with the campaigns of their records.

    With them go the accounts of their customers (campaigns and sources of all their records), the
    customers themselves by all ids that they have and had, and until when an account manager has
    them alone. A refused link with more records behind it than `[large]` allows is assigned.

    What chance has judged blind is nobody's account. A row in quarantine and a held delivery have
    the campaign that their feed declares for every record. A record of no campaign, and an item of
    a feed that declares none, has the campaign ''.
    """
    declared = pl.DataFrame(
        [(source, feed.campaign) for source, feed in feeds.items() if feed.campaign],
        schema={"source": pl.String, "campaign": pl.String},
        orient="row",
    )
    alone = pl.DataFrame(
        {
            "kind": list(queues.kinds),
            "days": [queue.manager_days for queue in queues.kinds.values()],
        }
    )
    con.register("declared", declared.to_arrow())
    con.register("alone", alone.to_arrow())
    found: pl.DataFrame = con.sql(
        f"""
        with named as (select item_id, unnest(record_ids) as record_id from review_items),
        of_records as (
            select n.item_id, list(distinct coalesce(c.campaign, '')) as campaigns
            from named n left join crosswalk c using (record_id) group by n.item_id),
        of_customers as (
            select customer_id, list(distinct 'source:' || source) || coalesce(
                list(distinct 'campaign:' || campaign) filter (campaign is not null), []
            ) as accounts
            from crosswalk semi join (
                select unnest(customer_ids) as customer_id from review_items) using (customer_id)
            group by customer_id),
        of_items as (
            select item_id, flatten(list(accounts)) as accounts
            from (select item_id, unnest(customer_ids) as customer_id from review_items)
            join of_customers using (customer_id) group by item_id),
        of_sizes as (
            select item_id, count(*) as size
            from (select item_id, unnest(customer_ids) as customer_id
                from review_items where kind = 'cluster')
            join crosswalk using (customer_id) group by item_id),
        of_ids as (select item_id, unnest(customer_ids) as customer_id from review_items),
        of_old as (
            select item_id, old_customer_id
            from of_ids join redirects using (customer_id)),
        named_ids as (
            select item_id, list(distinct customer_id) as customers
            from (from of_ids union all from of_old) group by item_id)
        select item_id, kind, {urgency_sql(queues.order)} as urgency,
            {_moment("opened_at")}, {_moment("due_at")},
            {_moment("opened_at + to_days(days::integer)", "manager_until")},
            if({_BLIND}, [], coalesce(of_items.accounts, [])) as accounts,
            if({_BLIND}, [], coalesce(named_ids.customers, [])) as customers,
            sha256(to_json(struct_pack({_EVIDENCE}))::varchar) as fingerprint,
            if(size > {queues.large.records}, '{TOO_LARGE}', null) as assigned_to,
            coalesce(campaigns, [coalesce(declared.campaign, '')]) as campaigns
        from review_items left join of_records using (item_id)
        left join of_items using (item_id) left join named_ids using (item_id)
        left join alone using (kind) left join of_sizes using (item_id)
        left join (select delivery_id as its_delivery, source from deliveries)
            on its_delivery = delivery_id
        left join declared using (source)"""
    ).pl()
    con.unregister("declared")
    con.unregister("alone")
    return found


def urgency_sql(order: Order) -> str:
    """By what items are ordered, as `Order.urgency` says it."""
    return f"round(priority - epoch(due_at) / {86_400 * order.ageing_days}, 6)"


def _moment(time: str, name: str = "") -> str:
    """A time as `to_text` writes it."""
    return f"strftime({time}, '%Y-%m-%dT%H:%M:%S.%fZ') as {name or time}"
