"""Write files so that a crash leaves the old one or the new one, never half of one.

What Python does to files it tells its audit hooks by itself, but for making them durable; that is
told here. So a hook sees every operation on a file, in order, and can end the process before any.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any


def keep_private() -> None:
    """From here on whatever this process makes is its owner's alone, whatever is asked for."""
    os.umask(0o077)


SYNC = "touchstone.sync"
"""The audit event of making a file or the names in a folder durable."""


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    sync_file(folder)


def sync_file(path: Path) -> None:
    """Make the content of `path` durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        sys.audit(SYNC, str(path))
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace `path` by `content` in one move; `Any` is whatever JSON can hold."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    sync_file(draft)
    os.replace(draft, path)
    sync_folder(path.parent)


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def point_to(link: Path, target: str) -> None:
    """Make `link` a symbolic link to `target` in one move."""
    draft = link.with_name(f".{link.name}.draft")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    os.replace(draft, link)
    sync_folder(link.parent)


def remove_tree(folder: Path) -> None:
    """Remove `folder` and all below it; it need not exist."""
    if folder.exists():
        shutil.rmtree(folder)


def write_private(path: Path, text: str) -> None:
    """Write a text that only its owner may read, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
