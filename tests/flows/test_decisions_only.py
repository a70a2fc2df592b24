"""A run that takes nothing in obeys what was decided, and what has arrived waits for the night."""

from pathlib import Path

import pytest

from flows.nightly import nightly
from tests.flows.builders import (
    Company,
    differences,
    found,
    night_time,
    person,
    quiet,
    touchstone_here,
)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A customer on two records, and one who came after the night."""
    company = found(tmp_path_factory.mktemp("pristine"))
    company.drop(
        "forms",
        [
            person("Ann", "Miller", email="ann@post.org", phone="07400 123456", born="1980-02-01"),
            person("Ann", "Miller", email="ann@post.org", phone="07400 123456", born="1980-02-01"),
            person("Bert", "Stone", email="bert@stone.org", born="1971-02-03"),
        ],
    )
    company.drop("members", [{"no": "M1", **person("Ann", "Miller", email="ann@post.org",
                 phone="07400 123456", born="1980-02-01")}])  # fmt: skip
    company.night(1)
    company.drop("members", [{"no": "M2", **person("Cleo", "Late", email="cleo@late.org")}])
    return company


@pytest.fixture
def company(pristine: Company, tmp_path: Path) -> Company:
    return pristine.twin(tmp_path / "chain")


def customers(company: Company) -> int:
    return company.ask("select count(*) from customers").item()


def test_what_was_decided_is_obeyed_and_what_arrived_waits(company: Company) -> None:
    records = company.ask(
        "select record_id from crosswalk join customers using (customer_id) "
        "where last_name = 'Miller' order by record_number"
    )["record_id"]
    before = customers(company)
    company.decide("different", records=[records[0], records[-1]])

    nightly(company.settings, night_time(2), quiet, takes_in=False)

    assert customers(company) == before + 1
    assert company.ask("select 1 from customers where last_name = 'Late'").is_empty()
    assert [path.name for path in company.settings.inbox.rglob("*.csv")] != []


def test_a_chain_with_such_a_run_in_it_is_what_a_rebuild_makes(
    company: Company, tmp_path: Path
) -> None:
    records = company.ask("select record_id from crosswalk order by record_number")["record_id"]
    company.decide("same", records=[records[0], records[2]])

    nightly(company.settings, night_time(2), quiet, takes_in=False)
    company.night(3)

    anew = company.anew(tmp_path / "anew")
    anew.rebuild(4)
    assert differences(company.tables(), anew.tables()) == {}


def test_the_command_line_says_what_such_a_run_did(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    told = touchstone_here(company, capsys, "nightly", "--decisions-only")

    assert told.returncode == 0, told.stderr
    assert "no delivery and no decision since the last run" in told.stdout
