"""One open warehouse serves every stage of a run; each stage has a connection of its own."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

import rules as shipped
from store import warehouse as module
from store.errors import NoRoomError, TouchstoneError
from store.golden import open_beside
from store.rulebook import read_rulebook
from store.schema import WAREHOUSE
from store.settings import Settings
from store.warehouse import Warehouse


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Warehouse]:
    settings = Settings(data=tmp_path, threads=1)
    with Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse:
        yield warehouse


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a disk that is all but full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_cannot_be_made_for_want_of_room_is_made_once_there_is_some(
    tmp_path: Path,
) -> None:
    settings = Settings(data=tmp_path, threads=1)
    with files_no_larger_than(4_096), pytest.raises(TouchstoneError, match="make room on the disk"):
        Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False)

    assert not settings.warehouse.exists()
    with Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse:
        assert warehouse.has("std.records")


def test_what_a_stage_keeps_for_itself_ends_with_it(opened: Warehouse) -> None:
    with opened.session() as stage:
        stage.execute("create temp table kept (a integer)")
        assert stage.is_empty("kept")

    with opened.session() as stage, pytest.raises(duckdb.CatalogException):
        stage.is_empty("kept")


@pytest.mark.parametrize("small", [0, 64 << 20])
def test_what_a_stage_commits_is_there_for_the_next_however_large_the_file(
    opened: Warehouse, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SMALL", small)
    con = opened.con
    with opened.session() as stage, stage.transaction():
        stage.execute("insert into change.records values (7)")

    with opened.session() as stage:
        assert stage.one("select record_number from change.records") == 7

    assert (opened.con is con) == (small > 0)


def test_every_connection_is_bounded_as_the_settings_say(opened: Warehouse) -> None:
    asked = "select current_setting('threads')"
    with opened.session() as stage:
        assert stage.one(asked) == opened.one(asked) == 1
        assert stage.con.sql("select current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_golden_tables_that_cannot_be_closed_for_want_of_room_say_so_in_a_sentence(
    opened: Warehouse, tmp_path: Path
) -> None:
    path = tmp_path / "golden.duckdb"
    rules = read_rulebook(Path(shipped.__file__).parent).survivorship
    golden = open_beside(opened, path, rules)
    golden.con.execute("create table more as select range as n, hash(range) as h from range(90000)")
    room = path.stat().st_size
    with files_no_larger_than(room), pytest.raises(NoRoomError, match="free some disk space"):
        golden.close()
