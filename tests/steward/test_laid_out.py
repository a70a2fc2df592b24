"""The app finds what it laid out when it starts again, and none of it outlives its snapshot."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rules.reach import Reach
from steward.desk import index
from steward.desk.scorecard import laid_out_parts
from store import reading
from store.files import point_to
from store.reading import Snapshots
from store.rulebook import read_rulebook
from store.scoped import scoped_to
from store.scorecard import read_scorecard, worked_out
from store.snapshot import LAID_OUT, current_run
from tests.flows.builders import Company
from tests.flows.searching import places_of
from tests.flows.test_erase import JANE, gone, janes, with_jane
from tests.shared import Shared
from tests.steward.desks import office
from tests.steward.test_api import Program, program

ASKED = {name: str(JANE[key]) for name, key in (("email", "email"), ("last_name", "last"))}


@contextmanager
def asking(company: Company) -> Iterator[Program]:
    """A program that may ask for everybody, of an app that has just started."""
    with office(company.settings) as desk:
        desk.person("adam", "administrator")
        yield program(desk, "adam")


def answers(program: Program, name: str) -> list[Any]:
    """What is said of a customer, by each way of asking."""
    asked = [
        program.get(f"/api/customers/{name}"),
        program.get("/api/customers?q=quillfeather"),
        program.match(**ASKED),
    ]
    return [answer.json() for answer in asked]


def test_an_app_that_starts_again_makes_nothing_anew_and_answers_the_same(
    shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = shared.company(with_jane, tmp_path)
    name = janes(company)[0]
    with asking(company) as first:
        before = answers(first, name)
    folder = company.settings.published / str(current_run(company.settings)) / LAID_OUT
    kept = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    for make in ("_people", "_entries", "_contested", "_places", "_channels", "_ages"):
        monkeypatch.setattr(index, make, None)
    with asking(company) as again:
        after = answers(again, name)

    assert after == before
    assert len(before[2]["customers"]) > 0
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == kept
    assert {path.partition("-")[2] for path in kept} == {
        "records.arrow", "plain.arrow", "noted.arrow", "contacts.arrow", "keys.arrow",
        "nodes-0.arrow", "worn.arrow", "search.duckdb",
    }  # fmt: skip


def test_who_is_erased_is_in_nothing_that_was_laid_out(shared: Shared, tmp_path: Path) -> None:
    company = shared.company(with_jane, tmp_path)
    with asking(company) as program:
        answers(program, janes(company)[0])
        published = company.settings.published
        assert len(places_of(published, ["quillfeather"])["quillfeather"]) > 6

        gone(company, *janes(company))

        assert places_of(published, ["quillfeather", JANE["email"]]) == {
            "quillfeather": [], JANE["email"]: [],
        }  # fmt: skip


@pytest.mark.parametrize(
    "reach",
    [Reach(is_all=True), Reach(False, datasets=frozenset({"members"}))],
    ids=["all", "one dataset"],
)
def test_the_scorecard_of_what_was_laid_out_is_that_of_the_records(
    shared: Shared, tmp_path: Path, reach: Reach
) -> None:
    company = shared.company(with_jane, tmp_path)
    scope = scoped_to(reach)
    fields = read_rulebook(company.settings.rules).survivorship.names()
    snapshots = Snapshots(company.settings, lambda: None)

    with snapshots.reading() as snapshot:
        laid = read_scorecard(snapshot.rows, scope, laid_out_parts(snapshot, scope, fields))
        worked = read_scorecard(snapshot.rows, scope, worked_out(scope, fields))
    snapshots.close()

    assert laid == worked
    assert laid.channels != []
    assert laid.ages != {}


def test_a_snapshot_is_made_ready_before_its_queue_is_shown(shared: Shared, tmp_path: Path) -> None:
    company = shared.company(with_jane, tmp_path)
    later = company.settings.published / "R0009"
    shutil.copytree((company.settings.published / "current").resolve(), later)
    live = [int(str(current_run(company.settings))[1:])]
    snapshots = Snapshots(company.settings, lambda: live[0])

    with snapshots.reading() as first, snapshots.expecting() as nothing:
        pass
    point_to(company.settings.published / "current", later.name)
    with snapshots.expecting() as expected, snapshots.reading() as shown:
        assert expected is not None
        expected.know(("looked", "at"), "before")
    live[0] = 9
    with snapshots.reading() as now, snapshots.expecting() as no_other:
        told = now.remember(("looked", "at"), lambda: "by those who wait")
        rows = now.rows("select customer_id from customers")
    snapshots.close()

    assert (nothing, shown.run_id, no_other) == (None, first.run_id, None)
    assert (now.run_id, told) == ("R0009", "before")
    assert rows != []


def test_a_snapshot_that_was_made_anew_since_it_was_expected_is_read_anew(
    shared: Shared, tmp_path: Path
) -> None:
    company = shared.company(with_jane, tmp_path)
    later = company.settings.published / "R0009"
    shutil.copytree((company.settings.published / "current").resolve(), later)
    live = [int(str(current_run(company.settings))[1:])]
    snapshots = Snapshots(company.settings, lambda: live[0])
    with snapshots.reading():
        pass
    point_to(company.settings.published / "current", later.name)
    with snapshots.expecting() as expected:
        assert expected is not None
        expected.know(("looked", "at"), "of the one before")

    os.replace(shutil.copy(later / "golden.duckdb", later / "copy"), later / "golden.duckdb")
    live[0] = 9
    with snapshots.reading() as now:
        told = now.remember(("looked", "at"), lambda: "of this one")
    snapshots.close()

    assert (now.run_id, told) == ("R0009", "of this one")


def test_a_large_snapshot_is_laid_out_for_searching_by_another_process(
    shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = shared.company(with_jane, tmp_path)
    monkeypatch.setattr(reading, "LARGE", 0)

    def never(_: object) -> pl.DataFrame:
        raise AssertionError("it was made here")

    monkeypatch.setattr(index, "_entries", never)
    snapshots = Snapshots(
        company.settings, lambda: None, partial(index.lay_out_elsewhere, company.settings)
    )

    with snapshots.reading() as snapshot:
        index.prepare(snapshot)
        found = snapshot.row("select count(*) as words from memory.entries")
    snapshots.close()

    assert found is not None
    assert found["words"] > 0
    live = current_run(company.settings) or ""
    assert list((company.settings.published / live / LAID_OUT).glob("*-search.duckdb"))


def test_while_a_large_snapshot_is_laid_out_searches_read_the_one_before(
    shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = shared.company(with_jane, tmp_path)
    monkeypatch.setattr(reading, "LARGE", 0)
    before = current_run(company.settings) or ""
    lay_out = partial(index.lay_out, company.settings)
    snapshots = Snapshots(company.settings, lambda: None, lay_out)
    with snapshots.reading() as snapshot:
        index.prepare(snapshot)
    company.drop("forms", [JANE | {"first": "Janet", "email": "janet@post.org"}])
    company.night(9)

    with snapshots.reading() as snapshot:
        with snapshot.indexed() as meanwhile:
            assert meanwhile.run_id == before
        index.prepare(snapshot)
        with snapshot.indexed() as then:
            assert then.run_id == snapshot.run_id != before
    snapshots.close()


def test_what_does_not_last_waits_for_no_laying_out(
    shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGE", 0)
    begun, done = threading.Event(), threading.Event()

    def lay_out(_: str) -> None:
        begun.set()
        done.wait(60)

    snapshots = Snapshots(shared.company(with_jane, tmp_path).settings, lambda: None, lay_out)
    with snapshots.reading() as snapshot:
        aside = threading.Thread(target=index.prepare, args=(snapshot,))
        aside.start()
        try:
            assert begun.wait(60)
            snapshot.keep("numbers", "number", lambda of: of.frame("select 1 as number"))
            found = snapshot.row("from memory.numbers")
        finally:
            done.set()
            aside.join()
    snapshots.close()

    assert found == {"number": 1}


def test_an_earlier_night_is_read_without_a_file_of_its_own(shared: Shared, tmp_path: Path) -> None:
    company = shared.company(with_jane, tmp_path)
    snapshots = Snapshots(company.settings, lambda: None)

    with snapshots.reading_old("R0001") as snapshot:
        index.prepare(snapshot)
        found = snapshot.row("select count(*) as words from memory.entries")

    assert found is not None
    assert found["words"] > 0
    assert not (company.settings.published / "R0001" / LAID_OUT).exists()
