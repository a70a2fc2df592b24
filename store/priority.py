"""Let people go before a run: its process takes the processor when nobody else wants it.

Linux has a niceness for each thread, and a new thread has that of the one which made it. So every
thread that is there is told, and the databases' own come later. The kernel takes the priority of
reading and writing from the same number.
"""

import os
from contextlib import suppress
from pathlib import Path

THREADS = Path("/proc/self/task")


def give_way(niceness: int) -> int:
    """Go down to this niceness, never up from a lower priority; the niceness there is now.

    What a service manager or `nice` has set already is not added to. 0 changes nothing.
    """
    for thread in _threads():
        with suppress(ProcessLookupError):  # it has ended
            if os.getpriority(os.PRIO_PROCESS, thread) < niceness:
                os.setpriority(os.PRIO_PROCESS, thread, niceness)
    return os.getpriority(os.PRIO_PROCESS, 0)


def _threads() -> list[int]:
    """The threads of this process; where they cannot be told, the one that asks."""
    if not THREADS.is_dir():
        return [0]
    return [int(thread.name) for thread in THREADS.iterdir()]
