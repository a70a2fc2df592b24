"""Questions that closed unanswered are forgotten; what somebody said of one keeps it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from store.state.engine import open_engine, reading
from store.state.forgetting import find_forgotten, forget_items
from store.state.tables import ITEM_CUSTOMERS, ITEMS
from tests.store.test_queue import ANN, Desk

LATER = datetime(2027, 3, 1, tzinfo=UTC)
BEFORE = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    """I-1 was answered, I-2 commented on, I-3 neither; all are closed, and I-4 waits."""
    engine = open_engine(url, 30.0)
    desk = Desk(engine)
    desk.publish(1, *({"item_id": f"I-{number}"} for number in range(1, 4)))
    desk.queue.take(ANN, "I-1")
    desk.say(ANN, "I-1")
    desk.work.comment("ann", "I-2", "ask the customer")
    desk.publish(2, {"item_id": "I-4"})
    yield desk
    engine.dispose()


def left(desk: Desk, table: sa.Table) -> list[str]:
    with reading(desk.engine) as connection:
        query = sa.select(table.c.item_id).distinct().order_by(table.c.item_id)
        return list(connection.scalars(query))


def test_what_nobody_answered_goes_when_it_is_old(desk: Desk) -> None:
    assert find_forgotten(desk.engine, BEFORE) == []
    assert find_forgotten(desk.engine, LATER) == ["I-3"]

    forget_items(desk.engine, ["I-3"])

    assert left(desk, ITEMS) == ["I-1", "I-2", "I-4"]
    assert "I-3" not in left(desk, ITEM_CUSTOMERS)


def test_what_was_opened_again_meanwhile_stays(desk: Desk) -> None:
    forgotten = find_forgotten(desk.engine, LATER)
    desk.publish(3, {"item_id": "I-3"}, {"item_id": "I-4"})

    forget_items(desk.engine, forgotten)

    assert "I-3" in left(desk, ITEMS)


def test_what_is_forgotten_and_asked_again_is_new(desk: Desk) -> None:
    forget_items(desk.engine, ["I-3"])

    desk.publish(3, {"item_id": "I-3"})

    desk.queue.take(ANN, "I-3")
    assert desk.say(ANN, "I-3").decision_id == 2
