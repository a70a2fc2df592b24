"""Restore a backup: verify all of it beside what is there, then change places.

From the moment at which a plan lies beside what was verified, the restore is going to happen:
killed at any point, it is finished by the next run, and each step finds its own work done.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.replaying import replay
from store.archive import Archive
from store.erasures import Erasures
from store.errors import TouchstoneError
from store.files import point_to, read_json, remove_tree, sync_folder, write_json
from store.lock import one_writer
from store.settings import Settings
from store.tarball import extract, read_manifest

_STAGED = ".restoring"
_DONE = ".restored"
_PLAN = "plan.json"
_OWN = (_STAGED, _DONE, "run.lock")


def restore(
    settings: Settings, source: Path, now: datetime, *, over: bool, decisions: Path | None = None
) -> dict[str, Any]:
    """Put back what an archive holds; what it says of itself, `Any` being what JSON can hold.

    decisions: a newer backup, or a decision log, of which what was decided since is replayed.

    Everything is verified before anything is put in its place. What was there is put aside.
    """
    manifest = read_manifest(source)
    data = settings.data
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with one_writer(settings.lock):
        finish_restore(settings)
        there = [path.name for path in sorted(data.iterdir()) if _is_theirs(path)]
        if there and not over:
            raise TouchstoneError(
                f"{data} is not empty; give another folder with --data, or --over to put what is "
                "there aside."
            )
        staged = data / _STAGED
        remove_tree(staged)
        extract(source, manifest, staged)
        replayed = replay(settings, decisions, staged) if decisions else 0
        run_id = manifest.about["run_id"]
        if run_id:
            point_to(staged / "data" / "published" / "current", run_id)
        aside = f"replaced-{now:%Y%m%dT%H%M%S}" if there else None
        write_json(staged / _PLAN, {"aside": aside, "there": there})
        finish_restore(settings)
    put_aside = aside and str(data / aside)
    told = {"files": len(manifest.files), "put_aside": put_aside, "replayed": replayed}
    return manifest.about | told


def finish_restore(settings: Settings) -> None:
    """Finish a restore of which everything was verified; nothing to do where there is none."""
    data, staged = settings.data, settings.data / _STAGED
    remove_tree(data / _DONE)
    if not (staged / _PLAN).exists():
        return
    plan = read_json(staged / _PLAN)
    if plan["aside"] is not None:
        aside = data / plan["aside"]
        _put_aside(data, aside, plan["there"])
        raw = staged / "data" / "raw"
        _carry_erasures(aside / "raw", raw if raw.exists() else data / "raw")
    _put_in(staged, data)
    sync_folder(data)
    os.replace(staged, data / _DONE)
    remove_tree(data / _DONE)


def _is_theirs(path: Path) -> bool:
    """Whether this is something that a restore would replace; what was put aside before is not."""
    is_other = path.name in _OWN or path.name.startswith("replaced-")
    return not is_other and _has_files(path)


def _has_files(path: Path) -> bool:
    return path.is_file() or any(inner.is_file() for inner in path.rglob("*"))


def _put_aside(data: Path, aside: Path, there: list[str]) -> None:
    """Move what was there into one folder beside it; what readers see goes last."""
    aside.mkdir(mode=0o700, exist_ok=True)
    for name in sorted(there, key=lambda one: one == "published"):
        if (data / name).exists() and not (aside / name).exists():
            os.replace(data / name, aside / name)
    sync_folder(aside)


def _put_in(staged: Path, data: Path) -> None:
    """Move what was verified in its place, first what readers see; the rules of then beside it."""
    found = sorted((staged / "data").iterdir(), key=lambda one: one.name != "published")
    for path in [*found, staged / "rules"]:
        target = data / path.name
        if path.exists():
            if target.is_dir():
                remove_tree(target)
            os.replace(path, target)
    (data / "inbox").mkdir(exist_ok=True, mode=0o700)


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
