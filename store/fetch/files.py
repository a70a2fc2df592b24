"""Fetch the files of a folder, here or on a server: those that are new or have changed.

A file is known by its name, size and time of change. It is fetched when it is at rest: old enough,
and the same before and after it was read. What a partner deletes afterwards is of no matter.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import NamedTuple, Protocol

from rules.fetch import FromFolder, FromSftp
from store.archive import is_in_transit
from store.fetch.landing import Draft, Landing, State
from store.fetch.trying import FetchError, FileRefusedError, TryAgainError, Trying, pause

MOST = 100_000
"""Names that are read of a folder."""

_REMEMBERED = timedelta(days=90)
"""How long a file is remembered that is no longer there."""


class Remote(NamedTuple):
    """A file as its folder lists it."""

    name: str
    size: int
    modified: int
    """Nanoseconds since 1970, as exactly as the place tells them."""
    is_plain: bool
    """Whether it is a file, and not a folder, a link or a pipe."""


class Place(Protocol):
    """A folder that files are read from.

    What may pass raises `TryAgainError`, what concerns one file alone `FileRefusedError`.
    """

    def entries(self) -> list[Remote]:
        """Everything in it."""

    def look(self, name: str) -> Remote:
        """One file as it is now."""

    def read(self, name: str, offset: int) -> Iterator[bytes]:
        """The bytes of a file from here on."""


class Found(NamedTuple):
    """What a fetch of files could not take."""

    problems: list[str]
    notes: list[str]


def fetch_files(
    place: Place, rule: FromFolder | FromSftp, landing: Landing, trying: Trying, now: datetime
) -> Found:
    """Land every file that is new or has changed, oldest first."""
    listed = trying.until_it_works(place.entries)
    found = Found([], [])
    if len(listed) > MOST:
        raise FetchError(f"the folder has more than {MOST:,} files; clear it out")
    wanted = [one for one in listed if fnmatchcase(one.name, rule.pattern)]
    for remote in sorted(wanted, key=lambda one: (one.modified, one.name)):
        is_coming = is_in_transit(remote.name) and "/" not in remote.name
        if is_coming or _is_known(landing.state, remote):
            continue
        try:
            problem = _unfit(remote, landing)
            if problem is None and not _fetch(place, remote, rule, landing, trying):
                found.notes.append(f"{remote.name!r} is still being written and waits")
        except FileRefusedError as error:
            problem = f"{remote.name!r} was left: {error}"
        if problem is not None:
            found.problems.append(problem)
    _remember(landing, {one.name for one in listed}, now)
    return found


def _is_known(state: State, remote: Remote) -> bool:
    known = state.get("files", {}).get(remote.name)
    return known is not None and (known["size"], known["modified"]) == remote[1:3]


def _unfit(remote: Remote, landing: Landing) -> str | None:
    """Why a file cannot be taken, if so."""
    name, most = remote.name, landing.settings.max_delivery_bytes
    is_name = name == PurePosixPath(name).name and name.isprintable() and not name.startswith(".")
    if not is_name or len(name.encode("utf-8", "replace")) > 200:
        return f"{name[:80]!a} is not a name for a file here; ask the partner for another"
    if not remote.is_plain:
        return f"{name!r} is not a plain file and was left"
    if remote.size > most:
        return f"{name!r} is larger than {most:,} bytes (TOUCHSTONE_MAX_DELIVERY_BYTES)"
    if not landing.belongs(name):
        return f"{name!r} does not match [read] path of this feed alone; mend it, or the pattern"
    return None


def _fetch(
    place: Place, remote: Remote, rule: FromFolder | FromSftp, landing: Landing, trying: Trying
) -> bool:
    """Land one file; whether it was at rest."""
    age = time.time() - remote.modified / 1e9
    if 0 <= age < rule.quiet_seconds:
        pause(min(rule.quiet_seconds - age, trying.left()))
    before = trying.until_it_works(lambda: place.look(remote.name))
    if before != remote:
        return False
    draft = landing.draft(_chunks(place, remote, trying))
    after = trying.until_it_works(lambda: place.look(remote.name))
    if after != remote or draft.byte_count != remote.size:
        landing.drop(draft)
        return False
    _take(remote, draft, landing)
    return True


def _take(remote: Remote, draft: Draft, landing: Landing) -> None:
    known = landing.state.get("files", {}).get(remote.name)

    def change(state: State) -> None:
        card = {"size": remote.size, "modified": remote.modified, "sha256": draft.sha256}
        state.setdefault("files", {})[remote.name] = card

    if known is not None and known["sha256"] == draft.sha256:
        change(landing.state)
        landing.drop(draft)
    else:
        landing.land(draft, remote.name, change)


def _chunks(place: Place, remote: Remote, trying: Trying) -> Iterator[bytes]:
    """The bytes of a file; a line that breaks is taken up where it broke.

    No more than the file had when it was listed: the rest of one that grows is of no use.
    """
    offset, attempt = 0, 0
    while offset < remote.size:
        try:
            for chunk in place.read(remote.name, offset):
                trying.left()
                attempt, offset = 0, offset + len(chunk)
                yield chunk
                if offset >= remote.size:
                    return
        except TryAgainError as error:
            attempt += 1
            trying.wait_after(error, attempt)
        else:
            return


def _remember(landing: Landing, there: set[str], now: datetime) -> None:
    """Forget files that have been gone for long."""
    files = landing.state.get("files", {})
    for name in list(files):
        if name in there:
            files[name]["seen"] = now.date().isoformat()
        elif files[name].get("seen", "") < (now - _REMEMBERED).date().isoformat():
            del files[name]
    if files:
        landing.save()
