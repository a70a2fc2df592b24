"""The audit scores stored pairs again: what is not as the records say is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from store.exposition import expose
from store.schema import WAREHOUSE
from store.warehouse import Warehouse
from tests.flows.builders import Company, found, night_time, person

ANN = person("Margaret", "Miller", email="margaret@millers.org", born="1980-05-04", city="Leeds")
PEG = person("Peggy", "Miller", email="peggy@mail.org", born="1980-05-04", city="Leeds")
TOM = person("Thomas", "Miller", email="tom@mail.org", born="1985-03-03", city="Leeds")
AUDITED = night_time(3).isoformat()


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """One person twice, and others who share a name with her."""
    company = found(tmp_path_factory.mktemp("pristine"))
    members = [{"no": "1", **ANN}, {"no": "2", **PEG}, {"no": "3", **TOM}]
    company.drop("members", members, name="1")
    company.drop("forms", [ANN], name="1")
    company.night(1)
    return company


@pytest.fixture
def company(pristine: Company, tmp_path: Path) -> Company:
    return pristine.twin(tmp_path / "company")


def audited(company: Company, *more: str) -> tuple[int, dict[str, Any]]:
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    code = main(["audit", *places, "--now", AUDITED, "--check", "--json", *more])
    newest = max((company.settings.data / "audits").glob("audit-*.json"))
    told: dict[str, Any] = json.loads(newest.read_text("utf-8"))["rescored"]
    return code, told


def opened(company: Company) -> Warehouse:
    return Warehouse(company.settings.warehouse, company.settings, WAREHOUSE, compress=False)


def change(company: Company, sql: str) -> None:
    with opened(company) as warehouse:
        warehouse.execute(sql)


def pairs_of(company: Company) -> int:
    with opened(company) as warehouse:
        return int(warehouse.one("select count(*) from match.pairs"))


def test_pairs_come_out_as_they_are_stored(company: Company) -> None:
    code, told = audited(company)

    assert code == 0
    assert told["differing"] == 0
    assert sum(told["pairs"].values()) == pairs_of(company) > 2
    assert told["pairs"]["link"] > 0
    assert "touchstone_audit_differing_pairs 0.0" in expose(company.settings)


def test_one_damaged_weight_is_found_and_told(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    change(
        company,
        "update match.pairs set evidence = evidence - 40, w_email = w_email - 40 "
        "where evidence = (select max(evidence) from match.pairs)",
    )

    code, told = audited(company)

    assert code == 1
    assert (told["differing"], told["moved"], len(told["examples"])) == (1, 1, 1)
    assert told["largest"] == pytest.approx(40, abs=0.01)
    assert "1 of" in (said := capsys.readouterr().err)
    assert "touchstone rebuild" in said


def test_a_rebuild_mends_it(company: Company) -> None:
    change(company, "update match.pairs set level_email = 1 - level_email, w_email = -w_email")
    assert audited(company)[0] == 1

    company.rebuild(2)

    assert audited(company)[0] == 0


def test_a_limit_says_how_many_may_differ_and_how_many_are_looked_at(company: Company) -> None:
    change(company, "update match.pairs set evidence = evidence + 1")
    file = company.settings.rules / "gates.toml"
    text = file.read_text("utf-8").replace("rescored_differing = 0 ", "rescored_differing = 9 ")
    file.write_text(text.replace("rescored_pairs     = 500", "rescored_pairs = 1"), "utf-8")

    code, told = audited(company)

    assert code == 0
    assert told["differing"] == sum(told["pairs"].values()) == len(told["pairs"])


def test_a_pair_of_a_record_that_is_gone_differs(company: Company) -> None:
    change(
        company,
        "delete from valid.records where record_number = (select max(record_b) from match.pairs)",
    )

    assert audited(company)[1]["differing"] > 0


def test_after_a_change_of_rules_the_next_run_scores_and_not_the_audit(company: Company) -> None:
    file = company.settings.rules / "matching.toml"
    text = file.read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("evidence_floor")]
    (floor,) = lines
    file.write_text(text.replace(floor, "evidence_floor = -9.0"), "utf-8")

    code, told = audited(company)

    assert code == 0
    assert told["pairs"] == {}
    assert "the next run scores every pair anew" in told["skipped"]
