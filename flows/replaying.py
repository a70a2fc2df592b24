"""Replay onto a restored decision log what was decided after its backup was made.

The decisions come from a newer backup, or from a database that outlived the others. They keep
their numbers, times and words. Where the two logs do not begin alike, nothing is replayed.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from store.decisions import open_decisions
from store.errors import TouchstoneError
from store.files import remove_tree
from store.settings import Settings
from store.tarball import extract_member, read_manifest

_DATABASE = "data/decisions/decisions.sqlite"
_FIRST_BYTES = b"SQLite format 3\x00"


def replay(settings: Settings, source: Path, staged: Path) -> int:
    """Add to the log below `staged` what the log in `source` has beyond it; how much that was."""
    if settings.decisions_url is not None:
        raise TouchstoneError(
            "The decisions lie in a database of their own, which a restore leaves as it is; "
            "restore without --decisions."
        )
    newer = staged / "newer" / "decisions.sqlite"
    newer.parent.mkdir(mode=0o700)
    _copy(source, newer)
    with open_decisions(f"sqlite:///{newer}") as log:
        told = log.read()
    with open_decisions(f"sqlite:///{staged / _DATABASE}") as log:
        count = log.replay(told)
    remove_tree(newer.parent)
    return count


def _copy(source: Path, target: Path) -> None:
    """The log of an archive, or of a database that may be in use, as a file of our own."""
    if not source.is_file():
        raise TouchstoneError(f"{source} is not there; name a backup or a decisions.sqlite.")
    with source.open("rb") as content:
        is_database = content.read(len(_FIRST_BYTES)) == _FIRST_BYTES
    if not is_database:
        extract_member(source, read_manifest(source), _DATABASE, target)
        return
    address = f"{source.resolve().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(address, uri=True)) as here,
        closing(sqlite3.connect(target)) as there,
    ):
        here.backup(there)
