"""What waits comes first by what it is worth, and by how long it has waited."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.queues import Order, Queues
from store.queueing import urgency_sql
from store.rulebook import read_rulebook
from tests.flows.builders import OWN

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ORDER = Order(ageing_days=10)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


def at(order: Order, priority: float, due_at: datetime, now: datetime) -> float:
    return order.priority_at(order.urgency(priority, due_at), now)


@pytest.mark.parametrize(("days", "more"), [(-10, 0.0), (-5, 0.5), (0, 1.0), (20, 3.0)])
def test_waiting_adds_evenly_and_one_by_the_day_an_item_is_due(days: int, more: float) -> None:
    now = NOON + timedelta(days=days)

    assert at(ORDER, 2.0, NOON, now) == pytest.approx(2.0 + more, abs=1e-5)


def test_what_has_waited_long_comes_before_what_is_worth_more_and_came_late() -> None:
    old, new = ORDER.urgency(0.1, NOON), ORDER.urgency(3.0, NOON + timedelta(days=30))

    assert old > new


@given(
    one=st.tuples(st.floats(0, 5), MOMENTS),
    other=st.tuples(st.floats(0, 5), MOMENTS),
    now=MOMENTS,
    later=MOMENTS,
)
def test_time_changes_the_order_of_no_two_items(
    one: tuple[float, datetime], other: tuple[float, datetime], now: datetime, later: datetime
) -> None:
    def ahead(moment: datetime) -> float:
        return at(ORDER, *one, moment) - at(ORDER, *other, moment)

    assert ahead(now) == pytest.approx(ahead(later), abs=1e-6)


@pytest.mark.parametrize("priority", [0.0, 0.3333, 3.2958])
def test_the_queue_is_filled_with_the_same_urgency(priority: float) -> None:
    with duckdb.connect() as con:
        query = f"select {urgency_sql(ORDER)} from (select $1::double as priority, "
        row = con.execute(f"{query} $2::timestamptz as due_at)", [priority, NOON]).fetchone()

    assert row is not None
    assert row[0] == pytest.approx(ORDER.urgency(priority, NOON), abs=2e-6)


def test_rules_without_a_limit_of_large_links_have_two_hundred() -> None:
    own = read_rulebook(OWN).queues
    told = own.model_dump(exclude={"large"})

    assert Queues.model_validate(told).large.records == own.large.records == 200
