"""A night that changes nothing shows the queue that is shown, and works it out where it must."""

from pathlib import Path

import pytest
import sqlalchemy as sa

import flows.stages.publish
from store.state.engine import open_engine, writing
from store.state.staging import live_run
from store.state.tables import LIVE
from tests.flows.builders import Company, found, person
from tests.shared import Shared

NOBODY = {"no": "7", "city": "York"}


@pytest.fixture
def company(shared: Shared, tmp_path: Path) -> Company:
    return shared.company(one_row_waits, tmp_path)


def one_row_waits(folder: Path) -> Company:
    """One row waits in quarantine."""
    made = found(folder)
    made.drop("members", [{"no": "1", **person("Tom", "Baker", email="tom@mail.org")}, NOBODY])
    made.night(1)
    return made


@pytest.fixture
def worked_out(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many items were worked out, each time."""
    counts: list[int] = []
    work = flows.stages.publish.queue_of

    def counted(*given: object) -> object:
        items = work(*given)  # type: ignore[arg-type]
        counts.append(items.height)
        return items

    monkeypatch.setattr(flows.stages.publish, "queue_of", counted)
    return counts


def shown(company: Company) -> int | None:
    engine = open_engine(company.settings.log_url, 30)
    try:
        return live_run(engine)
    finally:
        engine.dispose()


def test_a_quiet_night_shows_the_items_that_are_shown(
    company: Company, worked_out: list[int]
) -> None:
    company.night(2)
    company.night(3)

    assert worked_out == []
    assert shown(company) == 3


def test_other_rules_of_the_queue_make_it_anew(company: Company, worked_out: list[int]) -> None:
    rules = company.settings.rules / "queues.toml"
    text = rules.read_text("utf-8")
    assert "ageing_days" in text
    rules.write_text(text.replace("ageing_days", "ageing_days = 7.5 #", 1), "utf-8")

    company.night(2)

    assert worked_out == [1]


def test_a_decision_makes_it_anew(company: Company, worked_out: list[int]) -> None:
    row = company.ask("from review_items").row(0, named=True)
    company.decide("reject", sha256=row["delivery_id"], row_number=row["row_number"])

    company.night(2)

    assert worked_out == [0]


def test_so_does_a_state_that_shows_another_run(company: Company, worked_out: list[int]) -> None:
    company.night(2)
    engine = open_engine(company.settings.log_url, 30)
    with writing(engine) as connection:
        connection.execute(sa.update(LIVE).values(run_number=1))
    engine.dispose()

    company.night(3)

    assert worked_out == [1]
    assert shown(company) == 3
