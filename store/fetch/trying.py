"""Try again what may pass: a server that is busy, a line that broke; within a number of seconds."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from rules.fetch import Patience
from store.errors import TouchstoneError

T = TypeVar("T")

_LONGEST = 60.0
"""Seconds between two attempts, unless the partner asks for more."""


def pause(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


class FetchError(TouchstoneError):
    """A fetch that cannot go on; what it had brought is safe."""


class FileRefusedError(Exception):
    """One file cannot be had; the others can."""


class TryAgainError(Exception):
    """What went wrong may pass; the text says what it was, without any address."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


class Trying:
    """The patience of one fetch: how often a thing is tried, and until when."""

    def __init__(self, rule: Patience, seconds: float) -> None:
        self.rule = rule
        self.deadline = time.monotonic() + min(rule.seconds, seconds)

    def left(self) -> float:
        """Seconds that are left; an error when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise FetchError("its time is up; the next fetch goes on from there")
        return left

    def until_it_works(self, action: Callable[[], T]) -> T:
        """Run `action`, again and again with longer waits, until it does not ask for another."""
        attempt = 0
        while True:
            self.left()
            try:
                return action()
            except TryAgainError as error:
                attempt += 1
                self.wait_after(error, attempt)

    def wait_after(self, error: TryAgainError, attempt: int) -> None:
        """Wait before the next attempt, or give up: too many of them, or too little time."""
        if attempt >= self.rule.attempts:
            raise FetchError(f"{error}, {attempt} times")
        backoff = min(_LONGEST, 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311
        wait = max(error.wait, backoff)
        if wait >= self.left():
            raise FetchError(f"{error}, and there is no time to wait {wait:.0f} s")
        pause(wait)
