"""Run work in processes that are split off from this one, which has imported all and begun nothing.

A process that has worked with frames has threads that a split-off one lacks, and would wait for
them for ever; so this one only ever imports, and hears what came of the work through a pipe.
"""

import os
import pickle
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

PATIENCE = 300
"""Seconds after which a process is taken to hang; its end is then told as one of SIGALRM."""


class Ended(NamedTuple):
    """How a split-off process ended."""

    code: int
    """Its exit code, or the negative number of the signal that ended it."""
    answer: Any
    """What the work returned: whatever can be pickled."""
    said: str
    """What it wrote to stderr."""


class Begun(NamedTuple):
    """A process that is at work."""

    pid: int
    answer: int
    said: Any


def split_off(work: Callable[[], Any]) -> Begun:
    """Begin `work` in a process of its own."""
    reading, writing = os.pipe()
    said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by whoever waits
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_the_child(work, writing, said.fileno())
    os.close(writing)
    return Begun(pid, reading, said)


def wait_for(begun: Begun) -> Ended:
    """Wait until it ends, and hear what came of it."""
    pieces = []
    while piece := os.read(begun.answer, 1 << 20):
        pieces.append(piece)
    os.close(begun.answer)
    _, status = os.waitpid(begun.pid, 0)
    begun.said.seek(0)
    said = begun.said.read().decode("utf-8", "replace")
    begun.said.close()
    content = b"".join(pieces)
    return Ended(
        os.waitstatus_to_exitcode(status), pickle.loads(content) if content else None, said
    )


def apart(work: Callable[[], Any]) -> Any:
    """The answer of `work`, done in a process of its own; what it raised is raised here."""
    ended = wait_for(split_off(work))
    if ended.code != 0:
        raise RuntimeError(f"the work ended with {ended.code}: {ended.said}")
    return ended.answer


def _be_the_child(work: Callable[[], Any], writing: int, said: int) -> None:
    """Never returns."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(said, 2)
        signal.alarm(PATIENCE)
        answer = work()
        code = answer if isinstance(answer, int) else 0
        os.write(writing, b"") if isinstance(answer, int) else _send(writing, answer)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _send(writing: int, answer: Any) -> None:
    content = memoryview(pickle.dumps(answer))
    while content:
        content = content[os.write(writing, content) :]
