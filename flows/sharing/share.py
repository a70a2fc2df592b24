"""Share a part of a snapshot: a folder of tables, and a manifest of what it is and for whom."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

from flows.sharing.personal import Treatment
from flows.sharing.reach import narrowed, reach_of
from flows.sharing.tables import LEAST, share_tables
from flows.writing import write_answer
from rules.access import Rights
from rules.reach import Reach
from store.errors import TouchstoneError
from store.files import sync_folder, write_json
from store.rulebook import read_rule, read_rulebook
from store.settings import Settings
from store.snapshot import current_run, open_snapshot
from store.state.open import State
from store.state.people import User
from store.views import CONTRACT

MANIFEST = "manifest.json"
LONGEST_DAYS = 366
FORMATS = ("csv", "parquet", "xlsx")


class Order(NamedTuple):
    """What is shared, with whom, and why."""

    name: str
    """The person who gets it."""
    by: str
    """The person who gives it."""
    purpose: str
    folder: Path
    format: str
    days: int
    treatment: Treatment | None
    """None: as clear as they may see it."""
    campaigns: frozenset[str]
    datasets: frozenset[str]


def share(order: Order, settings: Settings, state: State) -> dict[str, Any]:
    """Note it in the audit trail, then write the folder; the manifest."""
    user = state.people.find(order.name)
    if user is None or not user.is_active:
        raise TouchstoneError(
            f"Nobody called {order.name} may have a share; `touchstone user list` names all."
        )
    rights = read_rule(settings.rules / "roles.toml", Rights)
    reach = narrowed(reach_of(user, "export", rights), order.campaigns, order.datasets)
    if not (reach.is_all or reach.campaigns or reach.datasets):
        raise TouchstoneError(f"{order.name} may export nothing; give them a campaign or dataset.")
    treatment = _treatment(order, user, reach, rights)
    run_id = _shared_run(order, settings)
    manifest = _manifest(order, reach, treatment, run_id)
    told = f"to {order.name}, {treatment}, {manifest['share_id']}, until {manifest['expires_at']}"
    state.audit.note(order.by, "share", run_id, told)
    manifest["files"] = _write(order, reach, treatment, settings, run_id)
    write_json(order.folder / MANIFEST, manifest)
    return manifest


def check(folder: Path, now: datetime) -> list[str]:
    """What is wrong with a share: it is past its days, or its files are not what they were."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        expires_at = datetime.fromisoformat(manifest["expires_at"])
        files: dict[str, Any] = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TouchstoneError(f"{folder} is no share: its {MANIFEST} cannot be read.") from error
    problems = [] if now < expires_at else [f"It expired on {expires_at:%Y-%m-%d}; remove it."]
    there = {path.name for path in folder.iterdir()} - {MANIFEST}
    problems += [f"{name} does not belong to it." for name in sorted(there - set(files))]
    for name, told in files.items():
        path = folder / name
        if not path.exists() or _digest(path) != told["sha256"]:
            problems.append(f"{name} is not as it was shared.")
    return problems


def _shared_run(order: Order, settings: Settings) -> str:
    """The run whose snapshot is shared; an error where nothing could be written."""
    run_id = current_run(settings)
    if run_id is None:
        raise TouchstoneError("There is no snapshot to share; run `touchstone nightly` first.")
    if order.folder.exists() and any(order.folder.iterdir()):
        raise TouchstoneError(f"{order.folder} is not empty; name a new folder with --out.")
    return run_id


def _treatment(order: Order, user: User, reach: Reach, rights: Rights) -> Treatment:
    """How clear personal data is: never clearer than the person may see."""
    may_be_clear = reach_of(user, "see_unmasked", rights).holds(reach)
    if order.treatment == "clear" and not may_be_clear:
        raise TouchstoneError(
            f"{order.name} may not see identifiers in clear; choose --personal masked or "
            "pseudonymised."
        )
    return order.treatment or ("clear" if may_be_clear else "masked")


def _write(
    order: Order, reach: Reach, treatment: Treatment, settings: Settings, run_id: str
) -> dict[str, dict[str, object]]:
    """The tables as files: rows, bytes and checksum of each."""
    with open_snapshot(settings, run_id) as con:
        con.execute("set enable_external_access = false")
        con.execute(f"set variable pseudonym_key = '{token_hex(32)}'")
        tables = share_tables(con, reach, treatment, read_rulebook(settings.rules))
    order.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files: dict[str, dict[str, object]] = {}
    for name, table in tables.items():
        path = order.folder / f"{name}.{order.format}"
        write_answer(table, path)
        told = {"rows": table.height, "bytes": path.stat().st_size, "sha256": _digest(path)}
        files[path.name] = told
    sync_folder(order.folder)
    return files


def _manifest(order: Order, reach: Reach, treatment: Treatment, run_id: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    if not 1 <= order.days <= LONGEST_DAYS:
        raise TouchstoneError(f"A share lasts 1 to {LONGEST_DAYS} days; give other --days.")
    return {
        "share_id": token_hex(6),
        "run_id": run_id,
        "contract": CONTRACT,
        "for": order.name,
        "by": order.by,
        "purpose": order.purpose,
        "personal": treatment,
        "scope": {
            "everything": reach.is_all,
            "campaigns": sorted(reach.campaigns),
            "datasets": sorted(reach.datasets),
        },
        "counts_below_are_left_out": LEAST,
        "created_at": now.isoformat(timespec="seconds"),
        "expires_at": (now + timedelta(days=order.days)).isoformat(timespec="seconds"),
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
