"""Back everything up to one archive while the app goes on, and restore it.

The writer's lock is held meanwhile, so no run begins. The app goes on: the decisions are copied
by SQLite's own online backup, and what was posted is sealed first.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flows import ledger
from flows.rebuild import put_in_place
from store.archive import Archive
from store.backups import note_backup
from store.erasures import Erasures
from store.errors import TouchstoneError
from store.files import point_to, remove_tree, sync_folder
from store.lock import one_writer
from store.schema import WAREHOUSE
from store.settings import Settings
from store.snapshot import current_run
from store.spool import seal_all
from store.tarball import Manifest, Member, extract, read_manifest, write_tarball
from store.warehouse import Warehouse

_FOLDERS = ("raw", "spool", "fetch", "keys", "receipts", "models")
_FILES = ("warehouse.duckdb", "golden.duckdb", "backups.json")
_LEFT_OUT = ("__pycache__", ".py", ".lock", ".draft")
_RESTORING = ".restoring"
_OWN = (_RESTORING, "run.lock")


def back_up(settings: Settings, target: Path, now: datetime, days: int) -> Manifest:
    """Write the archive; it is listed in receipts of erasures until it expires."""
    if target.is_dir():
        raise TouchstoneError(f"{target} is a folder; name a file with --out.")
    with one_writer(settings.lock):
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


def restore(settings: Settings, source: Path, now: datetime, *, over: bool) -> dict[str, Any]:
    """Put back what an archive holds; what it says of itself, `Any` being what JSON can hold.

    Everything is verified before anything is put in its place. What was there is put aside.
    """
    manifest = read_manifest(source)
    data = settings.data
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with one_writer(settings.lock):
        there = [path for path in data.iterdir() if path.name not in _OWN and _has_files(path)]
        if there and not over:
            raise TouchstoneError(
                f"{data} is not empty; give another folder with --data, or --over to put what is "
                "there aside."
            )
        staged = data / _RESTORING
        remove_tree(staged)
        extract(source, manifest, staged)
        aside = _put_aside(data, now) if there else None
        if aside is not None:
            _carry_erasures(aside / "raw", staged / "data" / "raw")
        _put_in(staged, data)
        run_id = manifest.about["run_id"]
        if run_id:
            point_to(settings.published / "current", run_id)
        sync_folder(data)
    return {**manifest.about, "files": len(manifest.files), "put_aside": aside and str(aside)}


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
    with closing(sqlite3.connect(path)) as here, closing(sqlite3.connect(copy)) as there:
        here.backup(there)
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
            if "__pycache__" not in inside.parts:
                yield Member(f"{name}/{inside.as_posix()}", path)


def _has_files(path: Path) -> bool:
    return path.is_file() or any(inner.is_file() for inner in path.rglob("*"))


def _put_aside(data: Path, now: datetime) -> Path:
    """Move all that is there into one folder beside it."""
    aside = data / f"replaced-{now:%Y%m%dT%H%M%S}"
    aside.mkdir(mode=0o700)
    for path in sorted(data.iterdir()):
        if path.name not in _OWN and path != aside and not path.name.startswith("replaced-"):
            os.replace(path, aside / path.name)
    return aside


def _put_in(staged: Path, data: Path) -> None:
    """Move what was verified in its place, the warehouse last; the rules of then lie beside it."""
    for path in sorted((staged / "data").iterdir(), key=lambda one: one.name == "warehouse.duckdb"):
        target = data / path.name
        if target.is_dir():
            remove_tree(target)
        os.replace(path, target)
    if (staged / "rules").exists():
        remove_tree(data / "rules")
        os.replace(staged / "rules", data / "rules")
    (data / "inbox").mkdir(exist_ok=True, mode=0o700)
    remove_tree(staged)


def _carry_erasures(old: Path, new: Path) -> None:
    """Whoever was erased after the backup was made is erased again by the next run."""
    kept, restored = Erasures(old), Erasures(new)
    if not kept.folder.exists():
        return
    restored.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (restored.folder / "key").exists():
        os.replace(kept.folder / "key", restored.folder / "key")
    known = {one.number for one in restored.all()}
    last = max((one.delivery_number for one in Archive(new).deliveries()), default=0)
    for one in kept.all():
        if one.number not in known:
            rows = {number: rows for number, rows in one.rows.items() if number <= last}
            again = {"state": "begun", "after": min(one.after, last), "rows": rows}
            restored.write(one.model_copy(update=again))
