"""PostgreSQL reads a statement once for each connection, and whatever goes wrong ends there."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from store.errors import DecisionLogError
from store.state.engine import at_the_end, open_engine, reading, writing
from store.state.wire import MOST_KNOWN, numbered

TABLE = sa.Table(
    "told",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text),
)
KNOWN = "select count(*) from pg_prepared_statements"
ROWS: list[dict[str, object]] = [
    {"number": number, "text": f"100 % of '{number}'"} for number in range(250)
]


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


def add_at_the_end(
    engine: sa.Engine, rows: list[dict[str, object]], then: Callable[[], None] = lambda: None
) -> None:
    with writing(engine) as connection, at_the_end(connection):
        connection.execute(sa.insert(TABLE), rows)
        then()


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
def test_connections_stay_after_many_asked_at_once_and_compile_nothing(engine: sa.Engine) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(reading(engine)) for _ in range(9)]
        told = {line.exec_driver_sql("SHOW jit").scalar() for line in lines}

    assert told == {"off"}
    assert isinstance(engine.pool, sa.QueuePool)
    assert engine.pool.checkedin() == 9


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


@on_postgresql
def test_a_transaction_begins_together_with_what_is_asked_first(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        line = connection.connection.dbapi_connection
        assert line is not None
        before = line._in_transaction
        connection.execute(sa.insert(TABLE), ROWS)
        after = line._in_transaction
    with writing(engine):
        pass

    assert (before, after, count(engine)) == (False, True, len(ROWS))


@on_postgresql
def test_what_is_changed_at_the_end_is_sent_with_the_next_question_or_the_commit(
    engine: sa.Engine,
) -> None:
    with writing(engine) as connection, at_the_end(connection):
        connection.execute(sa.insert(TABLE), ROWS)
        connection.execute(sa.update(TABLE).values(text="anew"))
        connection.execute(sa.delete(TABLE).where(TABLE.c.number >= 240))
        before = count(engine)
        asked = connection.scalar(sa.select(sa.func.count()).select_from(TABLE))
        connection.execute(sa.delete(TABLE).where(TABLE.c.number >= 230))

    assert (before, asked, count(engine)) == (0, 240, 230)


@on_postgresql
def test_what_goes_wrong_at_the_end_is_said_by_the_commit_and_nothing_is_stored(
    engine: sa.Engine,
) -> None:
    with pytest.raises(DecisionLogError):
        add_at_the_end(engine, [*ROWS[:120], ROWS[0], *ROWS[120:]])

    assert count(engine) == 0
    add_at_the_end(engine, ROWS)
    assert count(engine) == len(ROWS)


@on_postgresql
def test_what_waits_for_the_end_is_forgotten_when_all_is_taken_back(engine: sa.Engine) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_at_the_end(engine, ROWS, fail)

    with writing(engine) as connection:
        connection.execute(sa.insert(TABLE), ROWS[:1])
    assert count(engine) == 1


@on_postgresql
def test_a_connection_that_the_server_ended_is_made_anew(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.state.postgresql.FRESH", -1)
    others = "pid <> pg_backend_pid() and datname = current_database()"
    assert count(engine) == 0
    other = sa.create_engine(engine.url)
    with other.connect() as connection:
        connection.exec_driver_sql(
            f"select pg_terminate_backend(pid) from pg_stat_activity where {others}"
        )
    other.dispose()

    assert count(engine) == 0
