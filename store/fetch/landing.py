"""Bring fetched bytes into the inbox, each delivery once, whatever happens on the way.

A delivery is written under a hidden name and made durable. Then the feed's state, with the cursor
after this delivery and the name that it will have, replaces the old state by one rename: from here
on it counts as fetched. Then it gets its name. A fetch that is killed before the state was
replaced fetches it again; one that is killed after finds the name in the state and gives it.
"""

import hashlib
import os
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from rules.feed import Feed
from store.fetch.trying import FetchError
from store.files import read_json, sync_file, sync_folder, write_json
from store.settings import Settings

State = dict[str, Any]
"""What a feed's fetch remembers: whatever JSON can hold."""


class Draft(NamedTuple):
    """Bytes under a hidden name, complete and durable."""

    path: Path
    sha256: str
    byte_count: int


class Landing:
    """Where one feed's deliveries come down, and what is remembered of its fetch."""

    def __init__(self, settings: Settings, feed: Feed, feeds: dict[str, Feed]) -> None:
        self.settings = settings
        self.feed = feed
        self._globs = [other.read.path for other in feeds.values()]
        self._card = settings.data / "fetch" / f"{feed.source}.json"
        self._folder = (settings.inbox / feed.read.path).parent
        self.state: State = read_json(self._card) if self._card.exists() else {}
        self.deliveries = 0
        self.byte_count = 0

    def prepare(self) -> None:
        """Make the folders, and give its name to a delivery that was cut short of it."""
        self._card.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._give_name()

    def path_of(self, name: str) -> str:
        """The place in the inbox, relative to it, of a file of this name."""
        folder = self.feed.read.path.rpartition("/")[0]
        return f"{folder}/{name}" if folder else name

    def belongs(self, name: str) -> bool:
        """Whether the inbox would take a file of this name for this feed's and no other's."""
        path = self.path_of(name)
        matching = [glob for glob in self._globs if fnmatchcase(path, glob)]
        return matching == [self.feed.read.path]

    def draft(self, chunks: Iterable[bytes]) -> Draft:
        """Write bytes under a hidden name and make them durable."""
        path = self._folder / f".{self.feed.source}.{self._number()}.fetch"
        found, byte_count = hashlib.sha256(), 0
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "wb") as content:
                for chunk in chunks:
                    content.write(chunk)
                    found.update(chunk)
                    byte_count += len(chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        sync_file(path)
        sync_folder(self._folder)
        return Draft(path, found.hexdigest(), byte_count)

    def land(self, draft: Draft, name: str, change: Callable[[State], None]) -> None:
        """Take a draft in under this name; `change` moves the state past it."""
        final = self._free_name(name, draft.sha256)
        change(self.state)
        self.state["taken"] = self._number()
        self.state["landing"] = {"draft": draft.path.name, "name": final}
        self.save()
        self._give_name()
        self.deliveries += 1
        self.byte_count += draft.byte_count

    def drop(self, draft: Draft) -> None:
        """Forget a draft that brings nothing new."""
        draft.path.unlink(missing_ok=True)

    def save(self) -> None:
        """Make the state durable, in one move."""
        write_json(self._card, self.state)
        os.chmod(self._card, 0o600)

    def _number(self) -> int:
        return int(self.state.get("taken", 0)) + 1

    def _give_name(self) -> None:
        """Give the last delivery its name, unless it has it.

        A draft's name is never used twice, so one that is there is the whole of it.
        """
        landing = self.state.get("landing")
        if landing and (self._folder / landing["draft"]).exists():
            os.replace(self._folder / landing["draft"], self._folder / landing["name"])
            sync_folder(self._folder)

    def _free_name(self, name: str, sha256: str) -> str:
        """The name, or one like it where another delivery of that name still waits."""
        waiting = self._folder / name
        if not os.path.lexists(waiting) or _is_same(waiting, sha256):
            return name
        stem, dot, ending = name.partition(".")
        other = f"{stem}~{self._number():06d}{dot}{ending}"
        if not self.belongs(other) or os.path.lexists(self._folder / other):
            raise FetchError(
                f"a delivery named {name!r} still waits in the inbox; run a night first"
            )
        return other


def _is_same(path: Path, sha256: str) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == sha256
