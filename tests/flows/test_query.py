"""`touchstone query` reads the snapshot, reaches nothing else, and writes what a person can use."""

import json
from pathlib import Path

import fastexcel
import polars as pl
import pytest

from flows.cli import main
from tests.flows.builders import Company, found, person


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Ann, whose first name is a formula, and her telephone."""
    company = found(tmp_path_factory.mktemp("query"))
    company.drop("forms", [person("=Ann", "Ashworth", phone="020 7946 0123")])
    company.night(1)
    return company


def ask(company: Company, *words: str) -> int:
    try:
        return main(["query", "--data", str(company.settings.data), *words])
    except SystemExit as exit_:
        return int(exit_.code or 0)


def test_an_answer_is_written_as_csv_without_formulas(company: Company, tmp_path: Path) -> None:
    path = tmp_path / "answer.csv"

    code = ask(
        company, "select '=1+1' as sum, phone, [1, 2] as numbers from customers", "--out", str(path)
    )

    assert code == 0
    assert path.read_text("utf-8").splitlines() == [
        "sum,phone,numbers",
        "'=1+1,'+442079460123,\"[1,2]\"",
    ]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("ending", [".json", ".parquet"])
def test_an_answer_is_written_as_a_program_wants_it(
    company: Company, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"answer{ending}"

    code = ask(company, "select phone, [1, 2] as numbers from customers", "--out", str(path))

    read = pl.read_json(path) if ending == ".json" else pl.read_parquet(path)
    assert (code, read.rows()) == (0, [("+442079460123", [1, 2])])


def test_another_ending_is_refused_and_nothing_is_written(company: Company, tmp_path: Path) -> None:
    assert ask(company, "select 1", "--out", str(tmp_path / "answer.doc")) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_question_that_takes_too_long_is_stopped(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ask(company, "select count(*) from range(100000000000)", "--seconds", "0.2")

    assert code == 1
    assert "stopped after 0.2 seconds" in capsys.readouterr().err


@pytest.mark.parametrize(
    "question", ["delete from runs", "select * from read_csv('/etc/passwd')", "attach 'x.duckdb'"]
)
def test_a_question_changes_nothing_and_reads_no_file(company: Company, question: str) -> None:
    assert ask(company, question) == 1


def test_the_columns_of_a_table_are_explained(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ask(company, "--columns", "crosswalk", "--json")

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told[0] == {"column": "source", "meaning": "who sent the record"}


def test_the_columns_of_a_view_are_explained_with_those_that_it_shares(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ask(company, "--columns", "customer_360", "--json")

    told = {row["column"]: row["meaning"] for row in json.loads(capsys.readouterr().out)}
    assert code == 0
    assert told["sources"] == "who sent records of the customer"
    assert told["last_name"].startswith("last name with its particles")


def test_a_misspelt_column_is_refused_with_those_of_a_similar_name(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ask(company, "select qualit from customer_quality")

    assert code == 1
    assert 'Candidate bindings: "quality"' in capsys.readouterr().err


def test_the_columns_of_an_answer_are_explained(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ask(
        company, "select phone, count(*) as n from customers group by phone", "--explain-columns"
    )

    said = capsys.readouterr().out
    assert code == 0
    assert "worked out by the question" in said
    assert "+442079460123" not in said


def test_an_answer_is_written_as_a_sheet_without_formulas(company: Company, tmp_path: Path) -> None:
    path = tmp_path / "answer.xlsx"

    code = ask(company, "select '=1+1' as sum, phone from customers", "--out", str(path))

    assert code == 0
    sheet = fastexcel.read_excel(path).load_sheet(0).to_polars()
    assert sheet.rows() == [("=1+1", "+442079460123")]
