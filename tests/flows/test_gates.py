"""A night that changes too much is made and held back; readers keep what they had."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows import gates
from flows.cli import main
from flows.erasing.erase import Asked, erase
from store.erasures import Erasures
from store.snapshot import current_run, held_back, kept_runs, open_snapshot, release
from store.state.engine import writing
from store.state.open import open_state
from store.state.scope import Reader
from store.state.tables import ITEMS
from store.state.work import Waiting
from tests.flows.builders import Company, found, night_time, quiet
from tests.flows.held_night import member, published_once, without_cities

ANN = Reader("ann", None)
"""An administrator."""


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return published_once(tmp_path_factory.mktemp("pristine"))


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


@pytest.fixture(scope="module")
def held_again(held: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The same after another night, which brought nothing."""
    company = held.twin(tmp_path_factory.mktemp("again"))
    company.night(3)
    return company


@pytest.fixture(scope="module")
def mended(held: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The same after a night in which the cities came back."""
    company = held.twin(tmp_path_factory.mktemp("mended"))
    company.drop("members", [member(number) for number in range(21)], name="third")
    company.night(3)
    return company


def say(company: Company, *words: str) -> int:
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    return main([words[0], *places, *words[1:]])


def asked(company: Company, reader: Reader = ANN) -> list[Waiting]:
    """What waits about publications."""
    with open_state(company.settings) as state:
        return state.work.waiting(reader, ("publication",), 9)


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


def test_a_night_after_it_with_nothing_new_stays_held_back(held_again: Company) -> None:
    newest = held_back(held_again.settings)
    assert newest is not None
    assert newest[0] == "R0003"
    assert current_run(held_again.settings) == "R0001"


def test_a_night_that_mends_it_is_published_by_itself(mended: Company) -> None:
    assert held_back(mended.settings) is None
    assert current_run(mended.settings) == "R0003"


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


def test_what_is_held_back_is_asked_of_administrators_alone(held: Company) -> None:
    (item,) = asked(held)

    assert item.item_id == "P-R0002"
    assert item.opened_at == night_time(2)
    assert item.due_at == night_time(2) + timedelta(days=1)
    assert asked(held, Reader("eva", frozenset({"", "spring"}))) == []


def test_the_next_night_that_is_held_back_is_asked_about_and_wins_no_time(
    held_again: Company,
) -> None:
    (item,) = asked(held_again)
    assert item.item_id == "P-R0003"
    assert item.due_at == night_time(2) + timedelta(days=1)


def test_nobody_is_asked_about_what_a_later_night_mended(mended: Company) -> None:
    assert asked(mended) == []


def test_what_is_released_is_asked_about_no_more(held: Company, tmp_path: Path) -> None:
    company = held.twin(tmp_path)

    assert say(company, "publish", "R0002", "--by", "ann", "--because", "they moved") == 0

    assert asked(company) == []


def test_what_stays_back_is_asked_about_when_the_next_night_is_held_back_too(
    held: Company, tmp_path: Path
) -> None:
    company = held.twin(tmp_path)

    words = ["publish", "R0002", "--withhold", "--by", "ann", "--because", "wrong file"]
    assert say(company, *words) == 0

    assert asked(company) == []
    assert current_run(company.settings) == "R0001"
    assert say(company, "escalate") == 0
    assert asked(company) == []
    with open_state(company.settings) as state:
        last = state.decisions.read().row(-1, named=True)
    assert (last["kind"], last["item_id"], last["because"]) == (
        "withhold", "P-R0002", "wrong file",
    )  # fmt: skip
    company.night(3)
    assert [one.item_id for one in asked(company)] == ["P-R0003"]


def test_a_question_that_a_killed_run_did_not_ask_is_asked_by_who_looks_next(
    held: Company, tmp_path: Path
) -> None:
    company = held.twin(tmp_path)
    with open_state(company.settings) as state, writing(state.engine) as connection:
        connection.execute(sa.delete(ITEMS).where(ITEMS.c.kind == "publication"))
    assert asked(company) == []

    late = (night_time(2) + timedelta(hours=25)).isoformat()
    assert say(company, "escalate", "--now", late) == 0

    (item,) = asked(company)
    assert item.item_id == "P-R0002"
    assert item.escalated_to == "administrator"


def test_a_release_that_was_killed_before_the_queue_followed_is_finished_by_the_same_command(
    held: Company, tmp_path: Path
) -> None:
    company = held.twin(tmp_path)
    release(company.settings, "R0002")
    words = ["publish", "R0002", "--by", "ann", "--because", "they moved"]

    assert say(company, *words) == 0

    assert asked(company) == []
    assert say(company, *words) == 1


def test_who_asks_for_the_item_by_its_name_is_told_the_command(
    held: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(held, "decide", "--list") == 0
    assert "P-R0002  publication" in capsys.readouterr().out

    code = say(held, "decide", "P-R0002", "release", "--by", "ann", "--because", "they moved")

    assert code == 1
    assert "touchstone publish R0002 --by" in capsys.readouterr().err


def test_a_quiet_night_knows_what_the_gates_found_and_looks_through_nothing(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.drop("members", [{**member(1), "no": "50"}])
    company.night(2)
    monkeypatch.setattr(gates, "_without_lineage", None)

    company.night(3)

    figures = (
        "select field, measure, value from metrics where run_id = 'R000{}' and {} order by all"
    )
    of_whole = "measure in ('gate_largest_customer', 'gate_without_lineage')"
    told = [company.ask(figures.format(night, of_whole)).rows() for night in (2, 3)]
    assert told[0] == told[1]
    assert [row[2] for row in told[1]] == [1.0, 0.0]
    assert company.ask(figures.format(3, "starts_with(measure, 'gate_')")).height > 5
