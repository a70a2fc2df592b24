"""A snapshot is complete before readers are switched to it."""

import subprocess
from pathlib import Path

import duckdb
import polars as pl
import pytest

from store import snapshot as module
from store import sums
from store.errors import TouchstoneError
from store.schema import golden_schema
from store.settings import Settings
from store.snapshot import (
    HIDDEN,
    OF_EVERY_RUN,
    TABLES,
    current_run,
    glance_at_snapshot,
    open_snapshot,
    publish,
)
from store.sums import SUMS, changed_files, digest_of, read_sums


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, snapshots_kept=2, threads=1)


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    path = tmp_path / "golden.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(golden_schema(["email"], ["most_recent"]))
        con.execute("create view pairs as select 'a' as record_id_a, 1 as founder")
        con.execute("create view relationships as select 'C0-1' as customer_id_a")
        con.execute("insert into crosswalk (record_number, founder, record_id) values (7, 7, 'a')")
    return path


def test_every_table_is_published_without_the_columns_of_the_line(
    golden: Path, settings: Settings
) -> None:
    folder = publish(golden, settings, "R0001")

    assert sorted(path.stem for path in folder.glob("*.parquet")) == sorted(TABLES)
    for path in folder.glob("*.parquet"):
        assert not HIDDEN & set(pl.read_parquet_schema(path))
    assert current_run(settings) == "R0001"


def test_a_crash_before_the_switch_leaves_the_old_snapshot(
    golden: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(golden, settings, "R0001")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "_write_parquet", crash)
        with pytest.raises(KeyboardInterrupt):
            publish(golden, settings, "R0002")

    assert current_run(settings) == "R0001"
    publish(golden, settings, "R0002")
    assert current_run(settings) == "R0002"
    assert not list(settings.published.glob(".*draft"))


def test_so_many_snapshots_are_kept_as_the_setting_says(golden: Path, settings: Settings) -> None:
    for number in range(1, 5):
        publish(golden, settings, f"R000{number}")

    assert sorted(path.name for path in settings.published.glob("R*")) == ["R0003", "R0004"]


def test_an_older_snapshot_can_be_opened_by_name(golden: Path, settings: Settings) -> None:
    publish(golden, settings, "R0001")
    publish(golden, settings, "R0002")

    with open_snapshot(settings, "R0001") as con:
        assert con.sql("select count(*) from crosswalk").fetchall() == [(1,)]
        with pytest.raises(duckdb.InvalidInputException):
            con.execute("delete from crosswalk")


@pytest.mark.parametrize("run_id", [None, "R0009"])
def test_a_snapshot_that_is_not_there_is_said(settings: Settings, run_id: str | None) -> None:
    with pytest.raises(TouchstoneError, match="touchstone nightly"):
        open_snapshot(settings, run_id)


def test_the_digest_of_a_snapshot_is_what_sha256sum_finds(golden: Path, settings: Settings) -> None:
    folder = publish(golden, settings, "R0001")

    told = subprocess.run(["sha256sum", "-c", "--quiet", SUMS], cwd=folder, check=False)
    whole = subprocess.run(["sha256sum", SUMS], cwd=folder, check=True, capture_output=True)

    assert told.returncode == 0
    assert set(read_sums(folder)) == {f"{table}.parquet" for table in TABLES}
    assert whole.stdout.decode().split()[0] == digest_of(folder)


def test_a_table_that_was_changed_after_publishing_is_named(
    golden: Path, settings: Settings
) -> None:
    folder = publish(golden, settings, "R0001")
    assert changed_files(folder) == []

    with (folder / "customers.parquet").open("ab") as out:
        out.write(b"x")
    (folder / "runs.parquet").unlink()

    assert changed_files(folder) == ["customers.parquet", "runs.parquet"]


def test_what_is_linked_is_not_read_again_for_its_digest(
    golden: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(golden, settings, "R0001")
    read: list[str] = []
    digest = sums._digest
    monkeypatch.setattr(sums, "_digest", lambda path: read.append(path.name) or digest(path))

    second = publish(golden, settings, "R0002", is_changed=False)

    assert sorted(read) == sorted(f"{table}.parquet" for table in OF_EVERY_RUN)
    assert read_sums(second).keys() == read_sums(first).keys()
    assert changed_files(second) == []


def test_a_snapshot_of_an_earlier_version_has_no_digest_and_the_next_one_has(
    golden: Path, settings: Settings
) -> None:
    first = publish(golden, settings, "R0001")
    (first / SUMS).unlink()

    second = publish(golden, settings, "R0002", is_changed=False)

    assert digest_of(first) is None
    assert changed_files(first) == []
    assert len(read_sums(second)) == len(TABLES)


@pytest.mark.parametrize("name", ["one", "other"])
def test_a_glance_puts_what_finds_no_room_below_the_data_it_looks_at(
    golden: Path, tmp_path: Path, name: str
) -> None:
    settings = Settings(data=tmp_path / name, threads=1)
    publish(golden, settings, "R0001")

    with glance_at_snapshot(settings) as con:
        told = con.sql("select current_setting('temp_directory')").fetchall()

    assert told == [(str(tmp_path / name / "work" / "spill"),)]
