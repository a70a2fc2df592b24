"""Looks are in the trail before their answer, and on the disk soon; all else is there at once."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from store.state.audit import Asked, Audit, Noted, note
from store.state.engine import noting, open_engine, put_on_disk, reading, writing
from store.state.postgresql import ON_THE_DISK
from store.state.seals import seal, verify
from store.state.syncing import LATE, Syncing

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
EVERYTHING = Asked("", "", "", 100)
on_postgresql = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
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


def waits(engine: sa.Engine, opened: Callable[[sa.Engine], AbstractContextManager[Any]]) -> bool:
    """Whether a transaction that is opened so waits for the disk when it is committed."""
    asked: list[str] = []
    with opened(engine) as connection:
        if engine.dialect.name == "sqlite":
            return connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        line = connection.connection.dbapi_connection
        send = line.send_QUERY
        line.send_QUERY = lambda words: asked.append(words) or send(words)
        connection.exec_driver_sql("SELECT 1")
    del line.send_QUERY
    return asked[-1] == ON_THE_DISK


def test_a_decision_waits_for_the_disk_on_a_connection_that_noted_a_look(engine: sa.Engine) -> None:
    told = [waits(engine, opened) for opened in (writing, noting, writing)]

    assert told == [True, False, True]


@on_postgresql
def test_who_waits_for_the_disk_keeps_nobody_from_writing(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.state.postgresql.ON_THE_DISK", "SELECT pg_advisory_lock(1)")
    audit = Audit(engine, lambda: NOW)
    with engine.connect() as disk:
        disk.exec_driver_sql("SELECT pg_advisory_lock(1)")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(audit.note, "ada", "verdict")
            while not audit.find(EVERYTHING):
                assert not waiting.done()
            audit.note("bob", "look")
            is_waiting = not waiting.done()
            disk.exec_driver_sql("SELECT pg_advisory_unlock(1)")

    assert is_waiting
    assert [row.user_name for row in audit.find(EVERYTHING)] == ["bob", "ada"]


@on_postgresql
def test_what_is_written_is_on_the_disk_when_it_is_acknowledged(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        note(connection, Noted(NOW, "ada", "verdict", "I-1", ""))
        connection.exec_driver_sql("SELECT 1")
        written = connection.exec_driver_sql("SELECT pg_current_wal_insert_lsn()").scalar()

    with reading(engine) as connection:
        flushed = f"SELECT pg_current_wal_flush_lsn() > '{written}'"
        assert connection.exec_driver_sql(flushed).scalar()


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

    assert waits(engine, lambda _: audit.looking()) == looks_wait
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
