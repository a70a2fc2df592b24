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

AT_A_TIME = 200
"""Items that go up in one transaction: stewards wait for no longer than that takes."""
BY_TIME = "touchstone"
"""Who does it, in the audit trail."""


def escalate_due(engine: sa.Engine, queues: Queues, now: datetime) -> Counter[str]:
    """Take each item as far up as its time says; how many went to whom.

    Mostly nothing is late: that is read first, since a turn to write is waited for.
    """
    went: Counter[str] = Counter()
    with reading(engine) as connection:
        due = [
            (step, late)
            for step, late in _steps(queues, now)
            if connection.scalar(late.limit(1)) is not None
        ]
    for step, late in due:
        while count := _go_up(engine, late, step, now):
            went[step.to] += count
    return went


def _steps(queues: Queues, now: datetime) -> Iterator[tuple[Escalation, sa.Select[tuple[str]]]]:
    """Each step of each kind, the highest first, and the items that are due for it."""
    for kind, queue in queues.kinds.items():
        for number in reversed(range(len(queue.escalation))):
            step = queue.escalation[number]
            below = [one.to for one in queue.escalation[:number]]
            yield step, _late(kind, step, below, now)


def _late(
    kind: str, step: Escalation, below: Sequence[str], now: datetime
) -> sa.Select[tuple[str]]:
    """Items of a kind that are due for a step and have not gone that far.

    While a customer is asked nothing goes up, and then from the day on which it came back.
    """
    until = to_text(now - timedelta(days=step.after_days))
    live = sa.select(LIVE.c.run_number).scalar_subquery()
    query = sa.select(ITEMS.c.item_id).where(
        sa.text("items.state in ('open', 'second_look')")
        & (ITEMS.c.due_at < until)
        & is_back(now - timedelta(days=step.after_days))
        & (ITEMS.c.kind == kind)
        & (ITEMS.c.first_run <= live)
        & (ITEMS.c.escalated_to.is_(None) | ITEMS.c.escalated_to.in_(below))
    )
    if step.to == "account_manager":
        query = query.where(ITEMS.c.manager.is_not(None))
    return query.order_by(ITEMS.c.due_at, ITEMS.c.item_id).limit(AT_A_TIME)


def _go_up(engine: sa.Engine, late: sa.Select[tuple[str]], step: Escalation, now: datetime) -> int:
    with in_turns(engine) as connection:
        item_ids = list(connection.scalars(late))
        if item_ids:
            named = ITEMS.c.item_id.in_(item_ids)
            rows = [Noted(now, BY_TIME, "past_due", str(one), step.to) for one in item_ids]
            with at_the_end(connection):
                connection.execute(sa.update(ITEMS).where(named).values(escalated_to=step.to))
                note_all(connection, rows)
        return len(item_ids)
