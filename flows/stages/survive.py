"""Survive: work out the golden values of every customer that something touched."""

from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

import polars as pl

from flows.erasing.names import all_heirs
from flows.run import Counts, Run
from flows.stages.alone import CONTACTS, CROSSWALK, RECORDS, find_alone, named, write_alone
from flows.stages.contacts import judge_contacts, note_contacts
from flows.stages.deliverability import refused_domains, touch_customers
from store.errors import UnreadableError
from store.golden import Golden, open_any_golden, open_beside
from store.warehouse import Warehouse
from transforms.changes import describe_changes
from transforms.contacts import gather_contacts
from transforms.deliverability import deliverable
from transforms.epochs import all_epochs, lay_out_epochs, to_periods
from transforms.identify import customer_id, named_as
from transforms.resolve import state_of
from transforms.survive import Survivors, survive
from transforms.wide import publishable, to_sparse, to_wide

BATCH = 200_000
"""Customers that are worked out together: it bounds the memory, however many were touched."""


BY_CUSTOMER = (
    "plain_values",
    "noted_values",
    "closed_periods",
    "conflicts",
    "crosswalk",
    "record_values",
    "contact_values",
)
"""The tables whose rows of a touched customer are written anew."""


class Laid(NamedTuple):
    """The records behind the touched customers, in every epoch."""

    versions: pl.DataFrame
    epochs: pl.DataFrame
    """group, founder, received_at, next_at."""
    records: pl.DataFrame
    """group, founder, record_number, arrival, trust, updated_at, standardised fields."""


def survive_records(run: Run, warehouse: Warehouse) -> Counts:
    """Write the golden tables of touched customers anew, and say what became of each."""
    rules = run.rulebook.survivorship
    with open_beside(warehouse, run.golden, run.settings, rules) as golden:
        done = golden.applied(run.run_id, "survive")
        if done is not None:
            return done
        _touch_decided(run, warehouse)
        touch_customers(warehouse)
        _widen_to_all(run, warehouse, golden)
        touched = warehouse.read("select founder from change.customers order by founder")
        with golden.transaction():
            counts = _survive(run, warehouse, golden, touched)
            golden.apply(run.run_id, "survive", counts)
        return counts


def _survive(run: Run, warehouse: Warehouse, golden: Golden, touched: pl.DataFrame) -> Counts:
    moves = _remember(run, warehouse, golden, touched)
    note_contacts(golden)
    _clear(run, golden)
    chosen = state_of(run.decisions).values
    find_alone(golden, run.rulebook.survivorship, chosen.select(record_id="anchor"))
    rows = write_alone(golden)
    several = golden.read("from touched anti join alone using (founder) order by founder")
    for batch in several.iter_slices(BATCH):
        rows += _write(run, golden, batch, chosen)
    judge_contacts(golden, run.rulebook.survivorship.usage)
    counts: Counts = {"golden_rows": rows, "created": 0, "changed": 0, "merged": 0, "split": 0}
    moves = moves.with_columns(named_as(pl.col("record_number"), all_heirs(run.erasures)))
    counts |= _write_erased(run, golden)
    for batch in touched.iter_slices(BATCH):
        for kind, count in _write_changes(run, golden, batch, moves):
            counts[kind] = counts.get(kind, 0) + count
    return counts


def _touch_decided(run: Run, warehouse: Warehouse) -> None:
    """A customer is touched too when a steward has chosen a value of it, or taken one back."""
    last = warehouse.one("select max(last_decision) from ledger.runs where state = 'finished'")
    known = run.decisions.filter(pl.col("decision_id") <= last)
    chosen = pl.concat([state_of(run.decisions).values, state_of(known).values])
    warehouse.execute(
        """
        insert into change.customers
        select founder from cluster.crosswalk join ingest.records using (record_number)
        where source || ':' || source_key in (select anchor from chosen)
        except from change.customers""",
        chosen=chosen.filter(~chosen.is_duplicated()),
    )


def _widen_to_all(run: Run, warehouse: Warehouse, golden: Golden) -> None:
    """When survivorship itself changed, or the golden tables are new, touch every customer."""
    is_new = golden.one("select count(*) from applied") == 0
    if is_new or "survive" in run.changed:
        warehouse.execute("delete from change.customers")
        warehouse.execute(
            "insert into change.customers select distinct founder from cluster.crosswalk"
        )


def _write(run: Run, golden: Golden, touched: pl.DataFrame, chosen: pl.DataFrame) -> int:
    """Choose among the records of these customers; returns how many rows were written."""
    laid = _lay_out(run, golden, touched)
    standing = deliverable(laid.records, refused_domains(golden))
    found = survive(standing, run.rulebook.survivorship, _choices(golden, laid, chosen))
    values = _values(golden.fields, laid, found)
    periods = _periods(laid, found, values)
    ended = periods.filter(pl.col("valid_to").is_not_null())
    golden.insert("closed_periods", ended)
    _write_values(golden, values, periods.filter(pl.col("valid_to").is_null()))
    _write_crosswalk(golden, laid)
    points = _write_contacts(golden, laid, values)
    _write_conflicts(golden, laid, found, values)
    return values.height + ended.height + points


def _lay_out(run: Run, golden: Golden, touched: pl.DataFrame) -> Laid:
    versions = golden.read(
        """
        select x.founder, v.record_number, v.arrival, v.received_at, v.is_withdrawn
        from cluster.crosswalk x semi join batch using (founder)
        join valid.versions v using (record_number)""",
        batch=touched,
    )
    epochs = all_epochs(versions).with_row_index("group").cast({"group": pl.Int64})
    laid = lay_out_epochs(versions).join(
        epochs.select("group", "founder", "received_at"), on=["founder", "received_at"]
    )
    trust = pl.DataFrame(
        {
            "source": list(run.rulebook.feeds),
            "trust": [feed.trust for feed in run.rulebook.feeds.values()],
        },
        schema={"source": pl.String, "trust": pl.Int64},
    )
    have = set(golden.read("select * from std.records limit 0").columns)
    rules = run.rulebook.survivorship
    wanted = [*rules.names(), *(also for rule in rules.fields.values() for also in rule.also)]
    columns = ", ".join(
        f"s.{name}::varchar as {name}" if name in have else f"null::varchar as {name}"
        for name in dict.fromkeys(wanted)
    )
    records = golden.read(
        f"""
        select l."group", l.founder, s.record_number, s.source, s.received_at, {columns},
            coalesce(t.trust, 0) as trust, coalesce(s.updated_at, s.received_at) as updated_at
        from laid l join std.records s using (arrival) left join trust t using (source)""",
        laid=laid.select("group", "founder", "arrival"),
        trust=trust,
    )
    return Laid(versions, epochs, records)


def _choices(golden: Golden, laid: Laid, chosen: pl.DataFrame) -> pl.DataFrame:
    """Stewards' values for the current epoch: group, field, value, record_number.

    Customers that were given values before they became one keep the newest of them.
    """
    latest = laid.epochs.filter(pl.col("next_at").is_null()).select("group", "founder")
    if chosen.is_empty():
        schema = {"group": pl.Int64, "field": pl.String, "value": pl.String}
        return pl.DataFrame(schema=schema | {"record_number": pl.Int64})
    return golden.read(
        """
        with named as (
            select record_number, founder, source || ':' || source_key as record_id
            from ingest.records join cluster.crosswalk using (record_number))
        select l."group", v.field, v.value,
            source.record_number
        from chosen v join named anchor on anchor.record_id = v.anchor
        join latest l on l.founder = anchor.founder
        left join named source on source.record_id = v.record_id
        qualify row_number() over (
            partition by l."group", v.field order by v.decision_id desc) = 1""",
        chosen=chosen,
        latest=latest,
    )


def _values(fields: list[str], laid: Laid, found: Survivors) -> pl.DataFrame:
    """One row per customer that may stand as one: what is known now."""
    latest = pl.col("next_at").is_null()
    wide = pl.concat(
        [laid.epochs, to_wide(found.lineage, laid.epochs.height).drop("group")], how="horizontal"
    ).filter(latest & publishable(fields))
    facts = _facts(laid)
    return wide.join(facts, on="founder", how="left").with_columns(
        customer_id=customer_id(pl.col("founder")), changed_at=pl.col("received_at")
    )


def _facts(laid: Laid) -> pl.DataFrame:
    """Per customer: how many records and sources stand behind it, and since when."""
    latest = laid.epochs.filter(pl.col("next_at").is_null()).select("group")
    behind = laid.records.select("group", "founder", "source").join(latest, on="group", how="semi")
    counts = behind.group_by("founder").agg(
        record_count=pl.len().cast(pl.Int32),
        source_count=pl.col("source").n_unique().cast(pl.Int32),
    )
    seen = laid.versions.group_by("founder").agg(first_seen_at=pl.col("received_at").min())
    return counts.join(seen, on="founder")


def _periods(laid: Laid, found: Survivors, values: pl.DataFrame) -> pl.DataFrame:
    """The periods of customers who have had several epochs: each ended one, and what holds."""
    several = laid.epochs.filter(pl.len().over("founder") > 1)
    inside = several.select("group", "founder", "received_at")
    told = [
        lineage.select("group", "value", field=pl.lit(field)).join(inside, on="group")
        for field, lineage in found.lineage.items()
    ]
    return to_periods(pl.concat(told), several.select("founder", "received_at", "next_at")).join(
        values.select("founder", "customer_id"), on="founder"
    )


def _write_values(golden: Golden, values: pl.DataFrame, current: pl.DataFrame) -> None:
    """Write the customers; current: founder, field, valid_from where it may not be the last."""
    since = current.pivot("field", index="founder", values="valid_from")
    since = since.rename({name: f"{name}_since" for name in since.columns if name != "founder"})
    sparse = to_sparse(
        values.drop("group", "next_at", "received_at").join(since, on="founder", how="left"),
        golden.fields,
    )
    notes = [f"{name}_{note}" for name in golden.fields for note in ("record", "by", "since")]
    plain = sparse.filter("is_plain").drop(notes, strict=False)
    _write_named(golden, "plain_values", plain.with_columns(is_one_record=False))
    _write_named(golden, "noted_values", sparse.filter(~pl.col("is_plain")))


def _write_named(golden: Golden, table: str, values: pl.DataFrame) -> None:
    """Write customers with the name of their first record."""
    golden.execute(
        f"""
        insert into {table} by name
        select f.* exclude (is_plain), r.source || ':' || r.source_key as record_id
        from frame f left join ingest.records r on r.record_number = f.record""",
        frame=values,
    )


def _write_crosswalk(golden: Golden, laid: Laid) -> None:
    latest = laid.epochs.filter(pl.col("next_at").is_null()).select("group")
    live = laid.records.join(latest, on="group", how="semi").select("record_number", "founder")
    golden.execute(CROSSWALK.format(name=named("l.founder"), live="live"), live=live)
    golden.execute(RECORDS.format(live="live"), live=live)


def _write_contacts(golden: Golden, laid: Laid, values: pl.DataFrame) -> int:
    latest = laid.epochs.filter(pl.col("next_at").is_null()).select("group")
    primary = values.select("founder", "customer_id", "email", "phone")
    points = (
        gather_contacts(laid.records.join(latest, on="group", how="semi"))
        .join(primary, on="founder")
        .with_columns(
            is_primary=pl.when(pl.col("kind") == "email")
            .then(pl.col("value") == pl.col("email"))
            .otherwise(pl.col("value") == pl.col("phone"))
            .fill_null(value=False)
        )
        .drop("email", "phone")
    )
    golden.execute(CONTACTS.format(points="points"), points=points)
    return points.height


def _write_conflicts(golden: Golden, laid: Laid, found: Survivors, values: pl.DataFrame) -> None:
    latest = laid.epochs.filter(pl.col("next_at").is_null()).select("group", "founder")
    golden.insert(
        "conflicts",
        found.conflicts.join(latest, on="group")
        .join(values.select("founder"), on="founder", how="semi")
        .drop("group"),
    )


def _remember(
    run: Run, warehouse: Warehouse, golden: Golden, touched: pl.DataFrame
) -> pl.DataFrame:
    """Make the tables `touched` and `before`: what the touched customers were before this run.

    A rebuild begins with empty tables; what downstream systems know is in the old ones. Returns
    the records that changed customer: record_number, old_founder, founder.
    """
    golden.execute("create temp table touched as from batch", batch=touched)
    moves = "select record_number, old_founder, founder from change.moves"
    if run.is_rebuild and run.settings.golden.exists():
        with (
            suppress(UnreadableError),
            open_any_golden(run.settings.golden, run.settings, run.rulebook.survivorship) as old,
        ):
            _remember_values(golden, old, touched)
            crosswalk = old.read("select record_number, founder as old_founder from crosswalk")
            return warehouse.read(
                "select record_number, o.old_founder, m.founder from change.moves m "
                "join old_crosswalk o using (record_number) where o.old_founder <> m.founder",
                old_crosswalk=crosswalk,
            )
    _remember_values(golden, golden, touched)
    return warehouse.read(moves)


def _remember_values(golden: Golden, old: Golden, touched: pl.DataFrame) -> None:
    first, *others = list(touched.iter_slices(BATCH)) or [touched]
    golden.execute("create or replace temp table before as from old", old=old.values_of(first))
    for batch in others:
        golden.execute("insert into before from old", old=old.values_of(batch))


def _clear(run: Run, golden: Golden) -> None:
    """Remove what is to be written anew."""
    golden.execute(f"delete from changes where run_id = '{run.run_id}'")
    for table in ("crosswalk", "record_values"):
        golden.execute(
            f"delete from {table} where record_number in (select record_number from change.moves)"
        )
    for table in BY_CUSTOMER:
        golden.execute(f"delete from {table} where founder in (select founder from touched)")


def _write_erased(run: Run, golden: Golden) -> Counts:
    """Say which customers this run erases."""
    gone = [name for one in run.erasures if one.state == "begun" for name in one.customers]
    if not gone:
        return {}
    golden.execute(
        f"""
        insert into changes by name
        select '{run.run_id}' as run_id, customer_id, 'erased' as change, [] as fields
        from gone""",
        gone=pl.DataFrame({"customer_id": gone}),
    )
    return {"erased": len(gone)}


def _write_changes(
    run: Run, golden: Golden, touched: pl.DataFrame, moves: pl.DataFrame
) -> Iterable[tuple[str, int]]:
    """Say what became of these customers; returns how often each."""
    before = golden.read("from before semi join batch using (founder)", batch=touched)
    fields = golden.fields if before.height else []
    changes = describe_changes(before, golden.values_of(touched, fields), moves, fields)
    golden.execute(
        f"""
        insert into changes by name
        select '{run.run_id}' as run_id, {named("founder")} as customer_id, change, fields,
            {named("other_founder")} as other_customer_id
        from told""",
        told=changes,
    )
    return changes["change"].value_counts().iter_rows()
