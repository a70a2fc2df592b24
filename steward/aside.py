"""Have something answered in a process of its own, which is started again when it dies.

What is asked goes to it through a pipe and stands nowhere else. It ends when the pipe closes, so it
outlives nobody who asks it, however that one ends. Why a process: docs/decisions/0020.
"""

import contextlib
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from store.errors import TouchstoneError

LOG = logging.getLogger("touchstone.steward")
TRIES = 2
ENDING_SECONDS = 5.0
LONG_SECONDS = 3_600.0
STANDS_BACK = 10
"""The niceness of a process that does what nobody waits for."""
Given = TypeVar("Given")
Answer = TypeVar("Answer")


class DiedError(Exception):
    """The process died of a question, twice, or was not ready with it in time."""


class FaultError(Exception):
    """The process found no answer by a fault of ours, of the kind that the text names."""


class Aside(Generic[Given, Answer]):
    """One process; it starts with the first question and answers one at a time."""

    def __init__(
        self, make: Callable[[], Callable[[Given], Answer]], seconds: float, niceness: int = 0
    ) -> None:
        """`make` is called there, as often as it starts, for what answers.

        It is pickled now and never again. To pickle a frame holds the interpreter's lock and waits
        for polars' threads, one of which may wait for that lock: so who hands a frame over makes
        this before the app has threads that ask polars.
        """
        self._make, self._seconds, self._niceness = pickle.dumps(make), seconds, niceness
        self._turn = threading.Lock()
        self._running: tuple[subprocess.Popen[bytes], Connection] | None = None

    @property
    def process_id(self) -> int | None:
        """Of the process that runs; none before the first question."""
        return self._running[0].pid if self._running is not None else None

    def ask(self, given: Given) -> Answer:
        """The answer; a process that dies meanwhile is started again and asked once more."""
        with self._turn:
            for _ in range(TRIES):
                try:
                    return self._asked(given)
                except (EOFError, OSError):
                    LOG.warning("a process beside the app died; it is started again")
                    self._end(seconds=0)
            raise DiedError

    def close(self) -> None:
        """End the process; the next question would start another."""
        with self._turn:
            self._end(ENDING_SECONDS)

    def _asked(self, given: Given) -> Answer:
        if self._running is None:
            self._running = self._started()
        pipe = self._running[1]
        pipe.send(given)
        if not pipe.poll(self._seconds):
            LOG.warning("a process beside the app did not answer in time; it is ended")
            self._end(seconds=0)
            raise DiedError
        how, said = pipe.recv()
        if how == "refused":
            raise TouchstoneError(said)
        if how == "fault":
            raise FaultError(said)
        answer: Answer = said
        return answer

    def _started(self) -> tuple[subprocess.Popen[bytes], Connection]:
        ours, theirs = Pipe()
        with theirs:
            words = [sys.executable, "-P", "-m", "steward.aside_process", str(theirs.fileno())]
            process = subprocess.Popen(  # noqa: S603 - ours
                [*words, str(self._niceness)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=os.environ | {"POLARS_MAX_THREADS": "1"},  # frames are small, or nobody waits
            )
        ours.send_bytes(self._make)
        return process, ours

    def _end(self, seconds: float) -> None:
        if self._running is None:
            return
        (process, pipe), self._running = self._running, None
        pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
        process.kill()
        process.wait()


def lay_out_aside(there: Aside[str, None], run_id: str) -> None:
    """Have a snapshot laid out in a process that ends with it; the app does what it could not."""
    with contextlib.closing(there):
        try:
            there.ask(run_id)
        except (DiedError, FaultError, TouchstoneError) as error:
            LOG.warning("the app lays the snapshot out itself: %s", type(error).__name__)
