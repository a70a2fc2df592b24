"""Write the receipt of an erasure: what was removed where, and no personal data."""

from datetime import datetime
from pathlib import Path
from typing import Any

from rules.erasure import Erasure
from store.backups import known_backups
from store.files import write_json, write_private
from store.settings import Settings

_SAYS = {
    "rows": "rows of kept deliveries",
    "cells": "cells of kept deliveries, of records that stay",
    "deliveries_rewritten": "deliveries that were rewritten without them",
    "deliveries_searched": "deliveries that were searched",
    "bytes_searched": "bytes of deliveries that were searched",
    "decisions": "decisions from which records or values were struck out",
    "remarks": "verdicts and comments that were struck out",
    "entries": "entries at the desk that waited for a steward, and drafts",
    "domains": "answers of DNS about domains of nobody else",
    "terms": "names of nobody else in models that were proposed",
    "snapshots": "older snapshots that were dropped",
}


def receipt_path(settings: Settings, number: int) -> Path:
    """Where the receipt of this erasure lies; the text lies beside it, as .txt."""
    return settings.data / "receipts" / f"erasure-{number:06d}.json"


def write_receipt(settings: Settings, erasure: Erasure, now: datetime) -> None:
    """Write the receipt as JSON and as text."""
    path = receipt_path(settings, erasure.number)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    told = tell_receipt(settings, erasure, now)
    write_private(path.with_suffix(".txt"), _text(told))
    write_json(path, told)


def tell_receipt(settings: Settings, erasure: Erasure, now: datetime) -> dict[str, Any]:
    """The receipt as data; `Any` is whatever JSON can hold."""
    return {
        "erasure": erasure.number,
        "asked_by": erasure.asked_by,
        "erased_at": erasure.erased_at.isoformat(),
        "done_at": now.isoformat(),
        "run_id": erasure.run_id,
        "customers": list(erasure.customers),
        "records_by_source": erasure.records,
        "removed": erasure.removed,
        "tables": "All tables and the snapshot were made anew from the deliveries that are left.",
        "backups": [backup._asdict() for backup in known_backups(settings)],
        "left": _left(erasure),
    }


def _left(erasure: Erasure) -> list[str]:
    left = [
        "A tombstone without personal data, so that the person does not come back unasked.",
        "The audit trail of who looked at which record, by id and without values.",
    ]
    if erasure.removed.get("waiting_files"):
        left.append(
            f"{erasure.removed['waiting_files']} files in the inbox that no feed expects and that "
            "hold a contact value of the person: remove them, or give them a feed."
        )
    return left


def _text(told: dict[str, Any]) -> str:
    customers = ", ".join(told["customers"]) or "none whole"
    lines = [
        f"Receipt of erasure {told['erasure']}",
        "",
        f"Asked by    {told['asked_by']}",
        f"Erased at   {told['erased_at']}",
        f"Done at     {told['done_at']} by run {told['run_id']}",
        f"Customers   {customers}",
        "Records     "
        + ", ".join(f"{count} of {source}" for source, count in told["records_by_source"].items()),
        "",
        "Removed",
        *(f"  {told['removed'].get(name, 0):>12,}  {says}" for name, says in _SAYS.items()),
        f"  {told['tables']}",
        "",
        "Backups that still hold the person until they expire",
        *(f"  {backup['name']}, until {backup['expires_at']}" for backup in told["backups"]),
        *([] if told["backups"] else ["  none that are known here"]),
        "",
        "Left",
        *(f"  {line}" for line in told["left"]),
    ]
    return "\n".join(lines) + "\n"
