"""Be the process that `steward.aside` asks: `python -m steward.aside_process PIPE NICENESS`."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from store.errors import TouchstoneError

Said = tuple[str, Any]
"""How it went, and the answer, which is whatever can be pickled."""


def main() -> None:
    """Answer until nobody asks any more; who is told to stop tells us by closing the pipe."""
    for told in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told, signal.SIG_IGN)
    os.nice(int(sys.argv[2]))
    pipe = Connection(int(sys.argv[1]))
    given: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, given), daemon=True).start()
    answer = given.get()()
    while True:
        said = _said(answer, given.get())
        gc.freeze()  # what lasts is no garbage
        pipe.send(said)


def _receive(pipe: Connection, given: "SimpleQueue[Any]") -> None:
    """Take what comes, also while a question is at work: when nothing can come, all ends."""
    try:
        while True:
            given.put(pipe.recv())
    except (EOFError, OSError):
        os._exit(0)


def _said(answer: Callable[[Any], Any], given: Any) -> Said:
    try:
        return "answer", answer(given)
    except TouchstoneError as error:
        return "refused", str(error)
    except Exception as error:  # its text could tell of a person
        return "fault", type(error).__name__


if __name__ == "__main__":
    main()
