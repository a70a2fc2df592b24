"""A night that changes too much is made and held back; readers keep what they had."""

from pathlib import Path

import pytest

from flows.cli import main
from flows.erasing.erase import Asked, erase
from store.erasures import Erasures
from store.snapshot import current_run, held_back, kept_runs, open_snapshot
from tests.flows.builders import Cells, Company, found, night_time, person, quiet

LIMITS = {"least_customers": "500", "least_rows": "1000"}
NAMES = ("Archer", "Brewer", "Carter", "Dyer", "Eaton", "Fuller", "Glover", "Harper")


def member(number: int) -> Cells:
    name = NAMES[number % len(NAMES)]
    mail = f"{name.lower()}{number}@a.org"
    born = f"19{50 + number}-0{1 + number % 9}-1{number % 9}"
    return {"no": str(number), **person("Ann", name, email=mail, born=born, city="Leeds")}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Twenty members, published; gates that judge so few."""
    company = found(tmp_path_factory.mktemp("pristine"))
    file = company.settings.rules / "gates.toml"
    text = file.read_text("utf-8")
    for limit in LIMITS.values():
        assert f"= {limit}" in text
        text = text.replace(f"= {limit}", "= 10")
    file.write_text(text, "utf-8")
    company.drop("members", [member(number) for number in range(20)], name="first")
    company.night(1)
    return company


@pytest.fixture
def company(pristine: Company, tmp_path: Path) -> Company:
    return pristine.twin(tmp_path)


@pytest.fixture(scope="module")
def held(pristine: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The same after a night that was held back, since the cities of all are gone."""
    company = pristine.twin(tmp_path_factory.mktemp("held"))
    without_cities(company)
    company.night(2)
    return company


def without_cities(company: Company) -> None:
    rows = [{**member(number), "city": ""} for number in range(20)]
    company.drop("members", rows, name="second")


def say(company: Company, *words: str) -> int:
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    return main([words[0], *places, *words[1:]])


def test_an_erasure_that_is_held_back_is_finished_when_it_is_released(company: Company) -> None:
    asked = Asked(["members:0", "members:1", "members:2"], only=False, by="dpo")
    erase(company.settings, asked, night_time(2), quiet)
    assert current_run(company.settings) == "R0001"

    code = say(company, "publish", "R0002", "--by", "eva", "--because", "they asked for it")

    assert code == 0
    assert kept_runs(company.settings) == ["R0002"]
    assert [one.state for one in Erasures(company.settings.raw).all()] == ["done"]
    assert list((company.settings.data / "receipts").glob("erasure-*.txt"))


def test_a_value_that_many_lose_holds_the_tables_back(held: Company) -> None:
    assert current_run(held.settings) == "R0001"
    assert held_back(held.settings) == (
        "R0002",
        ["filled_drop: city is known of 100% fewer of the customers (the limit is 0.1)"],
    )
    assert held.ask("select count(city) from customers").item() == 20
    with open_snapshot(held.settings, "R0002") as con:
        assert con.sql("select count(city) from customers").fetchall() == [(0,)]


def test_a_night_after_it_with_nothing_new_stays_held_back(held: Company, tmp_path: Path) -> None:
    company = held.twin(tmp_path)

    company.night(3)

    newest = held_back(company.settings)
    assert newest is not None
    assert newest[0] == "R0003"
    assert current_run(company.settings) == "R0001"


def test_a_night_that_mends_it_is_published_by_itself(held: Company, tmp_path: Path) -> None:
    company = held.twin(tmp_path)
    company.drop("members", [member(number) for number in range(21)], name="third")

    company.night(3)

    assert held_back(company.settings) is None
    assert current_run(company.settings) == "R0003"


def test_a_person_releases_it_and_the_log_says_who(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    without_cities(company)
    assert say(company, "nightly", "--now", "2026-03-03T02:15:00+00:00") == 1
    assert "R0002 are made and held back" in capsys.readouterr().err
    assert say(company, "doctor") == 1

    code = say(company, "publish", "R0002", "--by", "anna", "--because", "they moved")

    assert code == 0
    assert held_back(company.settings) is None
    assert company.ask("select count(city) from customers").item() == 0
    company.night(3)
    assert current_run(company.settings) == "R0003"


def test_a_first_night_is_published_whatever_it_brings(tmp_path: Path) -> None:
    company = found(tmp_path)
    file = company.settings.rules / "gates.toml"
    file.write_text(file.read_text("utf-8").replace("= 500 ", "= 2 "), "utf-8")
    company.drop("members", [{**member(1), "no": str(number)} for number in range(3)])

    company.night(1)

    assert held_back(company.settings) is None


def test_what_is_not_held_back_cannot_be_released(company: Company) -> None:
    assert say(company, "publish", "R0001", "--by", "anna", "--because", "why not") == 1


def test_half_of_the_customers_do_not_vanish_unseen(company: Company) -> None:
    company.drop("partner", [{"op": "upsert", "id": str(n), **member(30 + n)} for n in range(8)])
    company.night(2)

    company.drop("partner", [{"op": "delete", "id": str(n), **member(30 + n)} for n in range(8)])
    company.night(3)

    held = held_back(company.settings)
    assert held is not None
    assert held[1] == ["customers_drop: 29% of the customers are gone (the limit is 0.1)"]
