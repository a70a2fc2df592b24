"""After a night the stewards' queue holds the questions of that night."""

from pathlib import Path

import pytest

from store.state.engine import open_engine
from store.state.queue import Queue, Reader
from store.state.staging import live_run
from tests.flows.builders import Company, found, night_time, person


def waiting(company: Company, *campaigns: str) -> dict[str, int]:
    engine = open_engine(company.settings.log_url, 5)
    try:
        reader = Reader("ann", frozenset(campaigns) if campaigns else None)
        return Queue(engine, lambda: night_time(9)).counts(reader)
    finally:
        engine.dispose()


def run_shown(company: Company) -> int | None:
    engine = open_engine(company.settings.log_url, 5)
    try:
        return live_run(engine)
    finally:
        engine.dispose()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company with one question, after its night."""
    company = found(tmp_path_factory.mktemp("asked"))
    file = company.settings.rules / "feeds" / "forms" / "feed.toml"
    text = file.read_text("utf-8").replace('"city"     = "city"', '"city"     = "email_2"')
    file.write_text(text, "utf-8")
    company.drop("forms", [person("Ann", "Miller", email="ann@a.org", city="ann@b.org")])
    company.night(1)
    return company


def test_the_questions_of_a_night_wait_in_the_queue(asked: Company) -> None:
    assert waiting(asked) == {"conflict": 1}
    assert run_shown(asked) == 1


def test_a_record_of_no_campaign_waits_for_nobody_with_campaigns_alone(asked: Company) -> None:
    assert waiting(asked, "spring") == {}


def test_a_decided_question_leaves_the_queue_with_the_next_night(
    asked: Company, tmp_path: Path
) -> None:
    company = asked.twin(tmp_path)
    records = company.ask("select record_ids from review_items").item()
    company.decide("value", records=records, field="email", value="ann@b.org")

    company.night(2)

    assert waiting(company) == {}
    assert run_shown(company) == 2


def test_a_held_delivery_waits_for_the_campaign_that_its_feed_declares(tmp_path: Path) -> None:
    company = found(tmp_path)
    for source, campaign in (("forms", "spring"), ("members", "")):
        file = company.settings.rules / "feeds" / source / "feed.toml"
        text = file.read_text("utf-8")
        declared = f'campaign = "{campaign}"\n[read]' if campaign else "[read]"
        file.write_text(text.replace("[read]", declared, 1), "utf-8")
        company.drop_file(f"{source}/changed.csv", f"unknown,{source}\n1,2\n")
    company.night(1)

    assert waiting(company) == {"delivery": 2}
    assert waiting(company, "spring") == {"delivery": 1}
    assert waiting(company, "autumn") == {}
