"""Back everything up to one archive while the app goes on.

The writer's lock is held meanwhile, so no run begins. The app goes on: the decisions are copied
by SQLite's own online backup, and what was posted is sealed first.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from flows import ledger
from flows.rebuild import put_in_place
from flows.restoring import finish_restore
from store.backups import note_backup
from store.erasures import Erasures
from store.errors import TouchstoneError
from store.lock import one_writer
from store.schema import WAREHOUSE
from store.settings import Settings
from store.snapshot import LAID_OUT, current_run
from store.spool import seal_all
from store.tarball import Manifest, Member, write_tarball
from store.warehouse import Warehouse

_FOLDERS = ("raw", "spool", "fetch", "keys", "receipts", "models")
_FILES = ("warehouse.duckdb", "golden.duckdb", "backups.json")
_LEFT_OUT = ("__pycache__", ".py", ".lock", ".draft")


def back_up(settings: Settings, target: Path, now: datetime, days: int) -> Manifest:
    """Write the archive; it is listed in receipts of erasures until it expires."""
    if target.is_dir():
        raise TouchstoneError(f"{target} is a folder; name a file with --out.")
    with one_writer(settings.lock):
        finish_restore(settings)
        put_in_place(settings)
        _refuse_unfinished(settings)
        if settings.spool.is_dir():
            seal_all(settings.spool)
        copy = settings.work / "backup.sqlite"
        try:
            about = {
                "made_at": now.isoformat(),
                "run_id": current_run(settings),
                "has_decisions": _copy_decisions(settings, copy),
            }
            note_backup(settings, target.name, now, now + timedelta(days=days))
            return write_tarball(target, _members(settings, copy), about)
        finally:
            copy.unlink(missing_ok=True)


def _refuse_unfinished(settings: Settings) -> None:
    if not settings.warehouse.exists():
        raise TouchstoneError(
            f"There are no tables in {settings.data}; there is nothing to back up."
        )
    with Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse:
        unfinished = ledger.unfinished(warehouse)
    if unfinished is not None or Erasures(settings.raw).begun():
        raise TouchstoneError(
            "A run was cut short; run `touchstone nightly`, which finishes it, then again."
        )


def _copy_decisions(settings: Settings, copy: Path) -> bool:
    """Copy the state database as it is at one moment; one that is elsewhere is not ours to copy."""
    path = settings.data / "decisions" / "decisions.sqlite"
    if settings.decisions_url is not None or not path.exists():
        return False
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(path)) as here, closing(sqlite3.connect(copy)) as there:
            here.backup(there)
    except sqlite3.Error as error:
        raise TouchstoneError(
            f"The decision log cannot be copied to {copy.parent} ({error}); make room there, or "
            "run `touchstone doctor` if the log is damaged."
        ) from error
    return True


def _members(settings: Settings, decisions: Path) -> Iterator[Member]:
    data = settings.data
    for name in _FILES:
        if (data / name).exists():
            yield Member(f"data/{name}", data / name)
    for folder in _FOLDERS:
        yield from _below(data / folder, f"data/{folder}")
    run_id = current_run(settings)
    if run_id:
        yield from _below(settings.published / run_id, f"data/published/{run_id}")
    if decisions.exists():
        yield Member("data/decisions/decisions.sqlite", decisions)
    yield from _below(settings.rules, "rules")


def _below(folder: Path, name: str) -> Iterator[Member]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not path.name.endswith(_LEFT_OUT):
            inside = path.relative_to(folder)
            if not {"__pycache__", LAID_OUT} & set(inside.parts):
                yield Member(f"{name}/{inside.as_posix()}", path)
