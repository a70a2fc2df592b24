"""Pack a folder into one tar, the same byte for byte whoever packs it and when.

    python bench/pack.py FOLDER TARGET.tar      # times are SOURCE_DATE_EPOCH, or 1970

Names in order, one time, no owners, plain modes: nothing is left that tells one packing from the
next. An image in the OCI layout that is packed so is what `podman load` and `skopeo` read.
"""

import os
import sys
import tarfile
from pathlib import Path


def main() -> int:
    """Pack what the command line names."""
    folder, target = map(Path, sys.argv[1:])
    pack(folder, target, int(os.environ.get("SOURCE_DATE_EPOCH", "0")))
    return 0


def pack(folder: Path, target: Path, epoch: int) -> None:
    """Write every file and folder below `folder` to `target`."""
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.rglob("*"), key=lambda one: one.relative_to(folder).parts):
            entry = archive.gettarinfo(path, path.relative_to(folder).as_posix())
            entry.mtime, entry.uid, entry.gid = epoch, 0, 0
            entry.uname = entry.gname = ""
            entry.mode = 0o755 if entry.isdir() else 0o644
            if entry.isfile():
                with path.open("rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)


if __name__ == "__main__":
    sys.exit(main())
