"""Open a delivery: the bytes of its one file, unpacked from gzip or zip within limits.

What a file is called decides nothing; its first bytes do. Nothing is unpacked to disk, so a
member called `../../etc/passwd` is only a name.
"""

import gzip
import io
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from rules.feed import Format
from rules.limits import Limits
from store.readers.reading import DeliveryRefused

_PIECE = 1 << 20
_MAX_PACKINGS = 2
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
}


class Content(NamedTuple):
    """The bytes that a reader is to read, and how they were come by."""

    data: bytes
    notes: list[str]


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def open_delivery(path: Path, wanted: Format, limits: Limits) -> Content:
    """Read the file and unpack it, refusing what is empty, cut off, locked or too large."""
    size = path.stat().st_size
    if size == 0:
        raise DeliveryRefused("the file is empty")
    if size > limits.max_bytes:
        raise DeliveryRefused(f"{size} bytes are more than the limit of {limits.max_bytes}")
    data, notes = path.read_bytes(), list[str]()
    for _ in range(_MAX_PACKINGS):
        if data.startswith(_GZIP):
            data = _unpack_gzip(data, limits)
            notes.append("unpacked with gzip")
        elif data.startswith(_ZIP) and not is_workbook(data):
            data, member = _unpack_zip(data, wanted, limits)
            notes.append(f"member {member} of the zip")
    if not data:
        raise DeliveryRefused("the file is empty once unpacked")
    return Content(data, notes)


def kind_of(data: bytes) -> str | None:
    """What the first bytes say the file is, when they say that it is not text."""
    if data.startswith(_ZIP):
        return "an Excel workbook" if is_workbook(data) else "a zip archive"
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)


def is_workbook(data: bytes) -> bool:
    """Whether a zip is an Excel workbook rather than an archive of deliveries."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError):
        return False


def read_within(stream: _Readable, limits: Limits) -> bytes:
    """All bytes of a stream, refused as soon as there are more than the limit."""
    unpacked = bytearray()
    while piece := stream.read(_PIECE):
        unpacked += piece
        if len(unpacked) > limits.max_expanded_bytes:
            raise DeliveryRefused(
                f"unpacked, it is more than the limit of {limits.max_expanded_bytes} bytes"
            )
    return bytes(unpacked)


def _unpack_gzip(data: bytes, limits: Limits) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            return read_within(stream, limits)
    except EOFError:
        raise DeliveryRefused("the gzip file is cut off: part of it is missing") from None
    except (OSError, zlib.error):
        raise DeliveryRefused("the gzip file is damaged") from None


def _unpack_zip(data: bytes, wanted: Format, limits: Limits) -> tuple[bytes, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            member = _only_member(archive, wanted)
            with archive.open(member) as stream:
                return read_within(stream, limits), ascii(member.filename)[:100]
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError):
        raise DeliveryRefused("the zip file is damaged or cut off") from None
    except NotImplementedError:
        raise DeliveryRefused("the zip file is packed in a way that is not read here") from None


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
