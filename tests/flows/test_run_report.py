"""The page on a run says what its tables say, costs the tables nothing, and names nobody."""

import re
from pathlib import Path

import pytest

from flows import run_report
from flows.cli import main
from flows.run_report import KEPT, read_report, steps_of
from store.files import write_private
from store.run_figures import reports
from store.snapshot import current_run
from tests.flows.builders import Company, found, person

PEOPLE = [
    person(f"Quill{n}", f"Feather{n}", email=f"quill{n}@feather{n}.net", phone=f"07911 1234{n:02}")
    for n in range(12)
]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Twelve people and a broken row; then two again and one changed; then a quiet night."""
    company = found(tmp_path_factory.mktemp("company"))
    company.drop("partner", [{"op": "upsert", "id": f"P{n}", **p} for n, p in enumerate(PEOPLE)])
    company.drop("forms", [*PEOPLE[:3], "quill@feather.net,too few"])
    company.night(1)
    moved = PEOPLE[0] | {"city": "Truro"}
    company.drop("partner", [{"op": "upsert", "id": "P0", **moved},
                             {"op": "upsert", "id": "P1", **PEOPLE[1]},
                             {"op": "delete", "id": "P2"}])  # fmt: skip
    company.night(2)
    company.night(3)
    return company


def page_of(company: Company, run_id: str) -> str:
    return (company.settings.reports / f"{run_id}.html").read_text("utf-8")


def test_every_run_leaves_a_page_by_itself_that_names_nobody(company: Company) -> None:
    assert list(reports(company.settings)) == ["R0001", "R0002", "R0003"]
    for run_id, path in reports(company.settings).items():
        page = path.read_text("utf-8")
        assert f"Run {run_id}" in page
        assert "default-src 'none'" in page
        assert not re.search(r"quill|feather|07911|\+4479|https?://|<script", page, re.IGNORECASE)
        assert path.stat().st_mode & 0o077 == 0


def test_the_rows_of_a_run_are_told_where_they_went(company: Company) -> None:
    rows, taken, valid, active = steps_of(read_report(company.settings, "R0002"))

    assert (rows.reached, taken.reached, valid.reached, active.reached) == (3, 1, 1, 1)
    assert dict(rows.leaving) == {"as before": 1, "deleted": 1, "not taken in": 0}
    first = read_report(company.settings, "R0001")
    assert dict(steps_of(first)[0].leaving)["not taken in"] == 1
    assert [(one.source, one.rows) for one in first.arrived] == [("forms", 4), ("partner", 12)]
    assert first.reasons == [("ragged_row", 1)]


def test_each_run_stands_beside_those_before_it_and_none_after(company: Company) -> None:
    second = read_report(company.settings, "R0002")

    assert [row["run_id"] for row in second.runs] == ["R0001", "R0002"]
    assert second.series("ingest", "rows") == [16, 3]
    assert all(len(series) == 2 for series in second.counts.values())


def test_what_publishing_cost_is_on_the_page_at_once_and_in_the_tables_a_run_later(
    company: Company,
) -> None:
    publishing = read_report(company.settings, "R0003").series("publish", "seconds")

    assert "told by the next run" not in page_of(company, "R0003")
    assert [seconds is not None for seconds in publishing] == [True, True, False]
    told = "select count(*) from metrics where field = 'publish' and measure = 'seconds'"
    assert company.ask(told).item() == 2


def test_a_quiet_night_says_so(company: Company) -> None:
    assert "nothing to do" in page_of(company, "R0003")
    assert "Nothing arrived." in page_of(company, "R0003")
    assert "nothing to do" not in page_of(company, "R0002")


def test_the_command_draws_a_run_again_and_names_what_it_does_not_know(
    company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    page = tmp_path / "run.html"

    assert main(["report", "R0002", *places, "--out", str(page)]) == 0
    assert "Run R0002" in page.read_text("utf-8")
    assert main(["report", *places, "--json"]) == 0
    assert '"run_id": "R0003"' in capsys.readouterr().out
    assert main(["report", "R0044", *places, "--out", str(page)]) == 1
    assert "No run is called R0044" in capsys.readouterr().err


def test_the_oldest_pages_go(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = company.twin(tmp_path / "twin")
    write_private(twin.settings.reports / "notes.txt", "ours")
    monkeypatch.setattr(run_report, "KEPT", 2)

    twin.night(4)

    assert list(reports(twin.settings)) == ["R0003", "R0004"]
    assert (twin.settings.reports / "notes.txt").exists()
    assert KEPT > 30


def test_a_page_that_cannot_be_kept_is_told_of_and_the_night_is_done(
    company: Company, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    twin = company.twin(tmp_path / "twin")
    places = ["--data", str(twin.settings.data), "--rules", str(twin.settings.rules)]
    pages = twin.settings.reports.rename(tmp_path / "pages")
    twin.settings.reports.write_text("a file where the folder of pages should be", "utf-8")

    assert main(["nightly", "--now", "2026-03-06T02:15+00:00", *places]) == 0

    told = caplog.messages[-1]
    assert current_run(twin.settings) == "R0004"
    assert "R0004 is done, but the page on it cannot be kept (File exists)" in told
    twin.settings.reports.unlink()
    pages.rename(twin.settings.reports)
    again = told.partition("`touchstone ")[2].partition("`")[0].split()
    assert main([*again, *places]) == 0
    assert list(reports(twin.settings))[-1] == "R0004"


def test_half_a_page_of_a_run_that_died_is_removed_by_the_next(
    company: Company, tmp_path: Path
) -> None:
    twin = company.twin(tmp_path / "twin")
    half = twin.settings.reports / ".R0003.html.draft"
    half.write_text("<html>", "utf-8")

    twin.night(5)

    assert not half.exists()
