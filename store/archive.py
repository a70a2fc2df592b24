"""Take deliveries out of the inbox and keep them, byte for byte, in order of arrival.

A delivery is `raw/<number>/` with the `payload` and a `delivery.json`; where rows of it were
erased, what is left takes the place of the payload (`store/redacted.py`). The number is its place
in the order of arrival, and with the row number it is the arrival number of each of its rows.
A folder appears under its final name by one rename, and only then does the file leave the
inbox: a crash between the two leaves a file that is already known, by its digest.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, NamedTuple

from rules.feed import Feed
from store.files import read_json, remove_tree, sync_file, sync_folder, write_json
from store.redacted import NAME
from store.spool import Sealed

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EMFILE})
"""What no other file would fare better with: the run stops."""
_IGNORED = (
    *("~$*", ".*", "*~", "*.part", "*.partial", "*.filepart", "*.crdownload", "*.download"),
    *("*.tmp", "*.temp", "*.swp", "*.lock", "thumbs.db", "desktop.ini"),
)
"""Names of locks, of what is still on its way, and of what systems leave in folders."""


_DAY_NS = 86_400 * 1_000_000_000


class Delivery(NamedTuple):
    """One delivery that was received and is kept."""

    delivery_number: int
    delivery_id: str
    """The SHA-256 of its bytes, in hexadecimal."""
    source: str
    file_name: str
    received_at: datetime
    run_id: str
    byte_count: int
    path: Path
    is_released: bool = False
    """Whether a person let it in; it then stays in, whatever is said of it later."""
    has_entered: bool = False
    """Whether it was in when somebody was erased: what is left stays in, whatever its counts."""


class Inbox(NamedTuple):
    """What was found in the inbox."""

    received: list[Delivery]
    repeated: list[str]
    """Names of files whose content had been received before."""
    unmatched: list[str]
    """Names of files that no feed, or more than one, expects; they stay where they are."""
    skipped: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed
    """Names of what is no file, such as links, and why it was left."""
    troubled: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed
    """Names of files that could not be taken and why; they stay, and the next run tries again."""


class Archive:
    """The kept deliveries below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def deliveries(self) -> Iterator[Delivery]:
        """All kept deliveries, in order of arrival."""
        for folder in sorted(self.folder.glob("[0-9]*")):
            yield _read_delivery(folder)

    def receive(self, inbox: Path, feeds: dict[str, Feed], now: datetime, run_id: str) -> Inbox:
        """Move every file that a feed expects from `inbox` into the archive, by day and path."""
        found = Inbox([], [], [], {}, {})
        return self._number(_expected(inbox, feeds, found), found, now, run_id)

    def take(self, segments: Iterable[Sealed], now: datetime, run_id: str) -> Inbox:
        """Move every sealed segment of the spool into the archive, in the order given."""
        return self._number(segments, Inbox([], [], [], {}, {}), now, run_id)

    def renumber(self, delivery: Delivery, now: datetime, run_id: str) -> Delivery:
        """Give a held delivery that was released its new place: it arrives when it enters.

        A run that was cut short finds its own work done.
        """
        if delivery.is_released and delivery.run_id == run_id:
            return delivery
        numbers = [kept.delivery_number for kept in self.deliveries()]
        moved = delivery._replace(
            delivery_number=max(numbers) + 1, received_at=now, run_id=run_id, is_released=True
        )
        target = self._folder_of(moved.delivery_number)
        _write_card(delivery.path.parent, moved)
        os.replace(delivery.path.parent, target)
        sync_folder(self.folder)
        return _read_delivery(target)

    def keep_in(self, delivery: Delivery) -> None:
        """Note that a delivery has entered, and is not to be held for its counts any more."""
        if not delivery.has_entered:
            _write_card(delivery.path.parent, delivery._replace(has_entered=True))

    def _number(
        self, expected: Iterable[Sealed], found: Inbox, now: datetime, run_id: str
    ) -> Inbox:
        """Number what is new in the order given, and put it into the archive."""
        before = list(self.deliveries())
        known = {kept.delivery_id for kept in before}
        number = max((kept.delivery_number for kept in before), default=0)
        for source, path, name in expected:
            draft = Delivery(number + 1, "", source, name, now, run_id, 0, path)
            kept = self._take(draft, known, found)
            if kept:
                number += 1
                known.add(kept.delivery_id)
                found.received.append(kept)
        return found

    def _take(self, draft: Delivery, known: set[str], found: Inbox) -> Delivery | None:
        """Keep a file unless it is kept already; a file that cannot be read stops no other."""
        try:
            folder, digest = self._copy(draft.path)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise
            found.troubled[draft.file_name] = f"it cannot be read ({error.strerror or error})"
            return None
        size = (folder / "payload").stat().st_size
        kept = None
        if digest in known:
            found.repeated.append(draft.file_name)
            remove_tree(folder)
        else:
            kept = self._keep(folder, draft._replace(delivery_id=digest, byte_count=size))
        try:
            draft.path.unlink()
        except OSError as error:
            found.troubled[draft.file_name] = (
                f"it was taken and cannot be removed ({error.strerror or error})"
            )
        return kept

    def _copy(self, path: Path) -> tuple[Path, str]:
        """A copy of the file in a folder that is not yet a delivery, and its digest."""
        folder = self.folder / ".incoming"
        remove_tree(folder)
        folder.mkdir(mode=0o700)
        digest = hashlib.sha256()
        with _open_file(path) as source, (folder / "payload").open("wb") as target:
            before = os.fstat(source.fileno())
            while piece := source.read(1 << 20):
                digest.update(piece)
                target.write(piece)
            after = os.fstat(source.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise OSError(errno.EBUSY, "it is still being written")
        sync_file(folder / "payload")
        return folder, digest.hexdigest()

    def _keep(self, folder: Path, delivery: Delivery) -> Delivery:
        """Give the copy its number, by one rename."""
        _write_card(folder, delivery)
        target = self._folder_of(delivery.delivery_number)
        os.replace(folder, target)
        sync_folder(self.folder)
        return delivery._replace(path=target / "payload")

    def _folder_of(self, number: int) -> Path:
        return self.folder / f"{number:06d}"


def is_expected(inbox: Path, feeds: dict[str, Feed]) -> bool:
    """Whether a file lies in the inbox that a feed expects."""
    return bool(_expected(inbox, feeds, Inbox([], [], [], {}, {})))


def is_in_transit(name: str) -> bool:
    """Whether a name says that its file is not whole yet, or is none of a delivery."""
    return any(fnmatchcase(name.lower(), pattern) for pattern in _IGNORED)


def waiting_names(inbox: Path) -> list[str]:
    """The names of the files that wait in the inbox."""
    found = _files(inbox, Inbox([], [], [], {}, {}))
    return [shown_name(path.relative_to(inbox).as_posix()) for path in found]


def _expected(inbox: Path, feeds: dict[str, Feed], found: Inbox) -> list[Sealed]:
    """The files that one feed expects, by day and path; the others are noted in `found`."""
    expected = []
    for path in _files(inbox, found):
        name = shown_name(path.relative_to(inbox).as_posix())
        sources = [feed.source for feed in feeds.values() if fnmatchcase(name, feed.read.path)]
        if len(sources) == 1:
            expected.append(Sealed(sources[0], path, name))
        else:
            found.unmatched.append(name)
    return expected


def shown_name(name: str) -> str:
    """A file's name as text: a byte that is no UTF-8 is written as its number."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _files(inbox: Path, found: Inbox) -> list[Path]:
    """Regular files below `inbox`, by the day they were last written and then by their path.

    So after nights that were missed each day's files come after those of the day before, whatever
    their names are. Links are not followed.
    """
    if not inbox.exists():
        return []
    files = []

    def note(error: OSError) -> None:
        if Path(error.filename) == inbox:
            raise error
        name = shown_name(Path(error.filename).relative_to(inbox).as_posix())
        found.troubled[name] = f"it cannot be looked into ({error.strerror})"

    for folder, folders, names in os.walk(inbox, followlinks=False, onerror=note):
        folders[:] = [name for name in folders if not name.startswith(".")]
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        for name in [*names, *linked]:
            path = Path(folder, name)
            if is_in_transit(name):
                continue
            kind = _no_file(path)
            if kind:
                found.skipped[shown_name(path.relative_to(inbox).as_posix())] = kind
            else:
                files.append(path)
    return sorted(files, key=lambda path: (_day(path), os.fsencode(path.relative_to(inbox))))


def _day(path: Path) -> int:
    """The day, in UTC, on which a file was last written; one that is gone again was never there."""
    try:
        return path.lstat().st_mtime_ns // _DAY_NS
    except FileNotFoundError:
        return 0


def _no_file(path: Path) -> str | None:
    """What the path is when it is no file that could be a delivery."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "it is a link, and links are not followed; copy the file itself"
    return None if stat.S_ISREG(mode) else "it is no file"


def _open_file(path: Path) -> IO[bytes]:
    """Open a regular file and nothing that took its place: no link, no pipe that never ends."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no file any more")
    return os.fdopen(handle, "rb")


def _write_card(folder: Path, delivery: Delivery) -> None:
    card = delivery._asdict()
    del card["path"], card["delivery_number"]
    write_json(folder / "delivery.json", card | {"received_at": delivery.received_at.isoformat()})


def _read_delivery(folder: Path) -> Delivery:
    card = read_json(folder / "delivery.json")
    card["received_at"] = datetime.fromisoformat(card["received_at"])
    left = folder / NAME
    path = left if left.exists() else folder / "payload"
    return Delivery(int(folder.name), **card, path=path)
