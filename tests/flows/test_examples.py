"""The examples do what they say on a snapshot of today."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from store.dictionary import read_dictionary
from store.postgresql import KEYS
from tests.flows.builders import environment
from tests.shared import Shared
from tests.steward.test_customers import a_company

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOK = EXAMPLES / "golden_table.ipynb"
PYTHON = EXAMPLES.parent / ".venv-examples" / "bin" / "python"
"""The environment of the libraries that only examples use; `make test` makes it."""
needs_libraries = pytest.mark.skipif(
    not PYTHON.exists(),
    reason="NO LIBRARIES: `make examples` to try those with pandas, Ibis, Altair",
)


@pytest.fixture(scope="module")
def snapshot(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    company = shared.company(a_company, tmp_path_factory.mktemp("examples"))
    return company.settings.published / "current"


def test_every_question_of_the_sql_file_is_answered(snapshot: Path) -> None:
    with duckdb.connect(str(snapshot / "golden.duckdb"), read_only=True) as con:
        statements = con.extract_statements((EXAMPLES / "golden.sql").read_text("utf-8"))
        answers = [con.sql(statement.query).fetchall() for statement in statements]

    assert len(answers) >= 4
    assert answers[0] == [(5, 2)]


def test_the_tour_in_polars_runs_to_its_end(snapshot: Path) -> None:
    tour = [sys.executable, str(EXAMPLES / "tour.py"), str(snapshot)]
    said = subprocess.run(tour, check=True, capture_output=True, text=True, env=environment())

    assert said.stdout.count("shape:") == 4


@needs_libraries
@pytest.mark.parametrize(
    ("tour", "answer"), [("pandas_tour.py", "may_be_mailed"), ("ibis_tour.py", "completeness")]
)
def test_a_tour_with_libraries_of_others_runs_to_its_end(
    snapshot: Path, tour: str, answer: str
) -> None:
    words = [str(PYTHON), str(EXAMPLES / tour), str(snapshot)]
    said = subprocess.run(words, check=True, capture_output=True, text=True)

    assert answer in said.stdout
    assert "forms" in said.stdout
    assert "members" in said.stdout


@needs_libraries
def test_every_cell_of_the_notebook_runs_and_every_chart_can_be_drawn(snapshot: Path) -> None:
    words = [str(PYTHON), str(Path(__file__).with_name("notebook.py")), str(NOTEBOOK)]
    where = {"TOUCHSTONE_SNAPSHOT": str(snapshot), "PATH": ""}
    said = subprocess.run(words, check=True, capture_output=True, text=True, env=where)

    shown = json.loads(said.stdout)
    empty = [one["title"] for one in shown if not one["rows"]]
    assert [one["kind"] for one in shown].count("chart") == 7
    assert [one["kind"] for one in shown].count("table") == 3
    assert empty == ["Customers who said yes, by channel"]  # nobody in this company did


def test_the_notebook_keeps_no_answers() -> None:
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]

    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_the_sources_of_dbt_are_the_tables_of_the_copy() -> None:
    text = (EXAMPLES / "dbt" / "sources.yml").read_text("utf-8")

    assert text == read_dictionary().dbt_sources()
    tables = yaml.safe_load(text)["sources"][0]["tables"]
    assert {table["name"] for table in tables} == set(KEYS)
