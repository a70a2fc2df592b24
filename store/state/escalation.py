"""Take items that are past due a step up: note to whom they went, and take them from nobody.

It is done by each run, by a command and by the clock of whoever schedules that; done twice it is
done once. An item that is asked anew begins below again.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from rules.queues import Escalation, Queues
from store.state.audit import Noted, note_all
from store.state.engine import at_the_end, in_turns, reading
from store.state.moments import to_text
from store.state.scope import is_back
from store.state.tables import ITEMS, LIVE

AT_A_TIME = 50
"""Items that go up in one transaction: stewards wait for no longer than that takes."""
BY_TIME = "touchstone"
"""Who does it, in the audit trail."""
_WAITS = sa.text("items.state in ('open', 'second_look')")


def escalate_due(engine: sa.Engine, queues: Queues, now: datetime) -> Counter[str]:
    """Take each item as far up as its time says; how many went to whom.

    Mostly nothing is late, and where much is it takes a while to find: that is read first, since a
    turn to write is waited for.
    """
    went: Counter[str] = Counter()
    if not _is_any_late(engine, queues, now):
        return went
    for step, late in _steps(queues, now):
        with reading(engine) as connection:
            found = sa.select(ITEMS.c.item_id).where(late)
            item_ids = connection.scalars(found.order_by(ITEMS.c.due_at, ITEMS.c.item_id)).all()
        for start in range(0, len(item_ids), AT_A_TIME):
            went[step.to] += _go_up(engine, late, item_ids[start : start + AT_A_TIME], step, now)
    return +went


def _is_any_late(engine: sa.Engine, queues: Queues, now: datetime) -> bool:
    """Whether any item is past due for the lowest step that there is: one look instead of many."""
    days = [step.after_days for queue in queues.kinds.values() for step in queue.escalation]
    until = to_text(now - timedelta(days=min(days, default=0)))
    found = sa.select(ITEMS.c.item_id).where(_WAITS & (ITEMS.c.due_at < until)).limit(1)
    with reading(engine) as connection:
        return bool(days) and connection.scalar(found) is not None


def _steps(queues: Queues, now: datetime) -> Iterator[tuple[Escalation, sa.ColumnElement[bool]]]:
    """Each step of each kind, the highest first, and which items are due for it."""
    for kind, queue in queues.kinds.items():
        for number in reversed(range(len(queue.escalation))):
            step = queue.escalation[number]
            below = [one.to for one in queue.escalation[:number]]
            yield step, _late(kind, step, below, now)


def _late(
    kind: str, step: Escalation, below: Sequence[str], now: datetime
) -> sa.ColumnElement[bool]:
    """Whether an item is of a kind, is due for a step and has not gone that far.

    While a customer is asked nothing goes up, and then from the day on which it came back.
    """
    until = to_text(now - timedelta(days=step.after_days))
    live = sa.select(LIVE.c.run_number).scalar_subquery()
    is_late: sa.ColumnElement[bool] = (
        _WAITS
        & (ITEMS.c.due_at < until)
        & is_back(now - timedelta(days=step.after_days))
        & (ITEMS.c.kind == kind)
        & (ITEMS.c.first_run <= live)
        & (ITEMS.c.escalated_to.is_(None) | ITEMS.c.escalated_to.in_(below))
    )
    if step.to == "account_manager":
        is_late &= ITEMS.c.manager.is_not(None)
    return is_late


def _go_up(
    engine: sa.Engine,
    late: sa.ColumnElement[bool],
    item_ids: Sequence[str],
    step: Escalation,
    now: datetime,
) -> int:
    """Take those of these items up that are still due; how many they were."""
    named = sa.update(ITEMS).where(ITEMS.c.item_id.in_(item_ids) & late)
    with in_turns(engine) as connection:
        gone = named.values(escalated_to=step.to).returning(ITEMS.c.item_id)
        went = set(connection.scalars(gone))
        rows = [Noted(now, BY_TIME, "past_due", one, step.to) for one in item_ids if one in went]
        with at_the_end(connection):
            note_all(connection, rows)
        return len(rows)
