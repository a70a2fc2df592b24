"""Survive: work out the golden values of every customer that something touched."""

from contextlib import suppress
from typing import NamedTuple

import polars as pl

from flows.run import Counts, Run
from store.errors import UnreadableError
from store.golden import Golden, open_any_golden, open_golden
from store.warehouse import Warehouse
from transforms.changes import describe_changes
from transforms.contacts import gather_contacts
from transforms.epochs import all_epochs, lay_out_epochs, to_periods
from transforms.identify import customer_id
from transforms.resolve import state_of
from transforms.survive import Survivors, survive
from transforms.wide import publishable, to_wide

BATCH = 200_000
"""Customers that are worked out together: it bounds the memory, however many were touched."""


class Laid(NamedTuple):
    """The records behind the touched customers, in every epoch."""

    versions: pl.DataFrame
    epochs: pl.DataFrame
    """group, founder, received_at, next_at."""
    records: pl.DataFrame
    """group, founder, record_number, arrival, trust, updated_at, standardised fields."""


def survive_records(run: Run, warehouse: Warehouse) -> Counts:
    """Write the golden tables of touched customers anew, and say what became of each."""
    with open_golden(run.golden, run.settings, run.rulebook.survivorship) as golden:
        done = golden.applied(run.run_id, "survive")
        if done is not None:
            return done
        _touch_decided(run, warehouse)
        _widen_to_all(run, warehouse, golden)
        touched = warehouse.read("select founder from change.customers")
        counts: Counts = {"golden_rows": 0, "created": 0, "changed": 0, "merged": 0, "split": 0}
        with golden.transaction():
            golden.execute(f"delete from changes where run_id = '{run.run_id}'")
            golden.execute(
                "delete from crosswalk where record_number in (select record_number from moved)",
                moved=warehouse.read("select record_number from change.moves"),
            )
            for batch in touched.sort("founder").iter_slices(BATCH):
                for name, count in _write(run, warehouse, golden, batch).items():
                    counts[name] = counts.get(name, 0) + count
            golden.apply(run.run_id, "survive", counts)
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


def _write(run: Run, warehouse: Warehouse, golden: Golden, touched: pl.DataFrame) -> Counts:
    before, moves = _before(run, warehouse, golden, touched)
    laid = _lay_out(run, warehouse, touched)
    found = survive(laid.records, run.rulebook.survivorship, _choices(run, warehouse, laid))
    values = _values(golden.fields, laid, found)
    for table in ("golden_values", "closed_periods", "conflicts", "crosswalk", "contact_points"):
        golden.execute(
            f"delete from {table} where founder in (select founder from touched)", touched=touched
        )
    golden.insert("golden_values", values.drop("group", "next_at", "received_at"))
    rows = values.height + _write_periods(golden, laid, found, values)
    _write_crosswalk(warehouse, golden, laid)
    rows += _write_contacts(warehouse, golden, laid, values)
    _write_conflicts(golden, laid, found, values)
    changes = describe_changes(
        before, values.select("founder", *golden.fields), moves, golden.fields
    )
    _write_changes(run, golden, changes)
    kinds = dict(changes["change"].value_counts().iter_rows())
    return {"golden_rows": rows, **kinds}


def _lay_out(run: Run, warehouse: Warehouse, touched: pl.DataFrame) -> Laid:
    versions = warehouse.read(
        """
        select x.founder, v.record_number, v.arrival, v.received_at, v.is_withdrawn
        from cluster.crosswalk x semi join touched using (founder)
        join valid.versions v using (record_number)""",
        touched=touched,
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
    have = set(warehouse.read("select * from std.records limit 0").columns)
    rules = run.rulebook.survivorship
    wanted = [*rules.names(), *(also for rule in rules.fields.values() for also in rule.also)]
    columns = ", ".join(
        f"s.{name}::varchar as {name}" if name in have else f"null::varchar as {name}"
        for name in dict.fromkeys(wanted)
    )
    records = warehouse.read(
        f"""
        select l."group", l.founder, s.record_number, s.source, s.received_at, {columns},
            coalesce(t.trust, 0) as trust, coalesce(s.updated_at, s.received_at) as updated_at
        from laid l join std.records s using (arrival) left join trust t using (source)""",
        laid=laid.select("group", "founder", "arrival"),
        trust=trust,
    )
    return Laid(versions, epochs, records)


def _choices(run: Run, warehouse: Warehouse, laid: Laid) -> pl.DataFrame:
    """Stewards' values for the current epoch: group, field, value, record_number.

    Customers that were given values before they became one keep the newest of them.
    """
    values = state_of(run.decisions).values
    latest = laid.epochs.filter(pl.col("next_at").is_null()).select("group", "founder")
    if values.is_empty():
        schema = {"group": pl.Int64, "field": pl.String, "value": pl.String}
        return pl.DataFrame(schema=schema | {"record_number": pl.Int64})
    return warehouse.read(
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
        chosen=values,
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


def _write_periods(golden: Golden, laid: Laid, found: Survivors, values: pl.DataFrame) -> int:
    """Write the periods that have ended, and since when the current values hold."""
    several = laid.epochs.filter(pl.len().over("founder") > 1)
    if several.is_empty():
        return 0
    inside = several.select("group", "founder", "received_at")
    told = [
        lineage.select("group", "value", field=pl.lit(field)).join(inside, on="group")
        for field, lineage in found.lineage.items()
    ]
    periods = to_periods(pl.concat(told), several.select("founder", "received_at", "next_at")).join(
        values.select("founder", "customer_id"), on="founder"
    )
    golden.insert("closed_periods", periods.filter(pl.col("valid_to").is_not_null()))
    current = periods.filter(pl.col("valid_to").is_null())
    for field, since in current.group_by("field"):
        golden.execute(
            f"update golden_values set {field[0]}_since = since.valid_from from since "
            "where golden_values.founder = since.founder",
            since=since.select("founder", "valid_from"),
        )
    return periods.height - current.height


def _write_crosswalk(warehouse: Warehouse, golden: Golden, laid: Laid) -> None:
    latest = laid.epochs.filter(pl.col("next_at").is_null()).select("group")
    live = laid.records.join(latest, on="group", how="semi").select("record_number", "founder")
    rows = warehouse.read(
        """
        select l.record_number, l.founder, r.source, r.source_key,
            r.source || ':' || r.source_key as record_id, v.is_active, v.campaign
        from live l join ingest.records r using (record_number)
        join valid.records v using (record_number)""",
        live=live,
    )
    golden.insert("crosswalk", rows.with_columns(customer_id=customer_id(pl.col("founder"))))


def _write_contacts(warehouse: Warehouse, golden: Golden, laid: Laid, values: pl.DataFrame) -> int:
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
    rows = warehouse.read(
        """
        select p.*, 'valid' as verification, t.kind as type, t.time_zone
        from points p left join (
            select value, any_value(kind) as kind, any_value(time_zone) as time_zone
            from verify.phones where value in (select value from points) group by value) t
        on p.kind = 'phone' and p.value = t.value""",
        points=points,
    )
    golden.insert("contact_points", rows)
    return rows.height


def _write_conflicts(golden: Golden, laid: Laid, found: Survivors, values: pl.DataFrame) -> None:
    latest = laid.epochs.filter(pl.col("next_at").is_null()).select("group", "founder")
    golden.insert(
        "conflicts",
        found.conflicts.join(latest, on="group")
        .join(values.select("founder"), on="founder", how="semi")
        .drop("group"),
    )


def _before(
    run: Run, warehouse: Warehouse, golden: Golden, touched: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What the touched customers were before this run, and which records changed customer.

    A rebuild begins with empty tables; what downstream systems know is in the old ones.
    """
    moves = "select record_number, old_founder, founder from change.moves"
    if not (run.is_rebuild and run.settings.golden.exists()):
        return golden.values_of(touched), warehouse.read(moves)
    with (
        suppress(UnreadableError),
        open_any_golden(run.settings.golden, run.settings, run.rulebook.survivorship) as old,
    ):
        before = old.values_of(touched)
        crosswalk = old.read("select record_number, founder as old_founder from crosswalk")
        return before, warehouse.read(
            "select record_number, o.old_founder, m.founder from change.moves m "
            "join old_crosswalk o using (record_number) where o.old_founder <> m.founder",
            old_crosswalk=crosswalk,
        )
    return golden.values_of(touched), warehouse.read(moves)


def _write_changes(run: Run, golden: Golden, changes: pl.DataFrame) -> None:
    golden.insert(
        "changes",
        changes.select(
            run_id=pl.lit(run.run_id),
            customer_id=customer_id(pl.col("founder")),
            change="change",
            fields="fields",
            other_customer_id=customer_id(pl.col("other_founder")),
        ),
    )
