"""Keep what is posted until the next run takes it in: segments of lines, durable before the answer.

A feed's segments lie in `spool/<feed>/`. `<number>.open` is appended to; `<number>.ndjson` is
sealed and never changes again; `<number>.ids` remembers what a segment held once a run has it, so
that a post sent again is known. A line is `{"intake":{"id":…,"received_at":…},…}` and a line feed.

The app appends and a run seals, each under one lock of the kernel's, `spool/door.lock`, which
dies with its holder. So a segment is never sealed while a line is half written, unless its
writer was killed, and then the rest of that line is cut off: nobody was told that it is kept. An
append that fails is taken back. A sealed segment leaves the spool only after the archive has it,
and the archive knows it by its digest, so each is one delivery whatever is killed in between.
"""

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from store.errors import TouchstoneError
from store.files import sync_file, sync_folder

OPENING = b'{"intake":{"id":"'
DOOR_SECONDS = 30.0
"""How long a run waits for an app that does not let go of the door."""


class Entry(NamedTuple):
    """One post as it is kept."""

    source: str
    post_id: str
    digest: bytes
    """Of its content: the same name with another one is another post."""
    line: bytes


class Remembered(NamedTuple):
    """A post that was kept before."""

    source: str
    post_id: str
    digest: bytes
    kept_at: float
    """Seconds since 1970."""


class Sealed(NamedTuple):
    """A segment that is a delivery now."""

    source: str
    path: Path
    name: str


def make_entry(source: str, post_id: str, received_at: str, content: bytes) -> Entry:
    """An entry from the text of one JSON object; `post_id` has no quotes or backslashes."""
    inner = content.strip(b" \t\r\n")[1:-1].strip(b" \t\r\n")
    inner = inner.replace(b"\n", b" ").replace(b"\r", b" ")  # between tokens: no string has one
    opening = OPENING + f'{post_id}","received_at":"{received_at}"'.encode() + b"}"
    rest = (b"," + inner if inner else b"") + b"}\n"
    return Entry(source, post_id, _digest(rest), opening + rest)


def open_spool(folder: Path) -> None:
    """Make the folder, and seal what an app that died has left open."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    seal_all(folder)


def seal_all(folder: Path) -> None:
    """Close every open segment; from here on each is a delivery."""
    with door(folder):
        for path in sorted(folder.glob("*/*.open")):
            seal(path)


def is_anything_kept(folder: Path) -> bool:
    """Whether a post waits for a run."""
    try:
        segments = chain(folder.glob("*/*.open"), folder.glob("*/*.ndjson"))
        return any(path.stat().st_size for path in segments)
    except FileNotFoundError:  # it has been sealed meanwhile
        return True


def sealed_segments(folder: Path) -> Iterator[Sealed]:
    """Seal all, then give each segment to be taken in; its names are remembered before.

    Who takes one in keeps it under its digest and then removes `path`. Killed before that, the
    segment comes again and is known; removed first, it would be lost.
    """
    if not folder.is_dir():
        return
    seal_all(folder)
    for path in sorted(folder.glob("*/*.ndjson")):
        source = path.parent.name
        _write_ids(path)
        yield Sealed(source, path, f"spool/{source}/{path.name}")


def remembered(folder: Path, hours: dict[str, int]) -> Iterator[Remembered]:
    """Every post that was kept within its feed's hours; older names are removed."""
    for path in sorted(folder.glob("*/*.ndjson")):
        try:
            yield from _of_segment(path)
        except FileNotFoundError:  # a run has taken it in meanwhile: its names are below
            continue
    for path in sorted(folder.glob("*/*.ids")):
        age = time.time() - path.stat().st_mtime
        if age > hours.get(path.parent.name, 720) * 3600:
            path.unlink()
            continue
        for line in path.read_text("ascii").splitlines():
            post_id, digest, kept_at = line.split(" ")
            yield Remembered(path.parent.name, post_id, bytes.fromhex(digest), float(kept_at))


def kept_post(folder: Path, source: str, post_id: str) -> bytes | None:
    """The text of the JSON object that was posted under this name, while no run has taken it in."""
    if not re.fullmatch(r"[\w.:-]+", post_id):
        return None
    opening = OPENING + post_id.encode() + b'",'
    for path in sorted(folder.glob(f"{source}/*")):
        if path.suffix not in {".open", ".ndjson"}:
            continue
        try:
            with path.open("rb") as lines:
                found = next((line for line in lines if line.startswith(opening)), None)
        except FileNotFoundError:  # sealed or taken in meanwhile
            continue
        if found is not None and found.endswith(b"}\n"):
            return b"{" + found[found.index(b"}") + 1 :].lstrip(b",").rstrip(b"\n")
    return None


def forget_posts(folder: Path, is_forgotten: Callable[[str, str], bool]) -> None:
    """Forget posts that were taken in: `is_forgotten` is asked of a feed and a post's name."""
    for path in sorted(folder.glob("*/*.ids")):
        lines = path.read_text("ascii").splitlines(keepends=True)
        kept = [line for line in lines if not is_forgotten(path.parent.name, line.split(" ")[0])]
        if len(kept) < len(lines):
            kept_at = path.stat().st_mtime
            draft = path.with_suffix(".draft")
            draft.write_text("".join(kept), "ascii")
            os.utime(draft, (kept_at, kept_at))
            sync_file(draft)
            os.replace(draft, path)
            sync_folder(path.parent)


@contextmanager
def door(folder: Path) -> Iterator[None]:
    """Hold the lock under which segments are written and sealed."""
    handle = os.open(folder / "door.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait_for(handle)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int) -> None:
    until = time.monotonic() + DOOR_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TouchstoneError(
                    "The steward app does not let go of the spool; stop it and run again."
                ) from None
            time.sleep(0.002)
        else:
            return


def seal(path: Path) -> None:
    """Cut off what a killed writer left half written, and give the segment its final name."""
    content = path.read_bytes()
    whole = _whole_lines(content)
    if whole < len(content):
        os.truncate(path, whole)
    if not whole:
        path.unlink()
    else:
        sync_file(path)
        os.rename(path, path.with_suffix(".ndjson"))
    sync_folder(path.parent)


def _whole_lines(content: bytes) -> int:
    """How many bytes are whole lines; a broken one with whole ones after it is left to a reader."""
    end = content.rfind(b"\n") + 1
    while end:
        start = content.rfind(b"\n", 0, end - 1) + 1
        line = content[start:end]
        if line.startswith(OPENING) and line.endswith(b"}\n") and b"\0" not in line:
            return end
        end = start
    return 0


def next_number(folder: Path) -> int:
    """The number of a feed's next segment."""
    numbers = [int(path.stem) for path in folder.iterdir() if path.stem.isdigit()]
    return max(numbers, default=0) + 1


def _write_ids(path: Path) -> None:
    target = path.with_suffix(".ids")
    if target.exists():
        return
    lines = [f"{post_id} {digest.hex()} {at:.0f}\n" for _, post_id, digest, at in _of_segment(path)]
    draft = path.with_suffix(".draft")
    draft.write_text("".join(lines), "ascii")
    sync_file(draft)
    os.replace(draft, target)
    sync_folder(path.parent)


def _of_segment(path: Path) -> Iterator[Remembered]:
    kept_at = path.stat().st_mtime
    with path.open("rb") as lines:
        for line in lines:
            close = line.find(b"}") + 1
            if line.startswith(OPENING) and close:
                envelope = json.loads(line[len('{"intake":') : close])
                yield Remembered(path.parent.name, envelope["id"], _digest(line[close:]), kept_at)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:16]
