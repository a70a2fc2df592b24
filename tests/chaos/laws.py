"""What must hold after a fault, and after what the next run makes of it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from flows import ledger
from store.schema import WAREHOUSE
from store.snapshot import TABLES, current_run, held_back, open_snapshot
from store.state.open import open_state
from store.state.scope import Reader
from store.warehouse import Warehouse
from tests.chaos.scenarios import TELLING, Scenario
from tests.flows import laws
from tests.flows.builders import Company, differences
from tests.flows.searching import places_of

GAPS = ("Not everything could be fetched", "The run is done but for")
"""What a run says that went on without what it could not read."""
LEFT = (".draft", ".incoming", ".restoring")
"""What only a run that goes on may have."""


def waiting(company: Company, scenario: Scenario, said: str) -> list[str]:
    """The files that a run published without, and said so: they come with the next."""
    if current_run(company.settings) is None or not any(gap in said for gap in GAPS):
        return []
    there = company.ask("select file_name from deliveries")
    asked = scenario.after["deliveries"].join(there, on="file_name", how="anti")
    return asked["file_name"].to_list()


def read_without(company: Company, scenario: Scenario) -> list[str]:
    """The files that a run which was cut short had read without: they come right after it."""
    settings = company.settings
    if not settings.warehouse.exists():
        return []
    with Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse:
        begun = ledger.unfinished(warehouse)
        if begun is None or ledger.counts_of(warehouse, begun.run_id, "ingest") is None:
            return []
        there = warehouse.read("select file_name from ingest.deliveries")
    asked = scenario.after["deliveries"].join(there, on="file_name", how="anti")
    return asked["file_name"].to_list()


def readers_are_served(company: Company, scenario: Scenario) -> Iterator[str]:
    """Law 7: the snapshot is there, whole, and is the one before or the one after."""
    if (
        current_run(company.settings) is None
        or not (company.settings.published / "current" / "golden.duckdb").exists()
    ):
        if scenario.before and not scenario.swaps:
            yield "no snapshot is current"
        return
    yield from _parquet_is_whole(company)
    tables = company.tables()
    choices = [choice for choice in (scenario.before, scenario.after) if choice]
    if scenario.swaps:
        return
    if all(differences(choice, tables) for choice in choices):
        yield f"the snapshot is neither the one before nor the one after: {_told(choices, tables)}"


def nothing_is_left_over(company: Company) -> Iterator[str]:
    """What was begun is finished or gone, and everything is its owner's alone."""
    for path in company.settings.data.rglob("*"):
        name = path.relative_to(company.settings.data)
        if name.parts[0].startswith("replaced-") or path.is_symlink():
            continue
        if any(path.name.endswith(end) for end in LEFT) or ".rebuild." in path.name:
            yield f"{name} is left over"
        if not (path.is_dir() or name.parts[0] == "inbox") and path.stat().st_mode & 0o077:
            yield f"{name} may be read by others"
    if list(company.settings.work.glob("R*")):
        yield "the work of a run is left over"


def tables_are_the_undisturbed(company: Company, scenario: Scenario) -> Iterator[str]:
    """Law 7: the next run ends in the tables of a run that nothing disturbed, row for row."""
    found = differences(scenario.after, company.tables())
    if found:
        yield f"other tables than undisturbed: {_brief(found)}"


def what_is_held_is_asked(company: Company) -> Iterator[str]:
    """A publication that is held back has its item, and nothing else has one."""
    held = held_back(company.settings)
    with open_state(company.settings) as state:
        asked = state.work.waiting(Reader("root", None), ("publication",), 9)
    expected = [] if held is None else [f"P-{held[0]}"]
    if [item.item_id for item in asked] != expected:
        yield f"{len(asked)} publications are asked about, {len(expected)} held back"


def laws_hold(company: Company, scenario: Scenario) -> Iterator[str]:
    """Laws 1, 5 and 6 as the tables tell them."""
    checks = [laws.decisions_rule, laws.stewards_are_obeyed, laws.values_have_sources]
    for check in checks:
        try:
            check(company)
        except AssertionError as error:
            yield f"{check.__name__}: {str(error).splitlines()[:1]}"
    taken = company.ask("from deliveries where state = 'taken_in'")
    total = pl.sum_horizontal(f"{kind}_count" for kind in laws.KINDS)
    if taken.filter(total != pl.col("row_count")).height:
        yield "rows of a delivery do not add up"
    yield from _parquet_is_whole(company)


def the_erased_are_gone(company: Company, scenario: Scenario) -> Iterator[str]:
    """Nothing tells of the erased person, in any file."""
    if scenario.forgets:
        for text, files in places_of(company.settings.data, [*TELLING]).items():
            if files:
                yield f"the erased person ({text}) is still in {files}"


def rebuild_is_the_same(company: Company, scenario: Scenario, folder: Path) -> Iterator[str]:
    """Law 3: from raw deliveries and decisions alone, from nothing."""
    anew = company.anew(folder)
    number = 1 if scenario.name == "first" else 2
    anew.rebuild(number)
    found = differences(company.tables(), anew.tables())
    if found:
        yield f"a rebuild makes other tables: {_brief(found)}"
    shutil.rmtree(folder)


def _parquet_is_whole(company: Company) -> Iterator[str]:
    folder = (company.settings.published / "current").resolve()
    with open_snapshot(company.settings) as con:
        for table in TABLES:
            there = con.sql(f"select count(*) from {table}").fetchall()[0][0]
            path = folder / f"{table}.parquet"
            if not os.path.exists(path) or pq.read_metadata(path).num_rows != there:
                yield f"{table}.parquet is not whole"


def _told(choices: list[dict[str, pl.DataFrame]], tables: dict[str, pl.DataFrame]) -> str:
    return " | ".join(_brief(differences(choice, tables)) for choice in choices)


def _brief(found: dict[str, list[tuple[str, dict[str, object]]]]) -> str:
    return ", ".join(f"{table} ({len(rows)} rows: {rows[:1]})" for table, rows in found.items())
