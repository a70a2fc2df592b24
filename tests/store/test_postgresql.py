"""The copy in PostgreSQL is the snapshot, after each night, and all of it or nothing."""

import random
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from flows.cli import main
from store.errors import TouchstoneError
from store.postgresql import KEYS, SCHEMA, copy_to_postgresql
from tests.flows.builders import Company, found, person


@pytest.fixture
def database(postgresql_socket: Path) -> str:
    server = f"postgresql+pg8000://postgres@/postgres?unix_sock={postgresql_socket}/.s.PGSQL.5432"
    name = f"copy_{random.SystemRandom().randrange(10**12)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def company(one_night: Company, tmp_path: Path) -> Company:
    """A copy of that company, to go on with."""
    shutil.copytree(one_night.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    places = {"data": tmp_path / "data", "rules": tmp_path / "rules"}
    return Company(tmp_path, one_night.settings.model_copy(update=places))


@pytest.fixture(scope="module")
def one_night(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """One night: Ann with a name that CSV must quote, and Bert."""
    company = found(tmp_path_factory.mktemp("copied"))
    ann = person('Ann "A,\n\\', "Miller", id="1", op="upsert", changed="2026-01-01",
                 email="ann@a.org", news="yes")  # fmt: skip
    bert = person(
        "Bert", "Archer", id="2", op="upsert", changed="2026-01-01", phone="020 7946 0999"
    )
    company.drop("partner", [ann, bert])
    company.night(1)
    return company


def ask(database: str, query: str) -> list[Any]:
    engine = sa.create_engine(database)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]
    finally:
        engine.dispose()


def same(database: str, company: Company) -> None:
    """Each table of the copy has the rows of the snapshot."""
    for table in KEYS:
        path = company.settings.published / "current" / f"{table}.parquet"
        wanted = pl.read_parquet(path)
        columns = ", ".join(wanted.columns)
        rows = ask(database, f"select {columns} from {SCHEMA}.{table}")
        assert sorted(map(repr, rows)) == sorted(map(repr, map(_plain, wanted.rows()))), table


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Moments as the driver gives them."""
    return tuple(cell.astimezone(UTC) if isinstance(cell, datetime) else cell for cell in row)


def test_the_first_copy_is_the_whole_snapshot_with_keys_and_comments(
    company: Company, database: str
) -> None:
    copied = copy_to_postgresql(company.settings, database)

    assert (copied.run_id, copied.before) == ("R0001", None)
    same(database, company)
    keyed = ask(
        database,
        "select table_name from information_schema.table_constraints "
        f"where constraint_type = 'PRIMARY KEY' and table_schema = '{SCHEMA}'",
    )
    assert {name for (name,) in keyed} == {*KEYS, "copied"} - {"metrics", "changes"}
    said = ask(database, f"select col_description('{SCHEMA}.crosswalk'::regclass, 1)")
    assert said[0][0]


def test_the_next_copy_writes_what_differs_and_nothing_else(
    company: Company, database: str
) -> None:
    copy_to_postgresql(company.settings, database)
    moved = person("Bert", "Archer", id="2", op="upsert", changed="2026-02-01",
                   phone="020 7946 0999", email="bert@b.org")  # fmt: skip
    company.drop("partner", [moved, person("Cy", "Dent", id="3", op="upsert", email="cy@c.org")])
    company.night(2)

    copied = copy_to_postgresql(company.settings, database)

    assert (copied.run_id, copied.before) == ("R0002", "R0001")
    assert copied.rows["customers"] == 2
    same(database, company)


def test_who_is_gone_from_the_snapshot_is_gone_from_the_copy(
    company: Company, database: str
) -> None:
    copy_to_postgresql(company.settings, database)
    company.drop("partner", [{"id": "2", "op": "delete"}])
    company.night(2)

    copy_to_postgresql(company.settings, database)

    same(database, company)
    names = ask(database, f"select last_name from {SCHEMA}.customers")
    assert names == [("Miller",)]


def test_a_quiet_night_copies_no_customer_and_a_repeat_nothing(
    company: Company, database: str
) -> None:
    copy_to_postgresql(company.settings, database)
    company.night(2)

    quiet = copy_to_postgresql(company.settings, database)
    again = copy_to_postgresql(company.settings, database)

    assert not {"customers", "crosswalk", "lineage", "history", "changes"} & set(quiet.rows)
    assert again.rows == {}
    same(database, company)


def test_where_the_snapshot_of_the_copy_is_not_kept_the_tables_are_filled_anew(
    company: Company, database: str
) -> None:
    copy_to_postgresql(company.settings, database)
    company.night(2)
    shutil.rmtree(company.settings.published / "R0001")

    copied = copy_to_postgresql(company.settings, database)

    assert copied.before is None
    same(database, company)


def test_a_run_of_the_same_name_elsewhere_is_another_run(
    company: Company, database: str, tmp_path: Path
) -> None:
    copy_to_postgresql(company.settings, database)
    other = company.anew(tmp_path / "other")
    other.rebuild(1)

    copied = copy_to_postgresql(other.settings, database)

    assert (copied.run_id, copied.before) == ("R0001", None)


def test_a_copy_that_breaks_off_leaves_the_one_before(company: Company, database: str) -> None:
    copy_to_postgresql(company.settings, database)
    company.drop("partner", [person("Cy", "Dent", id="3", op="upsert", email="cy@c.org")])
    company.night(2)
    (company.settings.published / "R0002" / "changes.parquet").write_bytes(b"broken")

    with pytest.raises(Exception, match="changes"):
        copy_to_postgresql(company.settings, database)

    assert ask(database, f"select count(*) from {SCHEMA}.customers") == [(2,)]
    assert ask(database, f"select run_id from {SCHEMA}.copied") == [("R0001",)]


def test_the_command_says_what_it_did(
    company: Company, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]

    assert main(["publish", "--to", database, *places]) == 0
    assert "The copy is at R0001: " in capsys.readouterr().out
    assert main(["publish", "--to", database, *places]) == 0
    assert "at R0001 already" in capsys.readouterr().out


def test_a_server_that_is_not_there_is_one_sentence(company: Company) -> None:
    says = "PostgreSQL did not take the copy: it cannot be reached; check that it runs"
    with pytest.raises(TouchstoneError, match=says):
        copy_to_postgresql(company.settings, "postgresql://nobody@127.0.0.1:1/nothing")
