"""Verdicts as they were given: whether they still stand, and how one is taken back."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from rules.decision import NewDecision, Undone
from store.decisions import DECISIONS, add_decision
from store.state.audit import Noted, note
from store.state.moments import to_moment
from store.state.scope import CLOSED, DECIDED, OPEN, SECOND
from store.state.tables import ITEMS, LIVE, VERDICTS


class Given(NamedTuple):
    """A verdict that was given."""

    verdict_id: str
    item_id: str
    kind: str
    user_name: str
    said_at: datetime
    answer: str
    because: str
    decision_id: int | None
    """None: it waits for a second person, or was `unsure`."""
    stands: bool
    """Whether the item is still as this verdict left it, and no run has obeyed it."""
    batch_id: str | None = None
    """Of which answer to many items at once it is part."""


def given_rows() -> sa.Select[tuple[object, ...]]:
    """Verdicts with their items as they are now, and the run that was live when they were given."""
    live = sa.select(LIVE.c.run_number).scalar_subquery()
    return (
        sa.select(
            VERDICTS,
            ITEMS.c.kind,
            ITEMS.c.state,
            ITEMS.c.version.label("version_now"),
            DECISIONS.c.snapshot_run_id,
            live.label("live"),
        )
        .join(ITEMS, ITEMS.c.item_id == VERDICTS.c.item_id)
        .outerjoin(DECISIONS, DECISIONS.c.decision_id == VERDICTS.c.decision_id)
    )


def told_of(row: sa.Row[tuple[object, ...]]) -> Given:
    """A verdict of `given_rows`."""
    if row.decision_id is None:
        stands = row.state == SECOND and row.version_now == row.item_version
    else:
        is_new = row.snapshot_run_id == f"R{row.live:04d}"
        stands = row.state == DECIDED and row.version_now == row.item_version + 1 and is_new
    return Given(
        row.verdict_id,
        row.item_id,
        row.kind,
        row.user_name,
        to_moment(row.said_at),
        row.answer,
        row.because,
        row.decision_id,
        stands,
        row.batch_id,
    )


def take_back_in(
    connection: sa.Connection, name: str, row: sa.Row[tuple[object, ...]], now: datetime
) -> str:
    """Undo a verdict, a row of `given_rows`, inside a writer's transaction; its item."""
    _undo_decisions(connection, name, row, now)
    _reopen(connection, row)
    note(connection, Noted(now, name, "take_back", row.item_id, row.verdict_id))
    return str(row.item_id)


def key_of(verdict_id: str, number: int = 0) -> str:
    """The idempotency key of a verdict's decisions: the first, and those that go with it."""
    return f"verdict-{verdict_id}-{number}"


def _reopen(connection: sa.Connection, row: sa.Row[tuple[object, ...]]) -> None:
    """Let the item wait again: at once, or from the run on that obeys the undo."""
    state = OPEN if told_of(row).stands else CLOSED
    is_as_left = row.version_now == row.item_version + int(row.decision_id is not None)
    if row.state in {DECIDED, SECOND} and is_as_left:
        named = ITEMS.c.item_id == row.item_id
        connection.execute(
            sa.update(ITEMS).where(named).values(state=state, version=ITEMS.c.version + 1)
        )


def _undo_decisions(
    connection: sa.Connection, name: str, row: sa.Row[tuple[object, ...]], now: datetime
) -> None:
    """Undo what a verdict decided, on the snapshot that is live."""
    verdict_id = row.verdict_id
    key = DECISIONS.c.idempotency_key
    mine = sa.select(DECISIONS.c.decision_id).where(key.startswith(f"verdict-{verdict_id}-"))
    for decision_id in connection.scalars(mine.order_by(DECISIONS.c.decision_id)).all():
        undo = NewDecision(
            decided_by=name,
            kind="undo",
            subject=Undone(decision_id=decision_id),
            because="taken back",
            snapshot_run_id=None if row.live is None else f"R{row.live:04d}",
            idempotency_key=f"undo-{verdict_id}-{decision_id}",
        )
        add_decision(connection, undo, now)
