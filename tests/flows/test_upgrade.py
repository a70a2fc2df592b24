"""What the first release wrote is read by this one: its tables, decisions, snapshot and deliveries.

`first_release.tar.xz` is a data folder as the first release left it after two nights and two
decisions. It is never made anew: from the version on in which the tables change, these tests
are what says that nobody has to do anything about it.
"""

import shutil
import tarfile
from pathlib import Path

import duckdb
import pytest

from flows.erasing.erase import Asked, erase
from flows.line import STAGES
from store.decisions import open_decisions
from store.errors import TouchstoneError
from store.snapshot import current_run, open_snapshot
from store.warehouse import FORMAT
from tests.flows.builders import Company, differences, found, night_time, person, quiet

WRITTEN = Path(__file__).parent / "first_release.tar.xz"
LATER = person("Robert", "Miller", email="robert@millers.org", city="Leeds")


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A company whose data folder is the first release's, and whose rules are of today."""
    company = found(tmp_path / "company")
    shutil.rmtree(company.settings.data)
    with tarfile.open(WRITTEN) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # not in all of 3.11
        archive.extractall(company.folder)
    return company


def ids(company: Company) -> dict[str, str]:
    """The customers by the records that they stand on, but for keys that are digests."""
    rows = company.ask("select record_id, customer_id from crosswalk where source <> 'forms'")
    return dict(rows.iter_rows())


def make_older(company: Company) -> None:
    """Let the tables be those of a version before: another format, a column less and one more."""
    for path in (company.settings.warehouse, company.settings.golden):
        with duckdb.connect(str(path)) as con:
            con.execute(f"update format set version = {FORMAT - 1}")
    with duckdb.connect(str(company.settings.warehouse)) as con:
        con.execute("alter table ledger.steps drop column peak_mb")
        con.execute("alter table ledger.runs add column colour varchar")


@pytest.mark.parametrize("is_older", [False, True])
def test_a_night_on_what_the_first_release_wrote_makes_what_a_rebuild_makes(
    company: Company, tmp_path: Path, *, is_older: bool
) -> None:
    before = ids(company)
    if is_older:
        make_older(company)
    company.drop("partner", [{"op": "upsert", "id": "P9", **LATER}], name="later")

    night = company.night(3)

    anew = company.anew(tmp_path / "anew")
    anew.rebuild(3)
    assert differences(company.tables(), anew.tables()) == {}
    apart = before | {"members:M2": "C3-3"}  # it was decided to be somebody else
    assert {record: ids(company)[record] for record in before} == apart
    assert company.ask("select city from customers where last_name = 'Baker'").item() == "Bath"
    assert company.ask("select run_id from runs order by 1")["run_id"].to_list() == [
        "R0001", "R0002", "R0003",
    ]  # fmt: skip
    assert night.run.is_rebuild or not is_older


def test_the_tables_of_an_earlier_version_are_kept_until_the_next_run_has_ended(
    company: Company,
) -> None:
    make_older(company)
    settings = company.settings

    company.night(3)
    kept = sorted(path.name for path in settings.before.iterdir())
    company.night(4)

    assert kept == ["golden.duckdb", "warehouse.duckdb"]
    assert not settings.before.exists()
    assert company.ask("select count(*) from runs").item() == 4


def test_nobody_who_is_erased_stays_in_what_is_kept_of_before(company: Company) -> None:
    make_older(company)
    company.night(3)

    erase(company.settings, Asked(["partner:P0"], False, "dpo"), night_time(3), quiet)

    assert not company.settings.before.exists()


def test_a_run_that_makes_older_tables_anew_and_is_cut_short_is_finished_by_the_next(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_older(company)

    def fail(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setitem(STAGES, "review", fail)
    with pytest.raises(InterruptedError):
        company.night(3)
    monkeypatch.undo()

    night = company.night(4)

    assert night.resumed
    assert (night.run.run_id, current_run(company.settings)) == ("R0003", "R0003")


def test_what_a_newer_version_wrote_is_refused_and_left_alone(company: Company) -> None:
    with duckdb.connect(str(company.settings.warehouse)) as con:
        con.execute(f"update format set version = {FORMAT + 1}")
    content = company.settings.warehouse.read_bytes()

    for run in (company.night, company.rebuild):
        with pytest.raises(TouchstoneError, match=r"newer version .* upgrade this program"):
            run(3)

    assert company.settings.warehouse.read_bytes() == content


def test_the_snapshot_and_the_decisions_of_the_first_release_are_read_as_they_are(
    company: Company,
) -> None:
    with open_snapshot(company.settings) as con:
        assert con.sql("select count(*) from customers").fetchall() == [(3,)]
    with open_decisions(company.settings.log_url) as log:
        assert log.read()["kind"].to_list() == ["value", "different"]
