"""The examples do what they say on a snapshot of today."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from store.dictionary import read_dictionary
from store.postgresql import KEYS
from tests.flows.builders import environment
from tests.steward.test_customers import a_company

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    company = a_company(tmp_path_factory.mktemp("examples") / "company")
    return company.settings.published / "current"


def test_every_question_of_the_sql_file_is_answered(snapshot: Path) -> None:
    with duckdb.connect(str(snapshot / "golden.duckdb"), read_only=True) as con:
        statements = con.extract_statements((EXAMPLES / "golden.sql").read_text("utf-8"))
        answers = [con.sql(statement.query).fetchall() for statement in statements]

    assert len(answers) >= 4
    assert answers[0] == [(4, 1)]


def test_the_tour_in_polars_runs_to_its_end(snapshot: Path) -> None:
    tour = [sys.executable, str(EXAMPLES / "tour.py"), str(snapshot)]
    said = subprocess.run(tour, check=True, capture_output=True, text=True, env=environment())

    assert said.stdout.count("shape:") == 4


def test_the_sources_of_dbt_are_the_tables_of_the_copy() -> None:
    text = (EXAMPLES / "dbt" / "sources.yml").read_text("utf-8")

    assert text == read_dictionary().dbt_sources()
    tables = yaml.safe_load(text)["sources"][0]["tables"]
    assert {table["name"] for table in tables} == set(KEYS)
