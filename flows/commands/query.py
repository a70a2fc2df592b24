"""`touchstone query`: ask the current snapshot, read-only."""

import argparse

import duckdb

from flows.cli import show
from store.errors import TouchstoneError
from store.settings import Settings
from store.snapshot import open_snapshot


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("sql", help='the question, e.g. "select count(*) from customers"')
    parser.add_argument("--as-of", metavar="RUN", help="ask an older snapshot, e.g. R0002")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the query and print its answer."""
    with open_snapshot(settings, arguments.as_of) as con:
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        try:
            answer = con.sql(arguments.sql)
            if answer is None:
                raise TouchstoneError("That is no question; write a SELECT.")
            rows, names = answer.fetchall(), answer.columns
        except duckdb.Error as error:
            raise TouchstoneError(
                f"The query was refused: {str(error).splitlines()[0]}."
            ) from error
    records = [dict(zip(names, row, strict=True)) for row in rows]
    show(records, _table(names, rows), as_json=arguments.json)
    return 0


def _table(names: list[str], rows: list[tuple[object, ...]]) -> str:
    cells = [[("" if cell is None else str(cell)) for cell in row] for row in rows]
    widths = [
        min(60, max(len(name), *(len(row[place]) for row in cells)) if cells else len(name))
        for place, name in enumerate(names)
    ]
    lines = [names, ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(cell[:60].ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
