"""Matches are answered beside the app as they would be in it, whatever becomes of the process."""

import os
import pickle
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from rules.reach import Reach
from steward.api.matchers import Matchers, open_matcher
from steward.api.matching import Question
from store.rulebook import read_rulebook
from store.scoped import scoped_to
from store.settings import Settings
from store.state.open import open_state
from store.state.people import User
from tests.flows.builders import Company, environment, person
from tests.shared import Shared
from tests.steward.desks import Office, office
from tests.steward.served import served
from tests.steward.test_api import Program, program
from tests.steward.test_aside import is_gone
from tests.steward.test_customers import FOREIGN, a_company
from transforms.score import Scorer

ANNA: dict[str, Any] = {"full_name": "GROSSMANN, Anna", "email": "anna@post.org"}
OTTO: dict[str, Any] = {"first_name": "Otto", "last_name": FOREIGN, "phone": "+447911123499"}
ASKED = (ANNA, OTTO, {"last_name": "Unheardof"}, {"city": "x"}, {"email": "no address"})


@pytest.fixture(autouse=True)
def _packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])


@pytest.fixture(scope="module")
def company(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Company:
    return shared.company(a_company, tmp_path_factory.mktemp("matchers"))


@contextmanager
def asking(settings: Settings, processes: int) -> Iterator[tuple[Program, Program, Matchers]]:
    """Somebody who may see all, and one who may see a campaign, and what answers them."""
    with office(settings.model_copy(update={"match_processes": processes})) as desk:
        desk.person("adam", "administrator")
        desk.person("sam", "editor", campaigns=("spring",))
        yield program(desk, "adam"), program(desk, "sam"), _matchers(desk)


def _matchers(desk: Office) -> Matchers:
    found: Matchers = desk.app.state.api._matchers
    return found


def test_the_answer_is_the_same_in_the_app_and_beside_it_for_every_reader(
    company: Company,
) -> None:
    answers: dict[int, list[Any]] = {}
    for processes in (0, 1, 2):
        with asking(company.settings, processes) as (adam, sam, matchers):
            answers[processes] = [
                reader.match(**record).json() for reader in (adam, sam) for record in ASKED
            ]
            assert len(matchers.process_ids) == processes

    assert answers[0] == answers[1] == answers[2]
    everybody, spring = answers[0][: len(ASKED)], answers[0][len(ASKED) :]
    assert everybody[1]["customers"] != []
    assert spring[0]["customers"] != []
    assert spring[1]["customers"] == []


def test_a_process_that_dies_with_a_question_costs_nobody_the_answer(company: Company) -> None:
    with asking(company.settings, 1) as (adam, _, matchers):
        before = adam.match(**ANNA)
        (process,) = matchers.process_ids
        os.kill(process, signal.SIGSTOP)
        threading.Timer(0.5, os.kill, (process, signal.SIGKILL)).start()

        after = adam.match(**ANNA)

        assert after.status_code == 200
        assert after.json() == before.json()
        assert matchers.process_ids != [process]
    assert is_gone(process)


def test_who_gets_no_answer_is_told_when_to_ask_again(company: Company) -> None:
    with asking(company.settings, 1) as (adam, _, matchers):
        adam.match(**ANNA)
        aside = matchers._asides[0]
        aside.close()
        make, aside._make = aside._make, pickle.dumps(partial(os._exit, 1))
        desk = adam.desk

        told = desk.loop.run_until_complete(adam._client.post("/api/match", json={"record": ANNA}))
        aside._make = make
        after = adam.match(**ANNA)

    assert told.status_code == 503
    assert told.headers["retry-after"] == "5"
    assert told.json()["detail"] == "This match could not be ended; ask again then."
    assert "anna" not in told.text
    assert after.status_code == 200


def test_a_first_question_that_fails_keeps_nobody_from_asking(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    settings = company.settings
    (run_id,) = company.ask("select max(run_id) from runs").row(0)
    matcher = open_matcher(settings, read_rulebook(settings.rules), run_id)
    broken = matcher._replace(scorer=cast("Scorer", None))
    caplog.clear()

    broken.warm()

    assert caplog.messages == ["the first question about a match fails: AttributeError"]
    asked = Question(ANNA, scoped_to(Reach(is_all=True)), 1)
    with pytest.raises(AttributeError):
        broken.answer([asked])
    assert matcher.answer([asked])[0]["customers"]


def test_a_new_snapshot_is_answered_from_as_soon_as_it_is_ready(
    shared: Shared, tmp_path: Path
) -> None:
    company = shared.company(a_company, tmp_path)
    vera = person("Vera", "Newcomer", email="vera@new.org", sent="2026-02-02")
    asked = {"first_name": "Vera", "last_name": "Newcomer", "email": "vera@new.org"}
    with asking(company.settings, 1) as (adam, _, matchers):
        first = adam.match(**asked).json()
        (process,) = matchers.process_ids
        company.drop("forms", [vera])
        company.night(3)

        while (second := adam.match(**asked).json())["run_id"] == first["run_id"]:
            matchers.wait()

        assert matchers.process_ids == [process]
    assert (first["run_id"], first["customers"]) == ("R0002", [])
    assert (second["run_id"], len(second["customers"])) == ("R0003", 1)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_app(shared: Shared, tmp_path: Path, how: signal.Signals) -> None:
    settings = shared.company(a_company, tmp_path).settings
    with open_state(settings) as state:
        nobody = frozenset[Any]()
        state.people.add(User("adam", "administrator", True, nobody, nobody, nobody))
        token = state.tokens.add("adam", ("match",), 1, "a test").token
    with served(settings) as app, httpx.Client(base_url=app.url, timeout=300) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        while client.post("/api/match", json={"record": ANNA}).status_code == 503:
            assert app.process is not None
        children = Path(f"/proc/{app.process.pid}").glob("task/*/children")
        beside = [int(one) for path in children for one in path.read_text().split()]

        app.end(how)

        assert beside != []
        assert all(is_gone(process) for process in beside)
    assert "anna" not in app.log.read_text()
