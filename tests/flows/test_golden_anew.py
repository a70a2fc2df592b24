"""The golden tables can be lost, older, or asked for other fields, and nothing of them is lost."""

from pathlib import Path

import duckdb
import pytest

from tests.flows.builders import Company, found, person

TWICE = person("Margaret", "Miller", email="margaret@millers.org", born="1980-02-01")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = found(tmp_path_factory.mktemp("pristine"))
    company.drop("partner", [{"op": "upsert", "id": "1", **TWICE}], name="1")
    company.night(1)
    company.drop("members", [{"no": "7", **TWICE}], name="2")
    company.night(2)
    return company


@pytest.fixture
def company(pristine: Company, tmp_path: Path) -> Company:
    return pristine.twin(tmp_path)


def test_golden_tables_that_are_lost_are_made_anew_by_the_next_night(company: Company) -> None:
    before = company.tables()

    company.settings.golden.unlink()
    company.night(3)

    assert before["pairs"].height == 1
    assert {name: frame.rows() for name, frame in company.tables().items()} == {
        name: frame.rows() for name, frame in before.items()
    }


def test_other_golden_fields_make_the_tables_anew_and_keep_the_log_of_runs(
    company: Company,
) -> None:
    pairs = company.tables()["pairs"].rows()
    file = company.settings.rules / "survivorship.toml"
    text = file.read_text(encoding="utf-8")
    start = text.index("[fields.gender]")
    file.write_text(text[:start] + text[text.index("[fields", start + 1) :], encoding="utf-8")

    company.night(3)

    assert company.ask("select run_id from runs order by run_id").rows() == [
        ("R0001",),
        ("R0002",),
        ("R0003",),
    ]
    assert company.ask("select count(*) from changes where run_id < 'R0003'").rows() == [(1,)]
    assert "gender" not in company.ask("select * from customers").columns
    assert company.tables()["pairs"].rows() == pairs


def test_an_older_layout_is_made_anew_by_the_next_night_with_its_log_of_runs(
    company: Company,
) -> None:
    before = {name: frame.rows() for name, frame in company.tables().items()}
    with duckdb.connect(str(company.settings.golden)) as con:
        con.execute("create table older as select * from golden_values")
        for view in ("customers", "lineage", "history", "records", "golden_values"):
            con.execute(f"drop view {view}")
        con.execute("drop table plain_values")
        con.execute("alter table older rename to golden_values")

    night = company.night(3)

    assert night.run.is_rebuild

    assert {name: frame.rows() for name, frame in company.tables().items()} == before
    runs = company.ask("select run_id from runs order by run_id").to_series().to_list()
    assert runs[:2] == ["R0001", "R0002"]
