"""`touchstone query --as-of DATE` answers with what was known by then, or says why it cannot."""

import json
from datetime import timedelta
from typing import Any

import pytest

from flows.cli import main
from tests.flows.builders import Company, found, night_time, person


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Two nights: Ann's mailbox changes in the second, in which Bert comes."""
    company = found(tmp_path_factory.mktemp("back"))
    ann = {"id": "1", "op": "upsert", "changed": "2026-01-01"}
    company.drop("partner", [{**ann, **person("Ann", "Miller", email="ann@a.org")}])
    company.night(1)
    later = {**ann, **person("Ann", "Miller", email="ann@new.org"), "changed": "2026-03-02"}
    bert = person("Bert", "Archer", id="2", op="upsert", changed="2026-01-01", email="b@a.org")
    company.drop("partner", [later, bert])
    company.night(2)
    return company


def told(company: Company, as_of: str, question: str, capsys: Any) -> list[list[Any]]:
    words = ["query", "--data", str(company.settings.data), "--json", "--as-of", as_of, question]
    assert main(words) == 0
    return [list(row.values()) for row in json.loads(capsys.readouterr().out)]


def refused(company: Company, as_of: str, question: str, capsys: Any) -> str:
    assert main(["query", "--data", str(company.settings.data), "--as-of", as_of, question]) == 1
    said: str = capsys.readouterr().err
    return said


FIRST, SECOND = (night_time(number).isoformat() for number in (1, 2))


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        ("select email from customers order by 1", [["ann@a.org"]], [["ann@new.org"], ["b@a.org"]]),
        (
            "select value, valid_to is null from history where field = 'email' order by 1",
            [["ann@a.org", True]],
            [["ann@a.org", False], ["ann@new.org", True], ["b@a.org", True]],
        ),
        ("select run_id from runs order by 1", [["R0001"]], [["R0001"], ["R0002"]]),
        ("select distinct run_id from changes order by 1", [["R0001"]], [["R0001"], ["R0002"]]),
        ("select count(*) from deliveries", [[1]], [[2]]),
        ("select version is not null from contract", [[True]], [[True]]),
    ],
)
def test_what_was_known_by_a_moment_is_told(
    company: Company,
    question: str,
    first: list[list[Any]],
    second: list[list[Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told(company, FIRST, question, capsys) == first
    assert told(company, SECOND, question, capsys) == second


def test_a_date_means_the_end_of_that_day(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    day = night_time(1).date().isoformat()
    assert told(company, day, "select count(*) from runs", capsys) == [[1]]


def test_before_the_first_night_nothing_is_told(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    eve = (night_time(1) - timedelta(days=1)).date().isoformat()
    said = refused(company, eve, "select 1", capsys)
    assert f"Nothing is known of {eve}" in said
    assert "the first night that is known, R0001, was at" in said


@pytest.mark.parametrize(
    "table", ["crosswalk", "contactable", "lineage", "customer_360", "quarantine"]
)
def test_a_table_without_a_past_is_refused_though_it_be_empty(
    company: Company, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(company, FIRST, f"select count(*) from {table}", capsys)
    assert "has no past. As of a date there are customers, history," in said


def test_the_snapshot_of_a_run_is_asked_by_its_name(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(company, "R0001", "select count(*) from crosswalk", capsys) == [[1]]


def test_what_is_neither_a_run_nor_a_date_is_refused(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "neither a run" in refused(company, "yesterday", "select 1", capsys)
