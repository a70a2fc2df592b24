"""A night measures how far matching has drifted, and warns by name past a limit."""

import json
import re

import polars as pl
import pytest

from flows.cli import main
from flows.drift import MEASURES, read_drift
from flows.summary import summarise, summary_of
from rules.matching import Drift
from store.rulebook import read_rulebook
from store.snapshot import open_snapshot
from tests.flows.builders import Company, found, person

ANN = person("Ann", "Ashworth", email="ann@example.com", born="1979-06-14", city="Leeds")
BEN = person("Ben", "Carter", email="ben@example.com", phone="020 7946 0456", born="1990-01-02")


def limit(company: Company, name: str, value: str) -> None:
    path = company.settings.rules / "matching.toml"
    text, changed = re.subn(rf"(?m)^{name} *= [\d.]+", f"{name} = {value}", path.read_text("utf-8"))
    assert changed == 1
    path.write_text(text, "utf-8")


def measured(company: Company, run_id: str) -> pl.DataFrame:
    names = ", ".join(f"'{name}'" for name in MEASURES)
    return company.ask(f"from metrics where run_id = '{run_id}' and measure in ({names})")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = found(tmp_path_factory.mktemp("company"))
    limit(company, "least_records", "2")
    company.drop("members", [{"no": "1", **ANN}, {"no": "2", **BEN}])
    company.drop("partner", [{"op": "upsert", "id": "p1", **ANN}])
    company.night(1)
    return company


def test_every_measure_has_a_limit() -> None:
    assert set(MEASURES) | {"least_records"} == set(Drift.model_fields)


def test_a_night_publishes_its_drift(company: Company) -> None:
    found = dict(measured(company, "R0001").select("measure", "value").iter_rows())

    assert found["largest_customer"] == 2
    assert found["review_share"] == 0
    assert 0 < found["growth"] < 0.01
    assert found["smallness"] == pytest.approx(1 / found["growth"])


def test_a_file_much_smaller_than_the_models_is_told_of(company: Company) -> None:
    with open_snapshot(company.settings) as con:
        told = read_drift(con, read_rulebook(company.settings.rules))

    assert any(warning.startswith("smallness: the prior of the model") for warning in told)


def test_a_model_that_saw_none_of_the_records_is_to_be_refreshed(company: Company) -> None:
    limit(company, "unseen", "2")
    with open_snapshot(company.settings) as con:
        told = read_drift(con, read_rulebook(company.settings.rules))
    limit(company, "unseen", "10000")

    assert [warning for warning in told if "has not seen these 3 records" in warning]


def test_a_night_in_which_nothing_changed_measures_nothing(company: Company) -> None:
    night = company.night(2)

    assert measured(company, night.run.run_id).is_empty()


def test_a_run_past_a_limit_warns_by_name_and_so_does_the_doctor(company: Company, capsys) -> None:
    limit(company, "growth", "1.00001")
    model = max((company.settings.rules / "weights").iterdir()) / "manifest.toml"
    text = re.sub(r"record_count = \d+", "record_count = 2", model.read_text("utf-8"))
    model.write_text(text, "utf-8")
    company.drop("members", [{"no": n, **who} for n, who in (("1", ANN), ("2", BEN), ("3", BEN))])

    told = summarise(summary_of(company.night(3)))
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    code = main(["doctor", "--json", *places])

    assert "Drift       growth: there are 2.0 times the records" in told
    assert "`touchstone train --refresh` (the limit is 1.00001)" in told
    checks = {check["about"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert code == 1
    assert checks["drift"]["says"].startswith("growth: ")
