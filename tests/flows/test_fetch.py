"""Fetching from partners as the command does, and as the first step of a night."""

import json
import os
import time
from pathlib import Path

import pytest

from flows.cli import main
from flows.summary import summarise, summary_of
from tests.flows.builders import HEADERS, Company, csv_of, found, person

ANN = {"op": "upsert", "id": "1", **person("Margaret", "Miller", email="margaret@millers.org")}
BOB = {"op": "upsert", "id": "2", **person("Robert", "Stone", phone="07911 123402")}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def company(tmp_path: Path, out: Path) -> Company:
    """The tiny company, whose partner puts files into a folder."""
    company = found(tmp_path / "company")
    with (company.settings.rules / "feeds" / "partner" / "feed.toml").open("a") as feed:
        feed.write(f'[fetch]\nkind = "folder"\nfolder = "{out}"\npattern = "*.csv"\n')
    return company


def put(out: Path, name: str, *rows: dict[str, str]) -> None:
    (out / name).write_text(csv_of(HEADERS["partner"], rows), encoding="utf-8")
    hour_ago = time.time() - 3600
    os.utime(out / name, (hour_ago, hour_ago))


def run(company: Company, *words: str) -> int:
    first, *rest = words
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    return main([first, *places, *rest])


def test_a_night_begins_with_the_partners(company: Company, out: Path) -> None:
    put(out, "1.csv", ANN, BOB)

    night = company.night(1)

    assert company.ask("select count(*) from customers").item() == 2
    assert "partner: 1 delivery" in summarise(summary_of(night))
    measures = company.ask("select measure, value from metrics where field = 'fetch'")
    assert dict(measures.iter_rows())["files_fetched"] == 1


def test_what_was_fetched_before_is_not_fetched_again(company: Company, out: Path) -> None:
    put(out, "1.csv", ANN)
    company.night(1)

    night = company.night(2)

    assert night.fetched[0].deliveries == 0
    assert company.ask("select count(*) from deliveries").item() == 1


def test_a_lost_memory_of_what_was_fetched_doubles_nothing(company: Company, out: Path) -> None:
    put(out, "1.csv", ANN)
    company.night(1)
    before = company.tables()
    (company.settings.data / "fetch" / "partner.json").unlink()

    night = company.night(2)

    assert night.inbox.repeated == ["partner/1.csv"]
    assert company.tables()["customers"].equals(before["customers"])


def test_a_fetch_that_fails_stops_no_night_and_is_told_by_words_code_and_metrics(
    company: Company, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out.rmdir()
    company.drop("forms", [person("Tom", "Baker", email="tom@mail.org")])

    code = run(company, "nightly", "--now", "2026-03-02T02:15:00+00:00")

    assert code == 1
    told = capsys.readouterr()
    assert "Not fetched partner: the folder is not there" in told.out
    assert "Not everything could be fetched from partner (the folder is not there" in told.err
    assert company.ask("select first_name from customers").item() == "Tom"
    failed = "select value from metrics where measure = 'partners_failed'"
    assert company.ask(failed).item() == 1


def test_a_night_in_which_all_was_fetched_ends_with_0(company: Company, out: Path) -> None:
    put(out, "1.csv", ANN)

    assert run(company, "nightly", "--now", "2026-03-02T02:15:00+00:00") == 0


def test_the_command_fills_the_inbox_and_runs_nothing(
    company: Company, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(out, "1.csv", ANN)

    assert run(company, "fetch", "partner") == 0
    assert "partner: 1 delivery" in capsys.readouterr().out
    assert run(company, "fetch") == 0
    assert "Nothing is new" in capsys.readouterr().out
    assert [path.name for path in company.settings.inbox.rglob("*.csv")] == ["1.csv"]
    assert not company.settings.warehouse.exists()


def test_the_command_answers_as_data(
    company: Company, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out.rmdir()

    code = run(company, "fetch", "--json")

    answer = json.loads(capsys.readouterr().out)
    assert code == 1
    assert answer[0]["source"] == "partner"
    assert answer[0]["problems"] == ["the folder is not there; is it mounted?"]


@pytest.mark.parametrize(
    ("source", "says"), [("nobody", "There is no feed nobody"), ("forms", "has no [fetch]")]
)
def test_a_feed_that_cannot_be_fetched_is_refused(
    company: Company, capsys: pytest.CaptureFixture[str], source: str, says: str
) -> None:
    assert run(company, "fetch", source) == 1
    assert says in capsys.readouterr().err


def test_a_partner_whose_turn_never_came_is_told_of(company: Company, out: Path) -> None:
    put(out, "1.csv", ANN)
    hurried = company._replace(settings=company.settings.model_copy(update={"fetch_seconds": 0}))

    night = hurried.night(1)

    assert "its time is up" in night.fetched[0].problems[0]
    assert company.night(2).fetched[0].deliveries == 1


def test_two_versions_that_wait_together_are_taken_in_by_age(company: Company, out: Path) -> None:
    put(out, "1.csv", ANN)
    run(company, "fetch")
    put(out, "1.csv", {**ANN, "last": "Millers"})
    os.utime(out / "1.csv", (time.time() - 60, time.time() - 60))
    run(company, "fetch")

    company.night(1)

    assert company.ask("select last_name from customers").item() == "Millers"
    assert company.ask("select count(*) from deliveries").item() == 2
