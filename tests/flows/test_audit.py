"""The audit measures each source, and what is past its days goes, and is gone in a rebuild too."""

import os
from pathlib import Path

import pytest

from flows.announcing import announce_to_folder
from flows.audit import audit
from rules.retention import Retention
from store.changes import ForgottenError
from store.erasures import Erasures
from store.run_figures import reports
from store.schema import WAREHOUSE
from store.snapshot import current_run, kept_runs, lead_back
from store.warehouse import Warehouse
from tests.flows import laws
from tests.flows.builders import Company, differences, found, night_time, person, quiet
from tests.flows.searching import places_of

JANE = person("Jane", "Quillfeather", email="jane@quillfeather.net", news="yes", city="Truro")
BOB = person("Robert", "Miller", email="robert@millers.org", phone="07911 123402", city="Leeds")
TOM = person("Tom", "Baker", email="tom.baker@mail.org", born="1985-03-03", city="York")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Jane was taken back by the partner, Tom stands in a form alone, Bob is sent by both."""
    company = found(tmp_path_factory.mktemp("pristine"))
    partner = [{"op": "upsert", "id": "P1", **JANE}, {"op": "upsert", "id": "P2", **BOB}]
    company.drop("partner", partner, name="1")
    company.drop("forms", [TOM, BOB, "jane@quillfeather.net,too few"], name="1")
    company.drop_file("members/odd.csv", f"what is this\n{JANE['email']}\n")
    company.night(1)
    company.drop("partner", [{"op": "delete", "id": "P1", **JANE}], name="2")
    company.night(2)
    return company


@pytest.fixture
def company(pristine: Company, tmp_path: Path) -> Company:
    return pristine.twin(tmp_path / "company")


def keep_for(company: Company, text: str) -> None:
    (company.settings.rules / "retention.toml").write_text(text, "utf-8")


def audited(company: Company, night: int, *, remove: bool = True) -> dict[str, int]:
    told = audit(company.settings, night_time(night), quiet, remove=remove)
    counts: dict[str, int] = told["removed" if remove else "due"]
    return counts


def test_what_is_past_its_days_is_in_no_file_any_more_and_a_rebuild_is_the_same(
    company: Company, tmp_path: Path
) -> None:
    keep_for(company, "[all_sources]\nwithdrawn = 30\nquarantine = 30\nheld = 30\n")

    counts = audited(company, 40)

    assert counts == {"records": 1, "rows": 1, "deliveries": 1}
    assert places_of(company.settings.data, ["quillfeather"]) == {"quillfeather": []}
    assert company.ask("select count(*) from customers").item() == 2
    anew = company.anew(tmp_path / "anew")
    anew.rebuild(40)
    assert differences(company.tables(), anew.tables()) == {}
    laws.values_have_sources(company)


def test_what_is_within_its_days_stays_and_an_audit_again_finds_nothing(company: Company) -> None:
    keep_for(company, "[all_sources]\nwithdrawn = 30\n[sources.forms]\nsilent = 20\n")
    assert audited(company, 10) == {"records": 0, "rows": 0, "deliveries": 0}

    first, again = audited(company, 25), audited(company, 26)

    assert first["records"] == 2
    assert again == {"records": 0, "rows": 0, "deliveries": 0}
    assert company.ask("select record_id from crosswalk")["record_id"].to_list() == ["partner:P2"]


def test_looking_removes_nothing(company: Company) -> None:
    keep_for(company, "[all_sources]\nwithdrawn = 30\n")

    counts = audited(company, 40, remove=False)

    assert counts["records"] == 1
    assert Erasures(company.settings.raw).all() == []


def test_who_went_by_retention_comes_back_with_the_next_delivery(company: Company) -> None:
    keep_for(company, "[all_sources]\nwithdrawn = 30\n")
    audited(company, 40)
    company.drop("partner", [{"op": "upsert", "id": "P1", **JANE}], name="3")

    company.night(41)

    names = company.ask("select last_name from customers order by 1")["last_name"].to_list()
    assert names == ["Baker", "Miller", "Quillfeather"]


def test_each_source_has_its_measures(company: Company) -> None:
    keep_for(company, "")

    told = audit(company.settings, night_time(3), quiet, remove=True)

    forms = next(one for one in told["sources"] if one["source"] == "forms")
    assert forms["records"] == 2
    assert forms["validity"] == pytest.approx(2 / 3, abs=1e-4)
    assert forms["uniqueness"] == 1
    assert forms["consistency"] == 1
    assert 0 < forms["completeness"] <= 1
    assert told["found"]["orphans"] == 0
    assert told["found"]["consent_without_evidence"] == 0
    assert told["found"]["unverified_contacts"] > 0
    assert list((company.settings.data / "audits").glob("audit-*.json"))


def test_what_runs_leave_behind_goes_by_its_age_and_what_readers_see_stays(
    company: Company,
) -> None:
    keep_for(company, "")
    settings = company.settings
    log = settings.data / "run-now.log"
    log.write_text("reading deliveries", "utf-8")
    os.utime(log, (0, 0))
    audited(company, 3)
    company.night(60)
    keep_for(company, "snapshots = 30\nreports = 30\nmetrics = 30\naudits = 30\nlogs = 30\n")
    told = "select distinct run_id from metrics order by all"

    due = audit(settings, night_time(60), quiet, remove=False)["aged"]
    assert kept_runs(settings) == ["R0001", "R0002", "R0003"]
    gone = audit(settings, night_time(60), quiet, remove=True)["aged"]

    assert {kind: count for kind, count in due.items() if count} == {
        "snapshots": 2, "reports": 2, "audits": 1, "logs": 1, "measured": 2
    }  # fmt: skip
    assert due == gone
    assert kept_runs(settings) == list(reports(settings)) == ["R0003"]
    assert not log.exists()
    company.night(61)
    assert company.ask(told)["run_id"].to_list() == ["R0003", "R0004"]
    assert company.ask("select count(*) from runs").item() == 4
    company.rebuild(62)
    assert "R0001" not in company.ask(told)["run_id"].to_list()


def test_a_snapshot_that_readers_were_led_back_to_stays_however_old_it_is(
    company: Company,
) -> None:
    company.night(60)
    lead_back(company.settings, "R0001")
    keep_for(company, "snapshots = 1\nreports = 1\nmetrics = 30\n")

    audit(company.settings, night_time(90), quiet, remove=True)

    assert kept_runs(company.settings) == ["R0001", "R0003"]


def test_what_runs_did_goes_by_its_age_and_who_missed_some_of_it_is_told_so(
    company: Company, tmp_path: Path
) -> None:
    settings, told = company.settings, tmp_path / "told"
    announce_to_folder(settings, told, None)
    company.drop("partner", [{"op": "upsert", "id": "P3", **JANE}], name="3")
    company.night(3)
    late = tmp_path / "late"
    announce_to_folder(settings, late, None)
    company.drop("partner", [{"op": "upsert", "id": "P4", **person("Una", "Ash")}], name="4")
    company.night(60)
    keep_for(company, "changes = 30\nruns = 30\nmetrics = 30\n")

    gone = audit(settings, night_time(60), quiet, remove=True)["aged"]

    assert (gone["changes"], gone["runs"], gone["measured"]) == (3, 3, 3)
    company.rebuild(61)
    assert set(company.ask("from changes")["run_id"]) <= {"R0004", "R0005"}
    assert company.ask("from runs order by run_id")["run_id"].to_list() == ["R0004", "R0005"]
    announce_to_folder(settings, late, None)
    with pytest.raises(ForgottenError, match=r"up to R0003 did is not kept any more.*start anew"):
        announce_to_folder(settings, told, None)
    company.night(62)
    assert current_run(settings) == "R0006"


def test_the_ledger_of_runs_forgets_with_them_and_goes_on_counting(company: Company) -> None:
    company.night(60)
    keep_for(company, "runs = 30\n")

    audit(company.settings, night_time(60), quiet, remove=True)

    with Warehouse(company.settings.warehouse, company.settings, WAREHOUSE, False) as warehouse:
        assert warehouse.read("from ledger.runs")["run_id"].to_list() == ["R0003"]
        assert set(warehouse.read("from ledger.steps")["run_id"]) == {"R0003"}
    company.night(61)
    assert current_run(company.settings) == "R0004"


def test_runs_are_known_for_as_long_as_what_they_left() -> None:
    with pytest.raises(ValueError, match="runs must be kept as long as metrics"):
        Retention(metrics=400, runs=60)
