"""What a hostile delivery is made of: its name, its feed, how it is written, and what may come."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

Make = Callable[[Path], object]
"""Writes the delivery to a path."""

Outcome = tuple[int, int] | str
"""Rows accepted and rows rejected; or `refused`, or `ignored`."""

REFUSED, IGNORED = "refused", "ignored"


class Kind(NamedTuple):
    """One hostile delivery."""

    file: str
    make: Make
    allowed: tuple[Outcome, ...]
    what: str = ""
    feed: str = ""
    """Unset: told by the name."""
    most_seconds: int = 60
    says: str = ""
    """What the reason or the notes must say."""


def written(content: Callable[[], bytes]) -> Make:
    """A maker of a plain file with this content."""
    return lambda path: path.write_bytes(content())


def texted(content: Callable[[], str], encoding: str = "utf-8") -> Make:
    """A maker of a plain text."""
    return lambda path: path.write_bytes(content().encode(encoding))


def sparse(size: int) -> Make:
    """A maker of a file of nothing but holes."""

    def make(path: Path) -> None:
        with path.open("wb") as out:
            out.truncate(size)

    return make


def repeated(block: bytes, count: int, head: bytes = b"", tail: bytes = b"") -> Make:
    """A maker of a file of the same block over and over, never held whole."""

    def make(path: Path) -> None:
        with path.open("wb") as out:
            out.write(head)
            for _ in range(count):
                out.write(block)
            out.write(tail)

    return make


def gzipped(block: bytes, count: int, head: bytes = b"") -> Make:
    """The same, packed with gzip."""

    def make(path: Path) -> None:
        with gzip.open(path, "wb", compresslevel=6) as out:
            out.write(head)
            for _ in range(count):
                out.write(block)

    return make


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()
