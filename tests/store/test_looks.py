"""Looks are in the trail before their answer, and on the disk soon; all else is there at once."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from store.state.audit import Asked, Audit
from store.state.engine import noting, open_engine, put_on_disk, writing
from store.state.seals import seal, verify
from store.state.syncing import LATE, Syncing

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
EVERYTHING = Asked("", "", "", 100)
KILLED_AFTER_ITS_LOOK = """
import os, signal, sys
from datetime import UTC, datetime
from store.state.audit import Audit
from store.state.engine import open_engine
audit = Audit(open_engine(sys.argv[1], 5), lambda: datetime(2026, 11, 22, 9, tzinfo=UTC))
audit.note("ada", "look", "C1-1")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = open_engine(url, 5)
    yield engine
    engine.dispose()


def waits(connection: sa.Connection) -> bool:
    """Whether the commit of this transaction waits for the disk."""
    if connection.dialect.name == "sqlite":
        return connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    return connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_a_decision_waits_for_the_disk_on_a_connection_that_noted_a_look(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        before = waits(connection)
    with noting(engine) as connection:
        noted = waits(connection)
    with writing(engine) as connection:
        after = waits(connection)

    assert (before, noted, after) == (True, False, True)


def test_a_look_is_in_the_trail_though_the_process_is_killed_right_after(url: str) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED_AFTER_ITS_LOOK, url], check=False)

    engine = open_engine(url, 5)
    found = [row.subject for row in Audit(engine, lambda: NOW).find(EVERYTHING)]
    engine.dispose()
    assert ended.returncode == -signal.SIGKILL
    assert found == ["C1-1"]


@pytest.mark.parametrize(
    ("action", "synced"),
    [("look", 1), ("match", 1), ("search", 1), ("changes", 1), ("export", 0), ("sign_in", 0)],
)
def test_only_what_a_look_tells_is_put_on_the_disk_later(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, action: str, synced: int
) -> None:
    put: list[sa.Engine] = []
    monkeypatch.setattr("store.state.audit.Syncing", lambda one: Syncing(one, put.append))
    audit = Audit(engine, lambda: NOW)

    audit.note("ada", action, "C1-1")
    audit.close()

    assert len(put) == synced


def test_looks_wait_for_the_disk_where_that_is_wanted(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    put: list[sa.Engine] = []
    monkeypatch.setattr("store.state.audit.Syncing", lambda one: Syncing(one, put.append))
    audit = Audit(engine, lambda: NOW, looks_wait=True)

    audit.note("ada", "look", "C1-1")
    audit.close()

    assert put == []


@pytest.mark.parametrize("looks_wait", [False, True])
def test_who_is_shown_an_item_waits_as_long_as_for_a_look(
    engine: sa.Engine, *, looks_wait: bool
) -> None:
    audit = Audit(engine, lambda: NOW, looks_wait=looks_wait)

    with audit.looking() as connection:
        assert waits(connection) == looks_wait
    audit.close()


def test_many_looks_are_put_on_the_disk_by_one_sync(engine: sa.Engine) -> None:
    done = threading.Event()
    put: list[sa.Engine] = []

    def noted(one: sa.Engine) -> None:
        put.append(one)
        done.set()

    syncing = Syncing(engine, noted)
    for _ in range(50):
        syncing.soon()

    assert done.wait(30)
    assert len(put) == 1


def test_a_trail_of_looks_and_decisions_keeps_its_seals(engine: sa.Engine) -> None:
    audit = Audit(engine, lambda: NOW)
    audit.note_all([("ada", "look", f"C{number}-1", "") for number in range(5)])
    audit.note("ada", "verdict", "I-1")
    seal(engine, NOW)
    audit.note("ada", "look", "C9-1")
    put_on_disk(engine)
    audit.close()

    chain = verify(engine)
    assert (chain.rows, chain.open_rows, chain.broken_after) == (6, 1, None)


def test_looks_wait_for_the_disk_while_it_does_not_keep_up(engine: sa.Engine) -> None:
    now = [0.0]
    syncing = Syncing(engine, lambda _: None, lambda: now[0])
    syncing.soon()
    in_time = syncing.is_late()
    now[0] = LATE + 1

    assert (in_time, syncing.is_late()) == (False, True)
    syncing.settled()
    assert not syncing.is_late()
    syncing.close()


def test_looks_wait_for_the_disk_after_a_sync_that_failed(engine: sa.Engine) -> None:
    now = [0.0]

    def broken(_: sa.Engine) -> None:
        raise OSError(5, os.strerror(5))

    syncing = Syncing(engine, broken, lambda: now[0])
    syncing.soon()
    syncing.close()
    now[0] = LATE + 1

    assert syncing.is_late()
