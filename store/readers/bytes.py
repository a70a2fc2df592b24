"""Open a delivery: the bytes of its one file, unpacked from gzip or zip, a piece at a time.

What a file is called decides nothing; its first bytes do. Nothing is unpacked to disk, so a
member called `../../etc/passwd` is only a name. That a file is cut off, or unpacks to more than it
may, is known when its pieces are read: whoever reads them must be ready to be refused.
"""

import errno
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, cast

from rules.feed import Format
from rules.limits import Limits
from store.readers.reading import DeliveryRefused

_PIECE = 1 << 20
_MAX_PACKINGS = 2
_HEAD = 1 << 12
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What is unpacked a piece at a time; a piece of bzip2 or LZMA can be a gigabyte at once."""
_GZIP, _ZIP = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")

SUFFIXES: dict[Format, tuple[str, ...]] = {
    "csv": (".csv", ".tsv", ".txt", ".tab", ".psv"),
    "json": (".json",),
    "ndjson": (".jsonl", ".ndjson", ".json"),
    "parquet": (".parquet", ".pq"),
    "xlsx": (".xlsx", ".xlsm"),
}

_MAGIC = {
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an OLE container (an old or password-protected workbook)",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"SQLite format 3": "a SQLite database",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstandard archive",
    b"\x04\x22\x4d\x18": "an lz4 archive",
    b"\x1f\x9d": "a compress archive",
}
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml|table|meta|head)\b", re.IGNORECASE
)
"""What programs write that call it a spreadsheet."""


class Content(NamedTuple):
    """The bytes that a reader is to read, and how they were come by."""

    pieces: Iterator[bytes]
    byte_count: int
    """Of the file as it was delivered."""
    notes: list[str]
    plain: IO[bytes] | None = None
    """The file itself, when it is not packed; either it is read or the pieces are."""

    def whole(self, limits: Limits) -> bytes:
        """All of it at once, for formats that cannot be read in pieces."""
        read = bytearray()
        for piece in self.pieces:
            read += piece
            if len(read) > limits.max_document_bytes:
                raise DeliveryRefused(
                    "a file of this format is read whole, and it is larger than the limit of "
                    f"{limits.max_document_bytes:,} bytes; ask for smaller files, or for CSV"
                )
        return bytes(read)


@contextmanager
def open_delivery(path: Path, wanted: Format, limits: Limits) -> Iterator[Content]:
    """Open the file and what is packed in it, refusing what is empty, locked or too large."""
    size = path.stat().st_size
    if size == 0:
        raise DeliveryRefused("the file is empty")
    if size > limits.max_bytes:
        raise DeliveryRefused(f"{size:,} bytes are more than the limit of {limits.max_bytes:,}")
    notes = list[str]()
    with ExitStack() as opened:
        stream: IO[bytes] = opened.enter_context(path.open("rb"))
        for packings in range(_MAX_PACKINGS + 1):
            unpacked = _unpacked(opened, stream, wanted, limits)
            if unpacked is None:
                break
            if packings == _MAX_PACKINGS:
                raise DeliveryRefused(f"it is packed more than {_MAX_PACKINGS} times")
            stream, note = unpacked
            notes.append(note)
        pieces = _pieces(stream, Budget(size, limits) if notes else None)
        yield Content(pieces, size, notes, None if notes else stream)


def kind_of(data: bytes) -> str | None:
    """What the first bytes say the file is, when they say that it is not text."""
    if data.startswith(_ZIP):
        return "an Excel workbook" if is_workbook(io.BytesIO(data)) else "a zip archive"
    if data[257:262] == b"ustar":
        return "a tar archive"
    if _PAGE.match(data[:_HEAD]):
        return "a web page or XML, whatever its name says"
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)


def is_workbook(stream: IO[bytes]) -> bool:
    """Whether a zip is an Excel workbook rather than an archive of deliveries."""
    try:
        with zipfile.ZipFile(stream) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError):
        return False
    finally:
        stream.seek(0)


def _unpacked(
    opened: ExitStack, stream: IO[bytes], wanted: Format, limits: Limits
) -> tuple[IO[bytes], str] | None:
    """What is packed in the stream and a word on it; nothing if it is not packed."""
    with _explained():
        head = stream.read(4)
        stream.seek(0)
        if head.startswith(_GZIP):
            return _gunzip(opened, stream), "unpacked with gzip"
        if not head.startswith(_ZIP):
            return None
        if not isinstance(stream, io.BufferedReader):  # packed itself: a zip is read from its end
            whole = Content(_pieces(stream, None), 0, []).whole(limits)
            stream = opened.enter_context(io.BytesIO(whole))
        if is_workbook(stream):
            return None
        archive = opened.enter_context(zipfile.ZipFile(stream))
        member = _only_member(archive, wanted)
        found = opened.enter_context(archive.open(member))
        return found, f"member {ascii(member.filename)[:100]} of the zip"


def _gunzip(opened: ExitStack, stream: IO[bytes]) -> IO[bytes]:
    packed = opened.enter_context(gzip.GzipFile(fileobj=stream, mode="rb"))
    return cast(IO[bytes], packed)


class Budget:
    """How much a packed delivery may become: a bomb grows a thousandfold, text tenfold."""

    def __init__(self, size: int, limits: Limits) -> None:
        by_ratio = max(size * limits.max_expansion, limits.free_expansion_bytes)
        self.most = min(by_ratio, limits.max_expanded_bytes)
        self.used = 0

    def take(self, count: int) -> None:
        """Refuse what goes beyond it."""
        self.foresee(count)
        self.used += count

    def foresee(self, count: int) -> None:
        """Refuse what would go beyond it, before it is unpacked."""
        if self.used + count > self.most:
            raise DeliveryRefused(f"unpacked, it is more than the limit of {self.most:,} bytes")


def _pieces(stream: IO[bytes], budget: Budget | None) -> Iterator[bytes]:
    while True:
        with _explained():
            piece = stream.read(_PIECE)
        if not piece:
            return
        if budget:
            budget.take(len(piece))
        yield piece


@contextmanager
def _explained() -> Iterator[None]:
    """What unpacking stumbles over, in one sentence."""
    try:
        yield
    except EOFError:
        raise DeliveryRefused("the gzip file is cut off: part of it is missing") from None
    except zipfile.BadZipFile:
        raise DeliveryRefused("the zip file is damaged or cut off") from None
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, ValueError):
        raise DeliveryRefused("the zip or gzip file is damaged") from None
    except OSError as error:
        if error.errno is None:  # of bzip2
            raise DeliveryRefused("the zip or gzip file is damaged") from None
        if error.errno != errno.EINVAL:  # a disk that cannot be read is no fault of the delivery
            raise
        raise DeliveryRefused("the zip file points outside of itself: it is damaged") from None
    except (NotImplementedError, RuntimeError):
        raise DeliveryRefused("the zip is locked, or packed in a way that is not read") from None


def _only_member(archive: zipfile.ZipFile, wanted: Format) -> zipfile.ZipInfo:
    files = [member for member in archive.infolist() if not _is_litter(member)]
    fitting = [member for member in files if _suffix(member) in SUFFIXES[wanted]]
    chosen = files if len(files) == 1 else fitting
    if len(chosen) != 1:
        raise DeliveryRefused(
            f"the zip has {len(files)} files, of which {len(fitting)} could be {wanted};"
            " it must be one"
        )
    if chosen[0].flag_bits & 1:
        raise DeliveryRefused("the zip file is locked with a password")
    if chosen[0].compress_type not in _BOUNDED:
        raise DeliveryRefused(
            "the zip is packed in a way that is not read; pack it anew, as zip does of itself"
        )
    return chosen[0]


def _suffix(member: zipfile.ZipInfo) -> str:
    path = PurePosixPath(member.filename.lower())
    return PurePosixPath(path.stem).suffix if path.suffix == ".gz" else path.suffix


def _is_litter(member: zipfile.ZipInfo) -> bool:
    """Folders, and what operating systems leave in archives."""
    name = PurePosixPath(member.filename)
    return (
        member.is_dir()
        or "__MACOSX" in name.parts
        or name.name.startswith(".")
        or name.name.lower() in {"thumbs.db", "desktop.ini"}
    )
