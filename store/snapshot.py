"""Publish snapshots of the golden tables and read them.

A snapshot is a folder, `published/<run_id>/`, complete before `published/current` is switched to
it by one rename. Readers of the old one are undisturbed.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from store.errors import TouchstoneError
from store.files import point_to, remove_tree, sync_file, sync_folder
from store.glance import glance
from store.parquet import HIDDEN, write_tables
from store.settings import Settings
from store.sums import write_sums
from store.warehouse import configure, spill_below

__all__ = [
    "HIDDEN",
    "TABLES",
    "current_run",
    "drop_others",
    "glance_at_snapshot",
    "has_snapshot",
    "kept_runs",
    "lead_back",
    "open_snapshot",
    "publish",
]

TABLES = (
    "customers",
    "crosswalk",
    "contact_points",
    "relationships",
    "lineage",
    "history",
    "redirects",
    "quarantine",
    "corrections",
    "ignored_values",
    "review_items",
    "pairs",
    "deliveries",
    "runs",
    "metrics",
    "changes",
)
"""The published tables, in the order in which docs/data-dictionary.md explains them."""

HELD = "HELD"
"""The file in a snapshot that says why it is held back."""

LAID_OUT = ".laid-out"
"""The folder in a snapshot where the app keeps what it has laid out of it."""

OF_EVERY_RUN = frozenset(
    {
        "redirects",
        "review_items",
        "deliveries",
        "quarantine",
        "corrections",
        "ignored_values",
        "runs",
        "metrics",
    }
)
"""Tables that a run writes anew even where no customer changed."""


def publish(
    golden: Path,
    settings: Settings,
    run_id: str,
    *,
    is_changed: bool = True,
    held: Sequence[str] = (),
) -> Path:
    """Publish a copy of the golden tables as the snapshot of `run_id`; switch readers to it.

    Where no customer changed, the files of the snapshot before are linked, not written again. With
    reasons to hold it back the snapshot is complete, and readers stay with the one they have.
    """
    target = settings.published / run_id
    if target.exists():  # under its final name it is complete: a run was killed after the rename
        if not is_held(settings, run_id):
            point_to(settings.published / "current", run_id)
        return target
    draft = settings.published / f".{run_id}.draft"
    remove_tree(draft)
    draft.mkdir(parents=True, mode=0o700)
    copy = draft / "golden.duckdb"
    shutil.copyfile(golden, copy)
    before = _newest(settings)
    tables = [table for table in TABLES if is_changed or not _link(table, draft, before)]
    _write_parquet(copy, draft, settings, tables)
    write_sums(draft, before)
    if held:
        (draft / HELD).write_text("\n".join(held), encoding="utf-8")
    for path in draft.iterdir():
        sync_file(path)
    sync_folder(draft)
    os.replace(draft, target)
    sync_folder(settings.published)
    if not held:
        point_to(settings.published / "current", run_id)
    _prune(settings)
    return target


def is_held(settings: Settings, run_id: str) -> bool:
    """Whether the snapshot waits for a person to release it."""
    return run_id != current_run(settings) and (settings.published / run_id / HELD).exists()


def held_back(settings: Settings) -> tuple[str, list[str]] | None:
    """The newest run and why its snapshot is held back, if it is."""
    newest = _newest(settings)
    if newest is None or not is_held(settings, newest.name):
        return None
    return newest.name, (newest / HELD).read_text(encoding="utf-8").splitlines()


def release(settings: Settings, run_id: str) -> None:
    """Switch readers to a snapshot that was held back."""
    point_to(settings.published / "current", run_id)
    (settings.published / run_id / HELD).unlink(missing_ok=True)
    sync_folder(settings.published / run_id)


def drop_others(settings: Settings, run_id: str) -> list[str]:
    """Remove every snapshot but that of this run; the names of those that were there."""
    others = [path for path in settings.published.glob("R[0-9]*") if path.name != run_id]
    for path in others:
        _remove(path)
    for path in settings.published.glob(".R*.draft"):
        remove_tree(path)
    sync_folder(settings.published)
    return sorted(path.name for path in others)


def lead_back(settings: Settings, run_id: str) -> None:
    """Lead readers to a snapshot that is kept, one held back too; the next run leads them on."""
    if run_id not in kept_runs(settings):
        raise TouchstoneError(f"The snapshot {run_id} is not kept any more.")
    release(settings, run_id)


def open_snapshot(settings: Settings, run_id: str | None = None) -> duckdb.DuckDBPyConnection:
    """Open a snapshot read-only, the current one unless `run_id` names another."""
    con = duckdb.connect(str(_file_of(settings, run_id)), read_only=True)
    configure(con, settings)
    return con


@contextmanager
def glance_at_snapshot(
    settings: Settings, run_id: str | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Look into a snapshot for a moment, as `glance` does."""
    with glance(_file_of(settings, run_id)) as con:
        spill_below(con, settings)
        configure(con, settings)
        yield con


def _file_of(settings: Settings, run_id: str | None) -> Path:
    """The golden tables of a snapshot that there is."""
    path = (settings.published / (run_id or "current")).resolve() / "golden.duckdb"
    if not path.exists():
        raise TouchstoneError(
            f"There is no snapshot {run_id or 'yet'} in {settings.published}; "
            "run `touchstone nightly` first."
        )
    return path


def current_run(settings: Settings) -> str | None:
    """The run whose snapshot readers see."""
    link = settings.published / "current"
    return os.readlink(link) if link.is_symlink() else None


def has_snapshot(settings: Settings, run_id: str) -> bool:
    """Whether the snapshot of this run is kept."""
    return (settings.published / run_id / "golden.duckdb").exists()


def kept_runs(settings: Settings) -> list[str]:
    """The runs whose snapshots are there, the oldest first."""
    return sorted(
        path.name
        for path in settings.published.glob("R[0-9]*")
        if has_snapshot(settings, path.name)
    )


def _newest(settings: Settings) -> Path | None:
    """The newest complete snapshot, current or held back."""
    return max(settings.published.glob("R[0-9]*"), default=None)


def _link(table: str, folder: Path, before: Path | None) -> bool:
    """Link a table's file of the snapshot before into `folder`, if it still holds."""
    if before is None or table in OF_EVERY_RUN or not (before / f"{table}.parquet").exists():
        return False
    os.link(before / f"{table}.parquet", folder / f"{table}.parquet")
    return True


def _write_parquet(copy: Path, folder: Path, settings: Settings, tables: list[str]) -> None:
    with glance(copy) as con:
        spill_below(con, settings)
        configure(con, settings)
        write_tables(con, folder, tables)


def _prune(settings: Settings) -> None:
    """Remove snapshots beyond the number that is kept, never the current one."""
    current = current_run(settings)
    kept = sorted(path.name for path in settings.published.glob("R[0-9]*"))
    for name in kept[: -settings.snapshots_kept]:
        if name != current:
            _remove(settings.published / name)
    for draft in settings.published.glob(".R*.draft"):
        remove_tree(draft)


def _remove(snapshot: Path) -> None:
    """Remove a snapshot; once it has another name, no app adds to it what is laid out of it."""
    gone = snapshot.with_name(f".{snapshot.name}.draft")
    remove_tree(gone)
    os.replace(snapshot, gone)
    remove_tree(gone)
