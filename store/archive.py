"""Take deliveries out of the inbox and keep them, byte for byte, in order of arrival.

A delivery is `raw/<number>/` with the `payload` and a `delivery.json`. The number is its place
in the order of arrival, and with the row number it is the arrival number of each of its rows.
A folder appears under its final name by one rename, and only then does the file leave the
inbox: a crash between the two leaves a file that is already known, by its digest.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from rules.feed import Feed
from store.files import read_json, remove_tree, sync_file, sync_folder, write_json

_IGNORED = ("~$*", ".*", "*.part", "*.tmp", "*.crdownload", "*.filepart", "Thumbs.db")


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


class Inbox(NamedTuple):
    """What was found in the inbox."""

    received: list[Delivery]
    repeated: list[str]
    """Names of files whose content had been received before."""
    unmatched: list[str]
    """Names of files that no feed, or more than one, expects; they stay where they are."""


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
        """Move every file that a feed expects from `inbox` into the archive, by path order."""
        known = {kept.delivery_id: kept for kept in self.deliveries()}
        number = max((kept.delivery_number for kept in known.values()), default=0)
        found = Inbox([], [], [])
        for path in _files(inbox):
            name = path.relative_to(inbox).as_posix()
            sources = [feed.source for feed in feeds.values() if fnmatchcase(name, feed.read.path)]
            if len(sources) != 1:
                found.unmatched.append(name)
                continue
            digest = _digest(path)
            if digest in known:
                found.repeated.append(name)
                path.unlink()
                continue
            number += 1
            delivery = Delivery(
                number, digest, sources[0], name, now, run_id, path.stat().st_size, Path()
            )
            kept = self._keep(path, delivery)
            known[digest] = kept
            found.received.append(kept)
        return found

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
        return moved._replace(path=target / "payload")

    def _keep(self, path: Path, delivery: Delivery) -> Delivery:
        draft = self.folder / ".incoming"
        remove_tree(draft)
        draft.mkdir(mode=0o700)
        shutil.copyfile(path, draft / "payload")
        sync_file(draft / "payload")
        _write_card(draft, delivery)
        target = self._folder_of(delivery.delivery_number)
        os.replace(draft, target)
        sync_folder(self.folder)
        path.unlink()
        return delivery._replace(path=target / "payload")

    def _folder_of(self, number: int) -> Path:
        return self.folder / f"{number:06d}"


def is_in_transit(name: str) -> bool:
    """Whether a name says that its file is not whole yet, or is none of a delivery."""
    return any(fnmatchcase(name, pattern) for pattern in _IGNORED)


def _files(inbox: Path) -> list[Path]:
    """Regular files below `inbox`, in order of their path; links are not followed."""
    if not inbox.exists():
        return []
    found = []
    for folder, folders, names in os.walk(inbox, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if not is_in_transit(name) and path.is_file() and not path.is_symlink():
                found.append(path)
    return sorted(found, key=lambda path: path.relative_to(inbox).as_posix())


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _write_card(folder: Path, delivery: Delivery) -> None:
    card = delivery._asdict()
    del card["path"], card["delivery_number"]
    write_json(folder / "delivery.json", card | {"received_at": delivery.received_at.isoformat()})


def _read_delivery(folder: Path) -> Delivery:
    card = read_json(folder / "delivery.json")
    card["received_at"] = datetime.fromisoformat(card["received_at"])
    return Delivery(int(folder.name), **card, path=folder / "payload")
