"""The Parquet files say what the tables say, though they are not made from the views."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from store.parquet import write_tables
from store.schema import golden_schema

GOLDEN = """
insert into crosswalk (record_number, founder, record_id) values (1, 1, 'a:1'), (2, 1, 'b:2');
insert into plain_values by name
select 1 as founder, 'C0-1' as customer_id, 1 as record, 'a:1' as record_id,
    timestamptz '2026-01-01 00:00Z' as changed_at, 'ann@mail.org' as email, true as consent_email;
insert into noted_values by name
select 3 as founder, 'C0-3' as customer_id, 1 as record, 'a:1' as record_id,
    timestamptz '2026-01-02 00:00Z' as changed_at, 'bob@mail.org' as email, 2 as email_record,
    'most_recent' as email_by, timestamptz '2026-01-01 00:00Z' as email_since,
    date '1980-02-01' as birth_date, 0 as birth_date_record, 'steward' as birth_date_by,
    false as consent_email;
insert into closed_periods values
    (3, 'C0-3', 'email', 'old@mail.org', '2025-01-01 00:00Z', '2026-01-01 00:00Z');
create view pairs as select 'a:1' as record_id_a, 'b:2' as record_id_b;
"""


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "golden.duckdb")) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(golden_schema(["email", "birth_date", "consent_email"], ["most_recent"]))
        con.execute(GOLDEN)
        yield con


def rows(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    return sorted(frame.rows(), key=repr)


@pytest.mark.parametrize("table", ["customers", "lineage", "history", "contact_points", "pairs"])
def test_a_file_has_the_columns_the_types_and_the_rows_of_its_table(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, table: str
) -> None:
    shown = "* exclude (founder)" if table == "contact_points" else "*"
    expected = con.sql(f"select {shown} from {table}").pl()

    write_tables(con, tmp_path, [table])

    found = pl.read_parquet(tmp_path / f"{table}.parquet")
    assert found.schema == expected.schema
    assert rows(found) == rows(expected)


def test_the_lineage_of_a_value_is_its_record_what_decided_and_since_when(
    con: duckdb.DuckDBPyConnection,
) -> None:
    found = con.sql(
        "select customer_id, field, value, record_id, decided_by, day(valid_from) from lineage "
        "order by 1, 2"
    ).fetchall()

    assert found == [
        ("C0-1", "consent_email", "true", "a:1", "only_value", 1),
        ("C0-1", "email", "ann@mail.org", "a:1", "only_value", 1),
        ("C0-3", "birth_date", "1980-02-01", None, "steward", 2),
        ("C0-3", "consent_email", "false", "a:1", "only_value", 2),
        ("C0-3", "email", "bob@mail.org", "b:2", "most_recent", 1),
    ]
