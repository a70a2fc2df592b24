"""Ask the administrators about a snapshot that is held back: one item of the queue.

It is in the state database alone, since what it asks about is the snapshot itself. It is worked
out from the folders of the snapshots and nothing else, so whoever looks next (a run, the app when
it starts, the clock of what is past due) brings it up to date after whatever was cut short.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from math import log1p
from typing import Literal, NamedTuple

import sqlalchemy as sa

from rules.decision import NewDecision
from rules.decision import Publication as Subject
from rules.queues import Queues
from store.settings import Settings
from store.snapshot import current_run, held_back, is_held, kept_runs, open_snapshot
from store.state.moments import to_text
from store.state.publications import Asked, answer_publication, show_publication

PREFIX = "P-"
"""The name of an item is this and its run: the same run is the same question."""


class Publication(NamedTuple):
    """A snapshot that waits for an administrator."""

    run_id: str
    reasons: list[str]
    opened_at: datetime
    """When the first of the runs was that are held back in a row: a new one wins no time."""

    @property
    def item_id(self) -> str:
        """What its item is called."""
        return item_of(self.run_id)


class Said(NamedTuple):
    """What an administrator said of a snapshot that is held back."""

    run_id: str
    kind: Literal["publish", "withhold"]
    by: str
    because: str
    key: str
    """What makes an answer that is sent twice one entry of the log."""


def item_of(run_id: str) -> str:
    """The item that asks about the snapshot of this run."""
    return f"{PREFIX}{run_id}"


def waiting_publication(settings: Settings) -> Publication | None:
    """The newest run, if its snapshot is held back."""
    held = held_back(settings)
    if held is None:
        return None
    run_id, reasons = held
    current = current_run(settings) or ""
    runs = [one for one in kept_runs(settings) if one > current and is_held(settings, one)]
    with open_snapshot(settings, run_id) as con:
        query = "select min(now) from runs where run_id in (select unnest(?::varchar[]))"
        found = con.execute(query, [runs]).fetchone()
    if found is None or not isinstance(found[0], datetime):
        raise TypeError(f"a snapshot does not say when {run_id} was")
    return Publication(run_id, reasons, found[0])


def ask_about_held(settings: Settings, engine: sa.Engine, queues: Queues) -> None:
    """Open the item of what is held back, and close those of what is so no more."""
    waiting = waiting_publication(settings)
    show_publication(engine, None if waiting is None else _asked(waiting, queues))


def answer_held(settings: Settings, engine: sa.Engine, queues: Queues, said: Said) -> int:
    """Note what was said; the number of the decision.

    What is to stay back is answered with that. What is to be published is asked until readers have
    it: `show_queue` closes it then.
    """
    ask_about_held(settings, engine, queues)
    decision = NewDecision(
        decided_by=said.by,
        kind=said.kind,
        subject=Subject(run_id=said.run_id),
        because=said.because,
        item_id=item_of(said.run_id),
        snapshot_run_id=current_run(settings),
        idempotency_key=said.key,
    )
    is_settled = said.kind == "withhold"
    return answer_publication(engine, decision, datetime.now(UTC), is_settled=is_settled)


def _asked(waiting: Publication, queues: Queues) -> Asked:
    queue = queues.publication
    due_at = waiting.opened_at + timedelta(days=queue.due_days)
    said = json.dumps([waiting.run_id, waiting.reasons], ensure_ascii=False)
    return Asked(
        item_id=waiting.item_id,
        urgency=queues.order.urgency(round(log1p(queue.stake), 4), due_at),
        opened_at=to_text(waiting.opened_at),
        due_at=to_text(due_at),
        fingerprint=hashlib.sha256(said.encode()).hexdigest(),
    )
