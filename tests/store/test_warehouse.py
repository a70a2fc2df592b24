"""One open warehouse serves every stage of a run; each stage has a connection of its own."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from store import warehouse as module
from store.schema import WAREHOUSE
from store.settings import Settings
from store.warehouse import Warehouse


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Warehouse]:
    settings = Settings(data=tmp_path, threads=1)
    with Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse:
        yield warehouse


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
