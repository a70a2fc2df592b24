"""Do in one go what many requests wait for, one batch after the other in a thread or a few.

A batch is whatever came while the batch before was at work: a lone request waits for nobody, and
a crowd shares the cost of a look at a frame or of one fsync.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Given = TypeVar("Given")
Answer = TypeVar("Answer")


class FullError(Exception):
    """So many wait already that one more would wait too long."""


class Batches(Generic[Given, Answer]):
    """Items in, answers out, in order."""

    def __init__(
        self,
        work: Callable[[Sequence[Given]], Sequence[Answer]],
        *,
        most: int = 200,
        waiting: int = 2_000,
        pause: float = 0.0,
        threads: int = 1,
    ) -> None:
        """Batches of `most` at most; in a crowd, so many seconds are let pass between them.

        `threads` says how many are at work at once.
        """
        self._work = work
        self._most = most
        self._waiting = waiting
        self._pause = pause
        self._queue: deque[tuple[Given, asyncio.Future[Answer]]] = deque()
        self._most_at_work = threads
        self._threads = ThreadPoolExecutor(threads)
        self._at_work: list[asyncio.Task[None]] = []

    async def ask(self, item: Given) -> Answer:
        """The answer to one item; `FullError` when too many wait."""
        if len(self._queue) >= self._waiting:
            raise FullError
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.append((item, answer))
        self._at_work = [one for one in self._at_work if not one.done()]
        if len(self._at_work) < self._most_at_work:
            self._at_work.append(asyncio.create_task(self._drain()))
        return await answer

    async def close(self) -> None:
        """Wait until nobody waits."""
        await asyncio.gather(*self._at_work)
        self._threads.shutdown()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            count = min(self._most, len(self._queue))
            batch = [self._queue.popleft() for _ in range(count)]
            try:
                answers = await loop.run_in_executor(
                    self._threads, self._work, [item for item, _ in batch]
                )
            except Exception as error:
                _refuse([waiting for _, waiting in batch], error)
                continue
            for (_, waiting), answer in zip(batch, answers, strict=True):
                if not waiting.done():
                    waiting.set_result(answer)
            if self._queue:
                await asyncio.sleep(self._pause)


def _refuse(waiting: Sequence["asyncio.Future[Answer]"], error: Exception) -> None:
    for future in waiting:
        if not future.done():
            future.set_exception(error)
