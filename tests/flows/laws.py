"""What must hold after every night, whatever came in: each law as a question to the tables."""

import duckdb
import polars as pl

from rules.survivorship import Survivorship
from store.decisions import open_decisions
from store.rulebook import read_rule
from tests.flows.builders import Company
from transforms.resolve import Resolved, state_of

KINDS = ("new", "changed", "unchanged", "deleted", "quarantined")


def counts_add_up(company: Company) -> None:
    """Law 1: every physical row that was taken in is exactly one of the kinds of rows."""
    deliveries = company.ask("from deliveries")
    taken = deliveries.filter(state="taken_in")
    whole = deliveries.filter(pl.col("state") != "taken_in")
    total = pl.sum_horizontal(f"{kind}_count" for kind in KINDS)

    assert taken.filter(total != pl.col("row_count")).is_empty()
    assert whole.filter(pl.col("reason").is_null()).is_empty()
    for number, row_count in taken.select("delivery_number", "row_count").iter_rows():
        assert row_count == _physical_rows(company, number)


def names_stay(company: Company, before: pl.DataFrame) -> None:
    """Law 4: nobody who did not change is renamed, and a name that ended leads on.

    before: what `crosswalk` gave the night before. A customer that only became one because others
    left, to which nothing came, is not held to lead on: nothing in the deliveries tells the night
    of it.
    """
    now = crosswalk(company)
    known = dict(before.unique("members").select("members", "founder").iter_rows())
    for members, founder in now.select("members", "founder").iter_rows():
        assert known.get(members, founder) == founder

    with _warehouse(company) as con:
        new = con.sql("select record_number as number from change.records").pl()
    grown = now.join(new, on="number", how="semi")["customer_id"]
    gone = before.filter("is_customer", pl.col("number") == pl.col("founder")).join(
        now.filter("is_customer"), on="customer_id", how="anti"
    )
    moved = gone.join(now, on="record_id", suffix="_now").filter(
        "is_customer_now", pl.col("customer_id_now").is_in(grown.implode())
    )
    leads = dict(company.ask("select old_customer_id, customer_id from redirects").iter_rows())
    for old, new in moved.select("customer_id", "customer_id_now").iter_rows():
        assert leads.get(old) == new


def decisions_rule(company: Company) -> None:
    """Law 5: cannot-links never share a customer; must-links are apart only if contradicted."""
    said = decided(company)
    home = dict(company.ask("select record_id, customer_id from crosswalk").iter_rows())
    for one, other in said.cannot_links.select("record_a", "record_b").iter_rows():
        assert one not in home or other not in home or home[one] != home[other]
    if said.contradictions.is_empty():
        for one, other in said.must_links.select("record_a", "record_b").iter_rows():
            assert one not in home or other not in home or home[one] == home[other]


def values_have_sources(company: Company) -> None:
    """Law 6: each golden value has one lineage row, whose record says that value now."""
    rules = read_rule(company.settings.rules / "survivorship.toml", Survivorship)
    customers = company.ask("from customers")
    lineage = company.file("lineage")
    for name in rules.names():
        golden = customers.select("customer_id", value=pl.col(name).cast(pl.String)).drop_nulls()
        told = lineage.filter(pl.col("field") == name).select("customer_id", "value")
        assert sorted(golden.rows()) == sorted(told.rows())

    said = _values_of_records(company, rules)
    home = dict(company.ask("select record_id, customer_id from crosswalk").iter_rows())
    for row in lineage.filter(pl.col("decided_by") != "steward").iter_rows(named=True):
        assert home[row["record_id"]] == row["customer_id"]
        assert row["value"] in said[row["record_id"], row["field"]]


def stewards_are_obeyed(company: Company) -> None:
    """Law 5: what a steward chose for a customer is its value."""
    chosen = decided(company).values
    home = crosswalk(company).filter("is_customer")
    ranked = chosen.join(home, left_on="anchor", right_on="record_id").sort("decision_id")
    newest = ranked.unique(["customer_id", "field"], keep="last")
    rules = read_rule(company.settings.rules / "survivorship.toml", Survivorship)
    lineage = company.file("lineage").select("customer_id", "field", "value")
    for name in rules.names():
        wanted = newest.filter(pl.col("field") == name).select("customer_id", "field", "value")
        assert wanted.join(lineage, on=["customer_id", "field", "value"], how="anti").is_empty()


def crosswalk(company: Company) -> pl.DataFrame:
    """record_id, customer_id, the record's number and its founder's, whether it is published,
    and the numbers of all records in its cluster, withdrawn ones too.
    """
    found = company.ask(
        """
        select record_id, x.customer_id, record_number as number, founder,
            c.customer_id is not null as is_customer
        from crosswalk x left join customers c using (customer_id) order by record_id"""
    )
    with _warehouse(company) as con:
        whole = con.sql(
            "select founder, string_agg(record_number, ' ' order by record_number) as members "
            "from cluster.crosswalk group by founder"
        ).pl()
    return found.join(whole, on="founder", how="left")


def decided(company: Company) -> Resolved:
    """What the decisions say that the last run obeyed."""
    with open_decisions(company.settings.log_url) as log, _warehouse(company) as con:
        last = con.sql("select max(last_decision) from ledger.runs").fetchall()[0][0]
        return state_of(log.read().filter(pl.col("decision_id") <= last))


def _physical_rows(company: Company, number: int) -> int:
    text = (company.settings.raw / f"{number:06d}" / "payload").read_text("utf-8")
    return len(text.splitlines()) - 1


def _values_of_records(company: Company, rules: Survivorship) -> dict[tuple[str, str], set[str]]:
    """What the current version of each record says of each golden field."""
    also = {name: (name, *rule.also) for name, rule in rules.fields.items() if not rule.group}
    with _warehouse(company) as con:
        records = con.sql(
            """
            select r.source || ':' || r.source_key as record_id, s.*
            from valid.records v join std.records s on s.arrival = v.arrival
            join ingest.records r on r.record_number = v.record_number"""
        ).pl()
    return {
        (row["record_id"], name): {
            str(row[column]) for column in also.get(name, (name,)) if row.get(column) is not None
        }
        for row in records.iter_rows(named=True)
        for name in rules.names()
    }


def _warehouse(company: Company) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(company.settings.warehouse), read_only=True)
