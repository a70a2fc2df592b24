"""Take turns to write into SQLite: threads of one process in line, processes as soon as it is free.

SQLite's own way of waiting is to sleep, longer and longer, so that many who wait are let in by
chance and some not for seconds. PostgreSQL keeps a line by itself.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL

LONGEST_LINE = 30.0
"""Seconds that a thread waits for those before it."""
LOOKS_AGAIN = 0.003
"""Seconds between two looks whether another process still writes."""
_LINES: dict[str, threading.Lock] = {}


class LineError(Exception):
    """Those before in the line took too long."""


@contextmanager
def in_line(url: URL) -> Iterator[None]:
    """The turn of this thread among those of its process."""
    if url.get_backend_name() != "sqlite":
        yield
        return
    turn = _LINES.setdefault(str(url.database), threading.Lock())
    if not turn.acquire(timeout=LONGEST_LINE):
        raise LineError
    try:
        yield
    finally:
        turn.release()


def begin_writing(connection: sqlite3.Connection, wait_ms: int) -> None:
    """Begin to write as soon as no other process does."""
    deadline = time.monotonic() + wait_ms / 1_000
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(LOOKS_AGAIN)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {wait_ms}")
