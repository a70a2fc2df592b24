"""Let one run write at a time.

The kernel releases the lock when its holder dies, however it dies, so no run ever waits for a
dead one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import TouchstoneError


@contextmanager
def one_writer(path: Path, who: str = "run is writing") -> Iterator[None]:
    """Hold the writer's lock at `path`; say who holds it when it is taken."""
    if not path.parent.is_dir():
        raise TouchstoneError(
            f"There is no folder of data at {path.parent}; make it, or give another with --data."
        )
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            holder = os.pread(handle, 20, 0).decode("ascii", "ignore").strip() or "unknown"
            raise TouchstoneError(
                f"Another {who} (process {holder}); wait until it ends, then try again."
            ) from taken
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def is_taken(path: Path) -> bool:
    """Whether somebody holds the lock at `path`, as far as one may look."""
    try:
        handle = os.open(path, os.O_RDWR)
    except (FileNotFoundError, PermissionError):
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
