"""Start a run in a process of its own and know what became of it.

The run holds the lock of the warehouse itself, so a second one at the same time is refused there.
"""

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from store.errors import TouchstoneError
from store.settings import Settings

LAST_LINES = 12


class Started(NamedTuple):
    """A run that was started here."""

    by: str
    at: datetime
    code: int | None
    """How it ended; none while it is under way."""
    lines: list[str]
    """The last that it told: stages and counts, and no personal data."""


class Runner:
    """At most one run that this process started."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._by, self._at = "", datetime.now(UTC)

    def start(self, by: str, *, takes_in: bool = True) -> None:
        """Start a nightly run, unless one that was started here is under way.

        One that takes nothing in obeys what was decided, and leaves what has arrived to the night.
        """
        with self._turn:
            if self._process is not None and self._process.poll() is None:
                raise TouchstoneError("A run is under way; wait until it has ended.")
            places = ["--data", str(self._settings.data), "--rules", str(self._settings.rules)]
            words = [sys.executable, "-m", "flows.cli", "nightly", *places]
            words += [] if takes_in else ["--decisions-only"]
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(words, stdout=log, stderr=log)  # noqa: S603 - ours
            self._by, self._at = by, datetime.now(UTC)

    def last(self) -> Started | None:
        """The run that was started last."""
        with self._turn:
            if self._process is None:
                return None
            text = self._log.read_text("utf-8", errors="replace") if self._log.exists() else ""
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            code = self._process.poll()
            return Started(self._by, self._at, code, lines[-LAST_LINES:])

    @property
    def _log(self) -> Path:
        return self._settings.data / "run-now.log"
