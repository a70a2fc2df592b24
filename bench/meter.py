"""Run a process and say what it cost; run a function in a process of its own."""

import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class BenchError(Exception):
    """The bench cannot go on; the message says why in one sentence."""


@dataclass(frozen=True)
class Cost:
    """What a process cost, or one stage of it."""

    cpu_seconds: float
    """User and system, its children included."""
    seconds: float
    peak_mb: int
    """The most memory it held, in MiB."""


def run(words: list[str], folder: Path, log: Path) -> Cost:
    """Run a command in `folder` with its output in `log`, and wait for its end."""
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(words, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = said[-1] if said else "it said nothing"
        raise BenchError(f"{' '.join(words[1:4])} failed: {last} (all of it is in {log}).")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss // 1024)


def aside(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a process of its own.

    A new process begins with the most memory of the one that starts it, so the bench must
    stay small itself, or it would be measured too.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()
