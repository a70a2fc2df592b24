"""A folder of this machine, or one that is mounted on it, as a place to fetch files from."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.fetch.files import MOST, Remote
from store.fetch.trying import FetchError, FileRefusedError, TryAgainError

_CHUNK = 1 << 20

_MAY_PASS = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EAGAIN}
"""What a network folder says when its server is away for a moment."""


class LocalFolder:
    """The files of one folder; folders in it and links are not followed."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def entries(self) -> list[Remote]:
        """Everything in it."""
        with _explained(FetchError, "the folder"), os.scandir(self.folder) as entries:
            found = []
            for entry in entries:
                found.append(_remote(entry.name, entry.stat(follow_symlinks=False)))
                if len(found) > MOST:
                    break
            return found

    def look(self, name: str) -> Remote:
        """One file as it is now."""
        with _explained(FileRefusedError, "it"):
            return _remote(name, os.lstat(self.folder / name))

    def read(self, name: str, offset: int) -> Iterator[bytes]:
        """The bytes of a file from here on."""
        with _explained(FileRefusedError, "it"):
            handle = os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as content:
                content.seek(offset)
                while chunk := content.read(_CHUNK):
                    yield chunk


def _remote(name: str, found: os.stat_result) -> Remote:
    return Remote(name, found.st_size, found.st_mtime_ns, stat.S_ISREG(found.st_mode))


@contextmanager
def _explained(refusal: type[Exception], what: str) -> Iterator[None]:
    """Say in words what the system says in numbers."""
    try:
        yield
    except FileNotFoundError:
        raise refusal(f"{what} is not there; is it mounted?") from None
    except PermissionError:
        raise refusal(f"{what} may not be read by this user") from None
    except OSError as error:
        said = f"{what} cannot be read ({error.strerror})"
        if error.errno in _MAY_PASS:
            raise TryAgainError(said) from None
        raise refusal(said) from None
