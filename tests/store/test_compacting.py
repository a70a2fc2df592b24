"""Files that never shrink are written anew when much of them is free, and say what they said."""

import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from store import compacting
from store.compacting import compact
from store.schema import WAREHOUSE
from store.settings import Settings
from store.warehouse import Warehouse, format_of

TEXT = "create table notes (number bigint, said varchar using compression uncompressed)"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Tables and a decision log of which most was deleted; other tables that are full."""
    (tmp_path / "o'clock").mkdir()
    settings = Settings(data=tmp_path / "o'clock", threads=1)
    rows = pl.DataFrame({"number": range(300_000)}).with_columns(
        said=pl.format("note {} of many", "number")
    )
    for path in (settings.warehouse, settings.golden):
        with Warehouse(path, settings, WAREHOUSE, compress=False) as tables:
            tables.execute(TEXT)
            tables.insert("notes", rows)
            tables.execute("create view few as from notes where number < 5")
            tables.execute("comment on table notes is 'what was said'")
            tables.execute("checkpoint")
            if path == settings.golden:
                tables.execute("delete from notes where number >= 1000")
    (settings.data / "decisions").mkdir()
    with closing(_log(settings)) as con:
        con.execute("create table said (text)")
        con.executemany("insert into said values (?)", [("x" * 900,)] * 2000)
        con.execute("delete from said where rowid > 10")
    return settings


def _log(settings: Settings) -> sqlite3.Connection:
    con = sqlite3.connect(settings.data / "decisions" / "decisions.sqlite", isolation_level=None)
    con.execute("pragma journal_mode = wal")
    return con


def test_a_file_that_is_mostly_free_becomes_small_and_says_the_same(settings: Settings) -> None:
    before = settings.golden.stat().st_size

    won = compact(settings, small=0)

    assert set(won) == {"golden.duckdb", "decisions.sqlite"}
    assert settings.golden.stat().st_size == before - won["golden.duckdb"] < before / 4
    assert format_of(settings.golden) == format_of(settings.warehouse)
    with Warehouse(settings.golden, settings, WAREHOUSE, compress=False) as tables:
        assert tables.one("select count(*) from notes") == 1000
        assert tables.one("select count(*) from few") == 5
        told = tables.read("select comment, sql from duckdb_tables() where table_name = 'notes'")
        assert told["comment"].item() == "what was said"
        assert "Uncompressed" in told["sql"].item()
    with closing(_log(settings)) as con:
        assert con.execute("select count(*) from said").fetchone() == (10,)
    assert compact(settings, small=0) == {}
    assert list(settings.work.glob("R*")) == []


def test_small_files_are_left_alone(settings: Settings) -> None:
    assert compact(settings) == {}


def test_who_reads_the_log_meanwhile_goes_on_reading(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "PATIENCE", 0.1)  # the reader is there until the end
    with closing(_log(settings)) as reader:
        reader.execute("begin")
        assert reader.execute("select count(*) from said").fetchone() == (10,)

        compact(settings, small=0)

        assert reader.execute("select count(*) from said").fetchone() == (10,)
        reader.execute("commit")
        assert reader.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_log_that_somebody_writes_stays_as_it_is_and_the_tables_are_compacted(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "PATIENCE", 0.1)
    with closing(_log(settings)) as deciding:
        deciding.execute("begin immediate")

        won = compact(settings, small=0)

    assert set(won) == {"golden.duckdb"}
    assert "decisions.sqlite is as large as it was (database is locked)" in caplog.text
