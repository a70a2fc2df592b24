"""Append what is posted to the spool: all of it durable, or told apart what is not.

One process at a time is the writer, and its appends hold the door of `store/spool.py`. Of an
append that fails nothing stays behind: its sender is told to come again, and would be kept twice.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from store.errors import TouchstoneError
from store.files import sync_file, sync_folder
from store.spool import Entry, door, next_number, seal, seal_all

SEGMENT_BYTES = 64_000_000
"""A segment that is larger is sealed by the app itself."""
SEGMENT_ROWS = 100_000
"""And one that has so many rows, or as many as its feed expects in a delivery."""


class SpoolWriter:
    """The app's side: one process at a time appends, to one open segment per feed."""

    def __init__(self, folder: Path, most_rows: dict[str, int]) -> None:
        self.folder = folder
        self._most_rows = most_rows
        self._open: dict[str, _Segment] = {}
        self._broken: str | None = None

    def append(self, entries: Sequence[Entry]) -> list[str | None]:
        """Keep each, durable when this returns; for each that was not kept, why."""
        by_source: dict[str, list[int]] = {}
        for index, entry in enumerate(entries):
            by_source.setdefault(entry.source, []).append(index)
        refusals: list[str | None] = [self._broken] * len(entries)
        if self._broken:
            return refusals
        try:
            with door(self.folder):
                for source, places in by_source.items():
                    for index, says in self._kept(source, entries, places).items():
                        refusals[index] = says
        except (OSError, TouchstoneError) as error:  # the door is shut: nothing was written
            return [str(error)] * len(entries)
        return refusals

    def _kept(self, source: str, entries: Sequence[Entry], places: list[int]) -> dict[int, str]:
        """Keep what stands at these places; for each that was not kept, why."""
        try:
            self._append(source, [entries[index].line for index in places])
        except _NotKeptError as error:
            return dict.fromkeys(places[error.kept :], error.says)
        return {}

    def close(self) -> None:
        """Seal what is open, as the app does when it is told to stop."""
        self._forget_all()
        seal_all(self.folder)

    def check(self) -> None:
        """Raise `OSError` unless a line could be kept."""
        if self._broken:
            raise OSError(self._broken)
        with door(self.folder):
            probe = self.folder / ".probe"
            probe.write_bytes(b"x" * 4096)
            sync_file(probe)
            probe.unlink()

    def _append(self, source: str, lines: list[bytes]) -> None:
        """Keep the lines of one feed, in as many segments as they need."""
        most, kept = self._most_rows.get(source, SEGMENT_ROWS), 0
        try:
            while kept < len(lines):
                segment = self._segment(source, most)
                some = lines[kept : kept + most - segment.rows]
                segment.append(some)
                kept += len(some)
        except OSError as error:
            if source in self._open:
                self._undo(self._open.pop(source))
            raise _NotKeptError(kept, os.strerror(error.errno or 0)) from error

    def _segment(self, source: str, most: int) -> "_Segment":
        """The open segment, a new one where a run has sealed it or it is full."""
        segment = self._open.get(source)
        if segment is not None and segment.is_there():
            if segment.rows < most and segment.size < SEGMENT_BYTES:
                return segment
            seal(segment.path)
        if segment is not None:
            del self._open[source]
            segment.close()
        folder = self.folder / source
        folder.mkdir(exist_ok=True, mode=0o700)
        sync_folder(self.folder)
        segment = self._open[source] = _Segment(folder / f"{next_number(folder):012d}.open")
        sync_folder(folder)
        return segment

    def _undo(self, segment: "_Segment") -> None:
        """Take back what may have been written of lines that nobody was told are kept.

        Where even that fails nothing more is taken: the next start reads what is there.
        """
        try:
            segment.take_back()
        except OSError as error:
            self._broken = f"{os.strerror(error.errno or 0)}; restart the app"
        finally:
            segment.close()

    def _forget_all(self) -> None:
        for segment in self._open.values():
            segment.close()
        self._open.clear()


class _Segment:
    """A segment that this process appends to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self.size = 0
        self.rows = 0

    def is_there(self) -> bool:
        """Whether the file of this name is still the one that is open here."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return False
        mine = os.fstat(self._handle)
        return (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino)

    def append(self, lines: list[bytes]) -> None:
        """Write and make durable."""
        content = memoryview(b"".join(lines))
        written = 0
        while written < len(content):
            written += os.write(self._handle, content[written:])
        os.fdatasync(self._handle)
        self.size += len(content)
        self.rows += len(lines)

    def take_back(self) -> None:
        """Cut off what was written after the last append that went well."""
        os.ftruncate(self._handle, self.size)
        os.fsync(self._handle)

    def close(self) -> None:
        os.close(self._handle)


class _NotKeptError(Exception):
    """Lines after the first `kept` were not kept, and are not there."""

    def __init__(self, kept: int, says: str) -> None:
        super().__init__(says)
        self.kept = kept
        self.says = says
