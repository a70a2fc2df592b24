"""`touchstone query`: ask the current snapshot, read-only."""

import argparse
import re
import threading
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from flows.cli import show
from flows.writing import WRITERS, write_answer
from store.dictionary import read_dictionary
from store.errors import TouchstoneError
from store.looking_back import is_run, look_back, read_moment
from store.settings import Settings
from store.snapshot import open_snapshot


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("sql", nargs="?", help='the question: "select count(*) from customers"')
    parser.add_argument(
        "--as-of",
        metavar="DATE|RUN",
        help="what was known by the end of a day, 2026-01-31; or an older snapshot, R0002",
    )
    parser.add_argument(
        "--columns", metavar="TABLE", help="say what a table's or view's columns mean"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write .csv, .json, .parquet or .xlsx"
    )
    parser.add_argument(
        "--explain-columns", action="store_true", help="say what the answer's columns mean"
    )
    parser.add_argument("--seconds", type=float, default=60, help="stop after so many (60)")
    parser.set_defaults(refuse=parser.error)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the query and print its answer, or write it."""
    if arguments.columns:
        return _explain(arguments)
    if not arguments.sql:
        arguments.refuse("what is the question? Write a SELECT, or --columns TABLE")
    if arguments.out and arguments.out.suffix not in WRITERS:
        arguments.refuse(f"--out ends in one of {', '.join(WRITERS)}")
    run_id, moment = _when(arguments.as_of)
    with open_snapshot(settings, run_id) as con:
        if moment is not None:
            look_back(con, moment)
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        answer = _ask(con, arguments.sql, arguments.seconds)
    if arguments.explain_columns:
        return _explain_answer(answer.columns, arguments)
    if arguments.out:
        write_answer(answer, arguments.out)
        told = {"file": str(arguments.out), "rows": answer.height}
        text = f"{answer.height:,} rows are in {arguments.out}."
        show(told, text, as_json=arguments.json)
        return 0
    show(answer.to_dicts(), _table(answer), as_json=arguments.json)
    return 0


def _when(as_of: str | None) -> tuple[str | None, datetime | None]:
    """The run whose snapshot is asked, if not the current one; or the moment as of which."""
    if as_of is None or is_run(as_of):
        return as_of, None
    return None, read_moment(as_of)


def _explain(arguments: argparse.Namespace) -> int:
    dictionary = read_dictionary()
    table = dictionary.all.get(arguments.columns)
    if table is None:
        raise TouchstoneError(
            f"There is no published table or view {arguments.columns}; choose from "
            f"{', '.join(dictionary.all)}."
        )
    meanings = dictionary.meanings(arguments.columns)
    told = pl.DataFrame({"column": list(meanings), "meaning": list(meanings.values())})
    lines = [table.says, "", *(f"{name:20s}  {words}" for name, words in told.rows())]
    show(told.to_dicts(), "\n".join(lines), as_json=arguments.json)
    return 0


def _explain_answer(columns: list[str], arguments: argparse.Namespace) -> int:
    """What the dictionary says of columns of these names, in the tables that the question names."""
    named = set(re.findall(r"\w+", arguments.sql))
    dictionary = read_dictionary()
    tables = {name: dictionary.meanings(name) for name in dictionary.all if name in named}
    told = [
        {"column": column, "table": name, "meaning": meanings[column]}
        for column in columns
        for name, meanings in tables.items()
        if column in meanings
    ]
    known = {row["column"] for row in told}
    told += [
        {"column": name, "table": "", "meaning": "worked out by the question"}
        for name in columns
        if name not in known
    ]
    lines = [f"{row['column']:20s}  {row['table']:16s}  {row['meaning']}" for row in told]
    show(told, "\n".join(lines), as_json=arguments.json)
    return 0


def _ask(con: duckdb.DuckDBPyConnection, question: str, seconds: float) -> pl.DataFrame:
    """The answer, or one sentence on why there is none; what takes too long is stopped."""
    alarm = threading.Timer(seconds, con.interrupt)
    alarm.start()
    try:
        answer = con.sql(question)
        found: pl.DataFrame | None = None if answer is None else answer.pl()
    except duckdb.InterruptException as error:
        raise TouchstoneError(
            f"The query was stopped after {seconds:g} seconds; ask for less, or give more time "
            "with --seconds."
        ) from error
    except duckdb.Error as error:
        raise TouchstoneError(f"The query was refused: {_why(error)}.") from error
    finally:
        alarm.cancel()
    if found is None:
        raise TouchstoneError("That is no question; write a SELECT.")
    return found


def _why(error: duckdb.Error) -> str:
    """What the database says first, and what it has of a similar name."""
    first, *rest = str(error).splitlines()
    similar = [line for line in rest if line.startswith(("Candidate bindings", "Did you mean"))]
    why = first.removeprefix("Invalid Input Error: ").rstrip("!.")
    return "; ".join([why, *(line.rstrip("?") for line in similar)])


def _table(answer: pl.DataFrame) -> str:
    names = answer.columns
    cells = [["" if cell is None else str(cell) for cell in row] for row in answer.iter_rows()]
    widths = [
        min(60, max(len(name), *(len(row[place]) for row in cells)) if cells else len(name))
        for place, name in enumerate(names)
    ]
    lines = [names, ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(cell[:60].ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
