"""A night that is held back waits for an administrator, on the page of the runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.snapshot import current_run, held_back
from tests.flows.builders import Company
from tests.flows.held_night import published_once, without_cities
from tests.steward.desks import Office, office


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = published_once(tmp_path_factory.mktemp("held"))
    without_cities(company)
    company.night(2)
    return company


@pytest.fixture
def company(night: Company, tmp_path: Path) -> Company:
    return night.twin(tmp_path)


@pytest.fixture
def desk(company: Company) -> Iterator[Office]:
    with office(company.settings) as opened:
        yield opened


def test_administrators_see_that_one_waits_and_when_it_is_due(desk: Office) -> None:
    root = desk.person("root", "administrator")

    page = root.get("/runs").text

    assert 'Runs <b class="num">1</b>' in page
    assert "R0002 is held back" in page
    assert "An answer is due by" in page
    assert "led back" not in page
    assert root.get("/items/P-R0002").headers["location"] == "/runs"
    assert "1 held publication" in root.get("/dashboard").text


def test_nobody_else_knows_of_it(desk: Office) -> None:
    stan = desk.person("stan", campaigns=("spring",), functions=("data_steward",))

    assert "held back" not in stan.get("/runs").text
    assert stan.get("/items/P-R0002").status_code == 404
    assert stan.post("/runs/R0002/withhold", because="wrong file").status_code == 403
    assert "publication" not in stan.get("/dashboard").text


def test_who_publishes_it_is_in_the_decision_log(desk: Office, company: Company) -> None:
    root = desk.person("root", "administrator")

    answer = root.post("/runs/R0002/publish", because="they moved", key="1")

    assert answer.status_code == 303
    assert current_run(company.settings) == "R0002"
    last = desk.desk.state.decisions.read().row(-1, named=True)
    assert (last["kind"], last["decided_by"], last["item_id"]) == ("publish", "root", "P-R0002")
    page = root.get("/runs").text
    assert '<a href="/runs" data-go="u" aria-current="page">Runs</a>' in page
    assert "is held back" not in page


def test_what_is_kept_back_waits_no_more_and_can_still_be_published(
    desk: Office, company: Company
) -> None:
    root = desk.person("root", "administrator")
    assert root.post("/runs/R0002/withhold", because="").status_code == 422

    for _ in range(2):
        answer = root.post("/runs/R0002/withhold", because="wrong file", key="1")
        assert answer.status_code == 303

    said = desk.desk.state.decisions.read()
    assert said["kind"].to_list() == ["withhold"]
    assert held_back(company.settings) is not None
    page = root.get("/runs").text
    assert "it can still be published" in page
    assert "Keep it back" not in page
    assert ("root", "withhold") in desk.noted()


def test_readers_led_back_to_an_older_night_leave_the_question_open(
    desk: Office, company: Company
) -> None:
    root = desk.person("root", "administrator")

    root.post("/runs/R0001/publish", because="look again")

    assert "An answer is due by" in root.get("/runs").text


def test_only_readers_who_were_led_back_are_told_so(desk: Office) -> None:
    root = desk.person("root", "administrator")
    root.post("/runs/R0002/publish", because="they moved")
    assert "led back" not in root.get("/runs").text

    root.post("/runs/R0001/publish", because="look again")

    assert "led back from R0002" in root.get("/runs").text
