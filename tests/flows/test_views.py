"""What analysts ask for most is answered by views, which the docs show as they are."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from store.golden import open_any_golden, open_beside
from store.rulebook import read_rulebook
from store.schema import VERIFIED_SHARES, WAREHOUSE
from store.snapshot import open_snapshot
from store.warehouse import Warehouse
from tests.flows.builders import Company, found, night_time, person

PAGE = Path(__file__).parents[2] / "docs" / "analysts.md"
CONTRACTS = PAGE.parents[1] / "store" / "contracts"
QUESTIONS = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), flags=re.S)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Two nights: Ann moves her mailbox and says no, Bert has only a phone."""
    company = found(tmp_path_factory.mktemp("views"))
    ann = {"id": "1", "op": "upsert", "changed": "2026-01-01", "news": "yes", "born": "1970-05-01"}
    bert = person(
        "Bert", "Archer", id="2", op="upsert", changed="2026-01-01", phone="020 7946 0999"
    )
    company.drop("partner", [{**ann, **person("Ann", "Miller", email="ann@a.org")}, bert])
    company.night(1)
    later = {"email": "ann@new.org", "changed": "2026-03-02", "news": "no"}
    company.drop("partner", [{**ann, **person("Ann", "Miller"), **later}])
    company.night(2)
    return company


def test_every_question_of_the_page_is_answered(company: Company) -> None:
    assert len(QUESTIONS) >= 8
    for question in QUESTIONS:
        assert company.ask(question).width > 0


def test_who_said_yes_may_be_reached_and_who_took_it_back_may_not(company: Company) -> None:
    with open_snapshot(company.settings, "R0001") as con:
        before = con.sql("select channel, value from contactable").fetchall()

    assert before == [("email", "ann@a.org")]
    assert company.ask("from contactable").is_empty()


def test_customers_are_told_as_of_a_moment(company: Company) -> None:
    with open_snapshot(company.settings) as con:
        query = "select first_name, email from customers_as_of(?) order by first_name"
        nobody = con.sql(query, params=[datetime(2020, 1, 1, tzinfo=UTC)]).fetchall()
        first = con.sql(query, params=[night_time(1)]).fetchall()
        now = con.sql(query, params=[night_time(2)]).fetchall()

    assert nobody == []
    assert first == [("Ann", "ann@a.org"), ("Bert", None)]
    assert now == [("Ann", "ann@new.org"), ("Bert", None)]


def test_quality_is_the_mean_of_its_parts(company: Company) -> None:
    rows = company.ask("from customer_quality")

    parts = pl.mean_horizontal("completeness", "verified", "agreement", "freshness")
    assert rows.select((parts - pl.col("quality")).abs().max()).item() <= 0.001
    assert rows.filter(pl.col("quality").is_between(0, 1)).height == 2


def test_the_share_of_verified_contact_points_is_that_of_the_points_after_each_night(
    company: Company,
) -> None:
    for run_id in ("R0001", "R0002"):
        with open_snapshot(company.settings, run_id) as con:
            kept = con.sql("select founder, verified from verified_shares order by founder")
            shares = con.sql(VERIFIED_SHARES.format(which="") + " order by founder").fetchall()

            assert kept.fetchall() == shares
            assert len(shares) == 2


def test_golden_tables_that_lack_the_shares_get_them(company: Company, tmp_path: Path) -> None:
    path = tmp_path / "golden.duckdb"
    path.write_bytes(company.settings.golden.read_bytes())
    rules = read_rulebook(company.settings.rules).survivorship
    with open_any_golden(path, company.settings, rules) as golden:
        golden.execute("drop table verified_shares")
        golden.execute("create table points as select distinct founder from contact_values")
    with (
        Warehouse(tmp_path / "w.duckdb", company.settings, WAREHOUSE, compress=False) as warehouse,
        open_beside(warehouse, path, rules) as golden,
    ):
        found = golden.read("select count(*) from verified_shares join points using (founder)")

    assert found.item() == 2


def test_the_golden_tables_are_filled_in_utc_wherever_that_is_done(
    company: Company, tmp_path: Path
) -> None:
    path = tmp_path / "golden.duckdb"
    path.write_bytes(company.settings.golden.read_bytes())
    rules = read_rulebook(company.settings.rules).survivorship
    with (
        Warehouse(tmp_path / "w.duckdb", company.settings, WAREHOUSE, compress=False) as warehouse,
        warehouse.session() as stage,
        open_beside(stage, path, rules) as golden,
    ):
        zones = golden.con.sql("select current_setting('TimeZone')").fetchall()

    assert zones == [("UTC",)]


def test_a_customer_is_seen_from_all_sides_in_one_row(company: Company) -> None:
    rows = company.ask("select first_name, sources, is_active, phone_count from customer_360")

    assert sorted(rows.rows()) == [("Ann", ["partner"], True, 0), ("Bert", ["partner"], True, 1)]


def test_the_snapshot_says_what_its_columns_mean(company: Company) -> None:
    words = company.ask(
        "select comment from duckdb_columns() where table_name = 'crosswalk' "
        "and column_name = 'record_id'"
    ).item()
    metadata = pq.read_metadata(
        company.settings.published / "current" / "crosswalk.parquet"
    ).metadata

    assert words == "`source:source_key`"
    assert b"touchstone.columns" in metadata
    assert metadata[b"touchstone.contract"].decode() == company.ask("from contract").item()


def test_every_view_and_each_of_its_columns_is_explained_in_the_snapshot(company: Company) -> None:
    views = (
        "select view_name from duckdb_views() where not internal and view_name <> 'golden_values'"
    )
    silent = company.ask(
        f"""
        select table_name, column_name from duckdb_columns()
        where table_name in ({views}) and comment is null
            and column_name not in ('founder', 'record_number')
        union all select view_name, '' from duckdb_views()
        where view_name in ({views}) and comment is null"""
    )
    made_by_the_model = silent["column_name"].str.contains("^(w|level)_")

    assert silent.filter(~made_by_the_model).is_empty()


def test_channels_are_told_by_what_came_of_their_records(company: Company) -> None:
    rows = company.ask("from channel_effectiveness").row(0, named=True)

    assert {name: rows[name] for name in ("source", "records", "new_customers", "duplicates")} == {
        "source": "partner",
        "records": 2,
        "new_customers": 2,
        "duplicates": 0,
    }
    assert rows["may_be_mailed"] == 0  # Ann took her yes back
    assert company.ask("select sum(records) from data_decay").item() == 2
    assert company.ask("select coalesce(sum(open_items), 0) from steward_workload").item() == (
        company.ask("select count(*) from review_items").item()
    )


def test_a_source_knows_its_customers_and_some_of_them_alone(company: Company) -> None:
    plain = company.ask(
        "select source, count(distinct customer_id) as customers, "
        "count(distinct customer_id) filter (c.source_count = 1) as alone "
        "from crosswalk join customers c using (customer_id) group by source order by source"
    )

    assert company.ask("from source_reach order by source").rows() == plain.rows()
    assert plain["alone"].sum() > 0


def test_a_night_makes_the_views_of_its_version(company: Company, tmp_path: Path) -> None:
    older = company.anew(tmp_path / "older")
    older.rebuild(2)
    with duckdb.connect(str(older.settings.golden)) as con:
        con.execute("drop view source_reach; drop view contract")
        con.execute("create view contract as select '1.0.0' as version")

    older.night(3)

    assert older.ask("from contract").item() == company.ask("from contract").item()
    assert older.ask("from source_reach").rows() == company.ask("from source_reach").rows()


def test_nothing_that_the_contract_promises_has_gone(company: Company) -> None:
    """Who takes a column away raises the first number, adds its file and says so in CHANGELOG."""
    major = company.ask("from contract").item().partition(".")[0]
    promised = tomllib.loads((CONTRACTS / f"{major}.toml").read_text("utf-8"))
    log = (PAGE.parents[1] / "CHANGELOG.md").read_text("utf-8")

    for table, columns in promised.items():
        there = dict(company.ask(f"describe {table}").select("column_name", "column_type").rows())
        assert columns.items() <= there.items(), table
    assert major == "1" or f"Contract {major}.0.0" in log
    assert {path.stem for path in CONTRACTS.glob("*.toml")} == set(
        map(str, range(1, int(major) + 1))
    )
