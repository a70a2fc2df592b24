"""Open the state database for the app and for the commands about people."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa

from store.decisions import DecisionLog
from store.settings import Settings
from store.state.asking import Asking
from store.state.audit import Audit
from store.state.bulk import Bulk
from store.state.codes import Codes
from store.state.counting import Thread
from store.state.drafts import Drafts
from store.state.engine import open_engine
from store.state.entries import Entries
from store.state.people import People
from store.state.proposals import Proposals
from store.state.queue import Queue
from store.state.sessions import Sessions
from store.state.tokens import Tokens
from store.state.told import ToldOf
from store.state.work import Work
from store.state.workload import Workload


class State(NamedTuple):
    """What the state database holds, by what it is about."""

    engine: sa.Engine
    decisions: DecisionLog
    people: People
    sessions: Sessions
    queue: Queue
    work: Work
    audit: Audit
    told: ToldOf
    proposals: Proposals
    workload: Workload
    bulk: Bulk
    tokens: Tokens
    asking: Asking
    entries: Entries
    codes: Codes
    drafts: Drafts


def _utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def open_state(
    settings: Settings,
    *,
    wait_seconds: float = 30.0,
    now: Callable[[], datetime] = _utc_now,
) -> Iterator[State]:
    """Open the database that the settings name, making its tables where there are none."""
    engine = open_engine(settings.log_url, wait_seconds)
    log = DecisionLog(engine, now)
    audit = Audit(engine, now, looks_wait=settings.looks_wait)
    counting = Thread()
    try:
        yield State(
            engine,
            log,
            People(engine, now, settings.shortest_password),
            Sessions(engine, now),
            Queue(engine, now, audit.looking, counting),
            Work(engine, now),
            audit,
            ToldOf(log),
            Proposals(engine, now),
            Workload(engine, now),
            Bulk(engine, now),
            Tokens(engine, now),
            Asking(engine, now),
            Entries(engine, now),
            Codes(engine, now),
            Drafts(engine, now),
        )
    finally:
        counting.close()
        audit.close()
        engine.dispose()
