"""Survive, for the customers who stand on several versions or records.

Their values compete: `transforms/survive.py` chooses, in every epoch of the customer, and what it
found is written here.
"""

from typing import NamedTuple

import polars as pl

from flows.run import Run
from flows.stages.alone import CONTACTS, CROSSWALK, RECORDS, named
from flows.stages.deliverability import refused_domains
from store.golden import Golden
from transforms.contacts import gather_contacts
from transforms.deliverability import deliverable
from transforms.epochs import all_epochs, lay_out_epochs, to_periods
from transforms.identify import customer_id
from transforms.survive import Survivors, survive
from transforms.wide import publishable, to_sparse, to_wide


class Laid(NamedTuple):
    """The records behind the touched customers, in every epoch."""

    versions: pl.DataFrame
    epochs: pl.DataFrame
    """group, founder, received_at, next_at."""
    records: pl.DataFrame
    """group, founder, record_number, arrival, trust, updated_at, standardised fields."""


def write_several(run: Run, golden: Golden, touched: pl.DataFrame, chosen: pl.DataFrame) -> int:
    """Choose among the records of these customers; returns how many rows were written.

    touched: founder; chosen: what stewards chose, as `state_of` gives it.
    """
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
    return Laid(versions, epochs, _read_laid(run, golden, laid))


def _read_laid(run: Run, golden: Golden, laid: pl.DataFrame) -> pl.DataFrame:
    """What the laid out versions say (laid: group, founder, arrival), and how far to trust it."""
    feeds = run.rulebook.feeds
    trust = pl.DataFrame(
        {"source": list(feeds), "trust": [feed.trust for feed in feeds.values()]},
        schema={"source": pl.String, "trust": pl.Int64},
    )
    have = set(golden.read("select * from std.records limit 0").columns)
    rules = run.rulebook.survivorship
    wanted = [*rules.names(), *(also for rule in rules.fields.values() for also in rule.also)]
    columns = ", ".join(
        f"s.{name}::varchar as {name}" if name in have else f"null::varchar as {name}"
        for name in dict.fromkeys(wanted)
    )
    return golden.read(
        f"""
        select l."group", l.founder, s.record_number, s.source, s.received_at, {columns},
            coalesce(t.trust, 0) as trust, coalesce(s.updated_at, s.received_at) as updated_at
        from laid l join std.records s using (arrival) left join trust t using (source)""",
        laid=laid.select("group", "founder", "arrival"),
        trust=trust,
    )


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
