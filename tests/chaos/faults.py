"""Break a process of ours at a point that is counted: before a file is touched or a statement runs.

Python tells its audit hooks of every operation on a file before it is done, and the store of the
rest. A hook that counts them can end the process before any one of them, or have it fail as a
disk would.
"""

import errno
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

from store.files import keep_private

FILES = frozenset(
    {
        "open",
        "os.rename",
        "os.remove",
        "os.mkdir",
        "os.rmdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "touchstone.sync",
    }
)
"""The audit events of operations on files."""
CHANGING = FILES - {"open"}
STATEMENT = "touchstone.statement"
FULL = (errno.ENOSPC, errno.EDQUOT)


class Fault(NamedTuple):
    """What goes wrong, and where."""

    kind: str
    """count, kill, fail (once), broken (from there on), limit (of a file's size)."""
    at: int = 0
    """The number of the point, from 1; of `limit`, bytes."""
    code: int = 0
    """What the system says of an operation that fails."""

    def __str__(self) -> str:
        said = errno.errorcode.get(self.code, "")
        return f"{self.kind} {self.at} {said}".strip()


class Points:
    """Counts the points below a folder, and breaks the process at the one that is asked for."""

    def __init__(self, fault: Fault, root: str) -> None:
        self.fault, self.root = fault, root
        self.passed = 0
        self.files: list[str] = []

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        """What Python tells of."""
        is_file = event in FILES
        if not (is_file or event == STATEMENT) or not self._is_ours(given):
            return
        if self.fault.kind in {"kill", "count"}:
            self.passed += 1
            if self.fault.kind == "kill" and self.passed == self.fault.at:
                os.kill(os.getpid(), signal.SIGKILL)
        elif self.fault.kind in {"fail", "broken"} and is_file and self._is_meant(event, given):
            self.passed += 1
            if self.passed == self.fault.at or (
                self.fault.kind == "broken" and self.passed > self.fault.at
            ):
                raise OSError(self.fault.code, os.strerror(self.fault.code), str(given[0]))

    def _is_ours(self, given: tuple[Any, ...]) -> bool:
        return any(
            isinstance(one, str | os.PathLike) and os.fspath(one).startswith(self.root)
            for one in given[:2]
        )

    def _is_meant(self, event: str, given: tuple[Any, ...]) -> bool:
        """A full disk lets files be read, removed and renamed."""
        is_writing = event != "open" or _writes(given)
        if self.fault.code in FULL:
            return is_writing and event not in {"os.remove", "os.rmdir", "os.rename"}
        return True


def _writes(given: tuple[Any, ...]) -> bool:
    mode, flags = given[1], given[2]
    asked = bool(mode) and any(letter in str(mode) for letter in "wax+")
    return asked or bool(isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR))


def meet(fault: Fault, root: Path, words: list[str]) -> int:
    """Run the command line in this process, with the fault; the exit code."""
    from flows.cli import main

    keep_private()
    if fault.kind == "limit":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.at, fault.at))
    points = Points(fault, str(root))
    sys.addaudithook(points)
    code = main([*words, "--json"])
    if fault.kind == "count":
        print(f"points {points.passed}", file=sys.stderr)
    return code
