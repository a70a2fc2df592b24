"""Write files to one archive with the digest of each, and read them back if they are as they were.

The archive is a plain tar: its members are the files, and the last one is `MANIFEST.json`. Reading
trusts nothing: a member that the manifest does not name, that is no plain file, that would land
elsewhere or whose bytes have another digest is refused.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from store.errors import TouchstoneError
from store.files import sync_file, sync_folder

FORMAT = 1
"""Raised when the layout changes; a newer archive is refused."""

MANIFEST = "MANIFEST.json"
_PIECE = 1 << 20


class Member(NamedTuple):
    """A file that goes into the archive."""

    name: str
    path: Path


class Manifest(NamedTuple):
    """What an archive says of itself."""

    format: int
    about: dict[str, Any]
    """Whatever JSON can hold."""
    files: dict[str, tuple[str, int]]
    """By name the SHA-256 and the size."""


def write_tarball(target: Path, members: Iterator[Member], about: dict[str, Any]) -> Manifest:
    """Write the archive, whole or not at all, for its owner alone."""
    draft = target.with_name(f".{target.name}.draft")
    draft.unlink(missing_ok=True)
    files = {}
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out, tarfile.open(fileobj=out, mode="w") as tar:
        for member in members:
            files[member.name] = _add(tar, member)
        manifest = Manifest(FORMAT, about, files)
        content = json.dumps(manifest._asdict(), indent=1).encode()
        tar.addfile(_info(MANIFEST, len(content)), io.BytesIO(content))
    sync_file(draft)
    os.replace(draft, target)
    sync_folder(target.parent)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """What the archive says of itself; one of a newer format is refused."""
    found = None
    with _opened(path) as tar:
        for info in tar:
            if info.name == MANIFEST and info.isreg():
                content = tar.extractfile(info)
                found = json.loads(content.read()) if content else None
    if not isinstance(found, dict) or "format" not in found:
        raise TouchstoneError(f"{path.name} is no backup of ours, or it is cut off.")
    if found["format"] > FORMAT:
        raise TouchstoneError(
            f"{path.name} was written by a newer version (format {found['format']}); upgrade this "
            "program, then restore."
        )
    files = {name: (digest, size) for name, (digest, size) in found["files"].items()}
    return Manifest(found["format"], found["about"], files)


def extract(path: Path, manifest: Manifest, folder: Path) -> None:
    """Write every file below `folder`; refuse the archive where one is not as the manifest says."""
    missing = set(manifest.files)
    with _opened(path) as tar:
        for info in tar:
            if info.name == MANIFEST:
                continue
            if info.name not in missing or not info.isreg() or not _is_inside(info.name):
                raise TouchstoneError(f"{path.name} has a member that its manifest does not name.")
            content = tar.extractfile(info)
            digest, size = manifest.files[info.name]
            if content is None or _copy(content, folder / info.name) != (digest, size):
                raise TouchstoneError(
                    f"{path.name} is damaged: {info.name} is not what was backed up; use another "
                    "backup."
                )
            missing.discard(info.name)
    if missing:
        raise TouchstoneError(f"{path.name} is cut off: {len(missing)} files are missing.")


def extract_member(path: Path, manifest: Manifest, name: str, target: Path) -> None:
    """Write one file of the archive to `target`, if it is as the manifest says."""
    if name not in manifest.files:
        raise TouchstoneError(f"{path.name} has no {name}; use another backup.")
    with _opened(path) as tar:
        for info in tar:
            content = tar.extractfile(info) if info.name == name and info.isreg() else None
            if content is not None and _copy(content, target) == manifest.files[name]:
                return
    raise TouchstoneError(
        f"{path.name} is damaged: {name} is not what was backed up; use another backup."
    )


def _add(tar: tarfile.TarFile, member: Member) -> tuple[str, int]:
    with member.path.open("rb") as content:
        size = os.fstat(content.fileno()).st_size
        reader = _Hashing(content, size)
        tar.addfile(_info(member.name, size), reader)  # type: ignore[arg-type]
    return reader.digest.hexdigest(), size


class _Hashing:
    """A file that is hashed while it is read, and not read beyond the size that it had."""

    def __init__(self, content: IO[bytes], size: int) -> None:
        self._content = content
        self._left = size
        self.digest = hashlib.sha256()

    def read(self, count: int) -> bytes:
        piece = self._content.read(min(count, self._left))
        self._left -= len(piece)
        self.digest.update(piece)
        return piece


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


def _opened(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path, mode="r:")
    except (tarfile.TarError, FileNotFoundError) as error:
        raise TouchstoneError(f"{path.name} is not there, or is no backup of ours.") from error


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts)


def _copy(content: IO[bytes], target: Path) -> tuple[str, int]:
    """Copy a member to its place; its digest and size."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        while piece := content.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            out.write(piece)
    sync_file(target)
    return digest.hexdigest(), size
