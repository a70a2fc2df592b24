"""Say what a snapshot holds in one number, made when it is published and kept for good.

`SHA256SUMS` in its folder has the digest of each published table's file, as `sha256sum -c` reads
it; the digest of that list is the snapshot's. A file that is linked from the snapshot before is
the same file, and so is its digest. `golden.duckdb` is not in the list: it is rearranged copies of
the same rows, and to read half a gigabyte each night would cost a quiet night as much again.
"""

import hashlib
import os
from pathlib import Path

SUMS = "SHA256SUMS"
"""The name of the list in the folder of a snapshot."""
SHOWN = 16
"""Letters of a digest that are enough to tell two snapshots apart where there is little room."""


def write_sums(folder: Path, before: Path | None) -> None:
    """Write the digest of each table's file; what `before` has linked to it is not read again."""
    known = {} if before is None else read_sums(before)
    lines = []
    for path in sorted(folder.glob("*.parquet")):
        digest = known.get(path.name)
        if before is None or digest is None or not _is_same(path, before / path.name):
            digest = _digest(path)
        lines.append(f"{digest}  {path.name}\n")
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def read_sums(folder: Path) -> dict[str, str]:
    """The digests of a snapshot by file; none of one that an earlier version published."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def digest_of(folder: Path) -> str | None:
    """The digest of a snapshot; none of one that an earlier version published, or that is gone."""
    try:
        return _digest(folder / SUMS)
    except FileNotFoundError:
        return None


def changed_files(folder: Path) -> list[str]:
    """The tables' files that are not as they were when the snapshot was published."""
    wrong = []
    for name, digest in read_sums(folder).items():
        path = folder / name
        if not path.exists() or _digest(path) != digest:
            wrong.append(name)
    return wrong


def _is_same(path: Path, other: Path) -> bool:
    return other.exists() and os.path.samefile(path, other)


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
