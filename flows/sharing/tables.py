"""Put together the tables of a share: customers as the records in scope alone make them."""

import duckdb
import polars as pl

from flows.sharing.personal import Treatment, treated, treated_by_field
from rules.reach import Reach
from store.rulebook import Rulebook
from store.scoped import scoped_to
from transforms.survive import survive
from transforms.wide import publishable

LEAST = 10
"""Fewer customers than this are not told in a count."""
_NO_CHOICES = pl.DataFrame(
    schema={"group": pl.Int64, "field": pl.String, "value": pl.String, "record_number": pl.Int64}
)


def share_tables(
    con: duckdb.DuckDBPyConnection, reach: Reach, treatment: Treatment, rulebook: Rulebook
) -> dict[str, pl.DataFrame]:
    """By name, the tables within reach."""
    _gather(con, reach)
    _part_of(con, rulebook)
    fields = rulebook.survivorship.names()
    shown = ", ".join(f"{treated(name, treatment)} as {name}" for name in fields)
    name, record, key = (
        treated(one, treatment) for one in ("customer_id", "record_id", "source_key")
    )
    value = treated_by_field("field", treatment, fields)
    point = treated_by_field("kind", treatment, ["email", "phone"])
    queries = {
        "customers": f"select {name} as customer_id, {shown}, record_count, source_count, "
        "first_seen_at, changed_at from shared_customers",
        "crosswalk": f"select source, {key} as source_key, {record} as record_id, "
        f"{name} as customer_id, is_active, campaign from shared_records",
        "contact_points": f"select {name} as customer_id, kind, {point} as value, verification, "
        "reason, type from shared_contacts",
        "lineage": f"select {name} as customer_id, field, {value} as value, "
        f"{record} as record_id, decided_by from shared_lineage",
        "summary": _SUMMARY,
    }
    return {name: con.sql(f"from ({query}) order by all").pl() for name, query in queries.items()}


def _gather(con: duckdb.DuckDBPyConnection, reach: Reach) -> None:
    """The records within reach, and whether they are all records of their customer."""
    scope = scoped_to(reach)
    con.execute(
        f"create temp table shared_records as select r.* from records r where {scope.sql}",
        scope.values or None,
    )
    con.execute(
        "create temp table shared_founders as select s.founder, s.count = c.count as is_whole "
        "from (select founder, count(*) as count from shared_records group by founder) s "
        "join (select founder, count(*) as count from crosswalk group by founder) c using (founder)"
    )
    con.execute("create temp table whole as select founder from shared_founders where is_whole")
    con.execute(
        "create temp table shared_customers as select * from customers where customer_id in "
        "(select customer_id from crosswalk semi join whole using (founder))"
    )
    con.execute(
        "create temp table shared_lineage as select customer_id, field, value, record_id, "
        "decided_by from lineage semi join shared_customers using (customer_id)"
    )
    con.execute(
        "create temp table shared_contacts as select p.customer_id, p.kind, p.value, "
        "p.verification, p.reason, p.type from contact_points p "
        "join shared_founders f using (founder) where f.is_whole or p.value in (select unnest("
        "[r.email, r.email_2, r.phone, r.phone_2]) from shared_records r "
        "where r.founder = p.founder)"
    )


def _part_of(con: duckdb.DuckDBPyConnection, rulebook: Rulebook) -> None:
    """Add the customers of whom some records are out of reach, worked out from the others alone.

    But a refusal of consent holds, whoever's record says it.
    """
    records = con.sql(
        "select r.* from shared_records r join shared_founders f using (founder) "
        "where not f.is_whole"
    ).pl()
    if records.is_empty():
        return
    lineage = _survivors(records, rulebook)
    fields = rulebook.survivorship.names()
    consents = [name for name in fields if name.startswith("consent_")]
    golden = con.sql(
        f"select founder, {', '.join(consents)} from golden_values semi join shared_founders "
        "using (founder)"
    ).pl()
    said = golden.unpivot(index="founder", on=consents, variable_name="field")
    denied = said.filter(~pl.col("value"))
    lineage = pl.concat(
        [
            lineage.join(denied, on=["founder", "field"], how="anti"),
            denied.join(records.select("founder").unique(), on="founder", how="semi").select(
                "founder", "field", value=pl.lit("false"), record_number=pl.lit(None, pl.Int64),
                decided_by=pl.lit("refused"),
            ),
        ]
    )  # fmt: skip
    wide = lineage.pivot("field", index="founder", values="value")
    missing = [pl.lit(None, pl.String).alias(name) for name in fields if name not in wide.columns]
    wide = wide.with_columns(missing)
    wide = wide.filter(publishable(wide.columns))
    facts = records.group_by("founder").agg(
        pl.col("customer_id").first(),
        record_count=pl.len(),
        source_count=pl.col("source").n_unique(),
        first_seen_at=pl.col("received_at").min(),
        changed_at=pl.col("received_at").max(),
    )
    con.register("part", wide.join(facts, on="founder").to_arrow())
    con.execute("insert into shared_customers by name select * exclude (founder) from part")
    con.register("said", lineage.join(wide, on="founder", how="semi").to_arrow())
    con.execute(
        "insert into shared_lineage select r.customer_id, s.field, s.value, c.record_id, "
        "s.decided_by from said s left join crosswalk c using (record_number) join "
        "(select distinct founder, customer_id from shared_records) r on r.founder = s.founder"
    )


def _survivors(records: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """The golden values of these records: founder, field, value, record_number, decided_by."""
    rules = rulebook.survivorship
    names = [*rules.names(), *(also for rule in rules.fields.values() for also in rule.also)]
    trust = {source: feed.trust for source, feed in rulebook.feeds.items()}
    frame = records.select(
        pl.col("founder").alias("group"),
        "record_number",
        pl.col("source").replace_strict(trust, default=0, return_dtype=pl.Int64).alias("trust"),
        pl.coalesce("updated_at", "received_at").alias("updated_at"),
        *(pl.col(name).cast(pl.String) for name in dict.fromkeys(names)),
    )
    found = survive(frame, rules, _NO_CHOICES).lineage
    return pl.concat(
        lineage.select(
            pl.col("group").alias("founder"),
            pl.lit(field).alias("field"),
            "value",
            "record_number",
            pl.col("decided_by").cast(pl.String),
        )
        for field, lineage in found.items()
    )


_COUNTS = ("customers", "with_email", "with_phone", "may_be_mailed")


def _told(name: str) -> str:
    """A count that neither is small nor leaves a small rest."""
    rest = f"customers - {name} between 1 and {LEAST - 1}"
    return f"case when {name} >= {LEAST} and not {rest} then {name} end as {name}"


_SUMMARY = f"""
    with people as (
        select r.source, r.campaign, c.customer_id, c.email is not null as has_email,
            c.phone is not null as has_phone, coalesce(c.consent_email, false) as may_mail
        from shared_records r join shared_customers c using (customer_id)),
    counted as (
        select source, campaign, count(distinct customer_id) as customers,
            count(distinct customer_id) filter (has_email) as with_email,
            count(distinct customer_id) filter (has_phone) as with_phone,
            count(distinct customer_id) filter (may_mail) as may_be_mailed
        from people group by all)
    select source, campaign, {", ".join(map(_told, _COUNTS))},
        customers < {LEAST} as is_suppressed
    from counted"""
