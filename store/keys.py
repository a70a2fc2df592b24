"""Read the keys by which senders sign what they post; they are never in rule files or logs.

A feed's keys stand in the variable `TOUCHSTONE_INTAKE_KEYS_<FEED>` or, one a line, in the file
`<feed>.keys`. Two at once are how a key is changed: add the new one, tell the sender, take the old
one away. A file is read again when it changes; a variable when the app starts.
"""

import base64
import binascii
import os
from pathlib import Path
from typing import NamedTuple

from store.errors import TouchstoneError

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
"""What the Standard Webhooks specification asks of a key."""


class _Seen(NamedTuple):
    """A file as it was when its keys were read."""

    mark: tuple[int, int, int]
    keys: tuple[bytes, ...]


class Keys:
    """The keys of all feeds; `repr` shows none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, _Seen] = {}

    def of(self, source: str) -> tuple[bytes, ...]:
        """The keys of a feed that are valid now; none if it has none."""
        given = os.environ.get(f"TOUCHSTONE_INTAKE_KEYS_{source.upper()}")
        if given is not None:
            return _decoded(given, source)
        path = self._folder / f"{source}.keys"
        try:
            found = path.stat()
            mark = (found.st_ino, found.st_mtime_ns, found.st_size)
            seen = self._seen.get(source)
            if seen is None or seen.mark != mark:
                keys = _decoded(path.read_text("ascii", "replace"), source)
                seen = self._seen[source] = _Seen(mark, keys)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise TouchstoneError(
                f"The keys of the feed {source} cannot be read ({error.strerror}); "
                f"give this user the right to read {source}.keys."
            ) from error
        return seen.keys


def _decoded(text: str, source: str) -> tuple[bytes, ...]:
    words = [line for line in text.replace(",", " ").split() if not line.startswith("#")]
    return tuple(_key(word, source) for word in words)


def _key(word: str, source: str) -> bytes:
    """One key; what is wrong with it is said without showing it."""
    try:
        key = base64.b64decode(word.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise TouchstoneError(
            f"A key of the feed {source} is not one: it is {PREFIX} and the Base64 of "
            f"{LEAST_BYTES} to {MOST_BYTES} random bytes."
        )
    return key
