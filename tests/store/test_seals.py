"""What was noted in the audit trail is kept as it was, and a change is found."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from store.state.audit import Audit
from store.state.engine import open_engine
from store.state.seals import seal, verify

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    """A trail of two sealed stretches, and a row that came after."""
    engine = open_engine(url, 5)
    audit = Audit(engine, lambda: NOW)
    for number in range(3):
        audit.note("ada", "look", f"I-{number}")
    seal(engine, NOW)
    audit.note("ben", "verdict", "I-1", "decision 1")
    seal(engine, NOW)
    audit.note("ben", "sign_out")
    yield engine
    engine.dispose()


def behind_the_back(engine: sa.Engine, *statements: str) -> None:
    """Change the trail as somebody may who owns the database."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for table in ("audit", "seals"):
                connection.exec_driver_sql(f"drop trigger {table}_refuse_update")
                connection.exec_driver_sql(f"drop trigger {table}_refuse_delete")
        else:
            connection.exec_driver_sql("set local session_replication_role = replica")
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_trail_that_nobody_touched_holds(engine: sa.Engine) -> None:
    chain = verify(engine)

    assert (chain.rows, chain.open_rows, chain.sealed_at) == (4, 1, NOW)
    assert chain.broken_after is None


def test_nothing_new_is_not_sealed_again(engine: sa.Engine) -> None:
    assert seal(engine, NOW) == 1
    assert seal(engine, NOW) == 0


@pytest.mark.parametrize(
    ("statement", "after"),
    [
        ("update audit set user_name = 'eve' where audit_id = 2", 0),
        ("update audit set detail = 'decision 2' where audit_id = 4", 3),
        ("delete from audit where audit_id = 1", 0),
        ("insert into audit values (0, '2026', 'ada', 'look', 'I-9', '')", 0),
        ("delete from seals where last_audit_id = 3", 0),
        ("update seals set digest = 'x' where last_audit_id = 3", 0),
    ],
)
def test_a_change_below_a_seal_is_found(
    engine: sa.Engine, statement: str, after: int | None
) -> None:
    behind_the_back(engine, statement)

    assert verify(engine).broken_after == after


def test_the_database_itself_refuses_a_change(engine: sa.Engine) -> None:
    for table in ("audit", "seals"):
        with pytest.raises(sa.exc.DBAPIError), engine.begin() as connection:
            connection.exec_driver_sql(f"delete from {table}")
