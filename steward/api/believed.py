"""Believe an answer for a short while; while somebody asks, the next one is asked for ahead."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from anyio import to_thread

Answer = TypeVar("Answer")

FRESH_SECONDS = 1.0
"""So long an answer is believed."""
AHEAD_SECONDS = 0.5
"""From then on the next one is asked for, and nobody waits for it."""
MOST = 1_000


class _Told(NamedTuple, Generic[Answer]):
    at: float
    """When it was asked for."""
    answer: Answer


class Believed(Generic[Answer]):
    """Answers by name; `ask` takes a while, in a thread."""

    def __init__(self, ask: Callable[[str], Answer], clock: Callable[[], float]) -> None:
        self._ask, self._clock = ask, clock
        self._told: OrderedDict[str, _Told[Answer]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Answer]] = {}

    async def about(self, name: str) -> Answer:
        """The answer, no older than a second; an error is nobody's answer but the asker's."""
        told = self._told.get(name)
        age = self._clock() - told.at if told is not None else FRESH_SECONDS
        if told is None or age >= FRESH_SECONDS:
            return await self._asked(name)
        if age >= AHEAD_SECONDS and name not in self._asking:
            task = asyncio.create_task(self._asked(name))
            self._asking[name] = task
            task.add_done_callback(lambda done: self._done(name, done))
        return told.answer

    async def _asked(self, name: str) -> Answer:
        at = self._clock()
        answer = await to_thread.run_sync(self._ask, name)
        self._told[name] = _Told(at, answer)
        self._told.move_to_end(name)
        if len(self._told) > MOST:
            self._told.popitem(last=False)
        return answer

    def _done(self, name: str, task: "asyncio.Task[Answer]") -> None:
        self._asking.pop(name, None)
        if not task.cancelled():
            task.exception()  # who asks once the answer is old is told of it
