"""Keep what is laid out of a snapshot beside it, so that the next start of the app finds it there.

The files hold what the snapshot holds. They lie in its folder and go when it goes, as at an erasure
all do that tell of the person; nothing makes a folder again that is gone. The name of a file says
what it was made by: with another version, other rules or another copy of the snapshot it is made
anew. Where nothing can be kept, it is made for this process alone, in a file that never has a name.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl
import pyarrow as pa

from store.files import sync_file
from store.settings import Settings
from store.snapshot import LAID_OUT

LOG = logging.getLogger("touchstone.steward")
DRAFT = ".draft"


class LaidOut(NamedTuple):
    """Where files lie that were made of one snapshot by the same code and rules."""

    folder: Path
    work: Path
    """Where files are made that have no name."""
    made_by: str

    def rows(self, name: str, make: Callable[[], pa.Table]) -> pa.RecordBatch:
        """The rows of a table of one chunk, mapped into memory; made if they are not there."""
        path = self.path(name)
        try:
            return _mapped(path)
        except (OSError, pa.ArrowInvalid):
            rows = make()
        try:
            _write(self.draft(name), rows)
            self.settle(name)
            return _mapped(path)
        except OSError:
            LOG.warning("what was laid out of the snapshot cannot be kept beside it")
            return mapped(rows, self.work)

    def path(self, name: str) -> Path:
        """Where a file of this name lies, if it is there: it is whole."""
        return self.folder / f"{self.made_by}-{name}"

    def draft(self, name: str) -> Path:
        """Where to write it, until it is."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        draft = self.folder / f"{self.path(name).name}{DRAFT}"
        for left in self.folder.glob(f"{draft.name}*"):
            left.unlink()
        return draft

    def settle(self, name: str) -> None:
        """What was written is whole; what it takes the place of, here and before, goes."""
        path = self.path(name)
        draft = path.with_name(f"{path.name}{DRAFT}")
        sync_file(draft)
        os.replace(draft, path)
        snapshot = self.folder.parent
        for old in snapshot.parent.glob(f"R*/{LAID_OUT}/*-{name}*"):
            if old != path and old.parent.parent.name <= snapshot.name:
                old.unlink(missing_ok=True)


def laid_out(settings: Settings, run_id: str, *made_by: str) -> LaidOut:
    """Where that lies which is made of this run's snapshot by this code and by `made_by`."""
    snapshot = settings.published / run_id
    about = (snapshot / "golden.duckdb").stat()
    told = [*made_by, _code(), about.st_size, about.st_mtime_ns]
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    return LaidOut(snapshot / LAID_OUT, settings.work, digest[:16])


def mapped(table: pa.Table, folder: Path) -> pa.RecordBatch:
    """The rows of a table of one chunk, in a file below `folder` that never has a name."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryFile(dir=folder) as file:
        name = Path(f"/proc/self/fd/{file.fileno()}")
        _write(name, table)
        return _mapped(name)


def _write(path: Path, table: pa.Table) -> None:
    batches = table.to_batches()
    rows = batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
    with path.open("wb") as out, pa.ipc.new_file(out, table.schema) as writer:
        writer.write_batch(rows)


def _mapped(path: Path) -> pa.RecordBatch:
    """A file's rows; it is read ahead, or each first look at a row would wait for the disk."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
    return pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)


@cache
def _code() -> str:
    """A digest of the code that lays out, and of the libraries whose answers it keeps."""
    found = hashlib.sha256(f"{duckdb.__version__} {pl.__version__} {pa.__version__}".encode())
    for package in ("rules", "steward", "store", "transforms"):
        for path in sorted((Path(__file__).parents[1] / package).rglob("*.py")):
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()
