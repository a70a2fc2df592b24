"""PostgreSQL reads a statement once for each connection, and whatever goes wrong ends there."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from store.state.engine import open_engine, reading, writing
from store.state.wire import MOST_KNOWN, numbered

TABLE = sa.Table(
    "told",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text),
)
KNOWN = "select count(*) from pg_prepared_statements"
ROWS = [{"number": number, "text": f"100 % of '{number}'"} for number in range(250)]


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = open_engine(url, 5)
    with writing(engine) as connection:
        TABLE.create(connection)
    yield engine
    engine.dispose()


on_postgresql = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


def count(engine: sa.Engine) -> int:
    with reading(engine) as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(TABLE)) or 0)


@on_postgresql
def test_many_rows_are_stored_and_counted(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.execute(sa.insert(TABLE), ROWS)
        named = TABLE.c.number == sa.bindparam("named")
        changed = connection.execute(
            sa.update(TABLE).where(named).values(text=None), [{"named": n} for n in range(200, 300)]
        )
        told = connection.scalars(sa.select(TABLE.c.text).order_by(TABLE.c.number)).all()

    assert changed.rowcount == 50
    assert told == [row["text"] for row in ROWS[:200]] + [None] * 50


@on_postgresql
def test_a_row_that_is_refused_takes_the_others_along(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.DBAPIError), engine.begin() as connection:
        connection.execute(sa.insert(TABLE), [*ROWS[:120], ROWS[0], *ROWS[120:]])

    assert count(engine) == 0
    with writing(engine) as connection:
        connection.execute(sa.insert(TABLE), ROWS)
    assert count(engine) == len(ROWS)


@on_postgresql
def test_who_reads_begins_no_transaction(engine: sa.Engine) -> None:
    with reading(engine) as connection:
        connection.execute(sa.select(TABLE).where(TABLE.c.number == 1)).all()
        line = connection.connection.dbapi_connection
        assert line is not None
        assert not line._in_transaction


@on_postgresql
def test_a_statement_is_read_once_and_few_are_kept(engine: sa.Engine) -> None:
    with reading(engine) as connection:
        for many in [1] * 5 + [*range(1, MOST_KNOWN + 20)]:
            named = sa.text(f"select {many} + :one")
            assert connection.scalar(named, {"one": 1}) == many + 1
        kept = connection.exec_driver_sql(KNOWN).scalar()

    assert kept == MOST_KNOWN


@on_postgresql
def test_a_statement_whose_table_changed_is_read_anew(engine: sa.Engine) -> None:
    asked = sa.text("select * from told where number = :number")
    with reading(engine) as connection:
        connection.execute(asked, {"number": 1}).all()
        connection.exec_driver_sql("alter table told add column more text")
        with pytest.raises(sa.exc.DBAPIError):
            connection.execute(asked, {"number": 1}).all()
        found = connection.execute(asked, {"number": 1})

    assert [*found.keys()] == ["number", "text", "more"]


def test_places_are_numbered_outside_of_quotes() -> None:
    assert numbered("select %s, '%s', a %% %s") == "select $1, '%s', a % $2"
