"""Know which backups were made of this data, and until when each is kept."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from store.files import read_json, write_json
from store.settings import Settings


class Backup(NamedTuple):
    """A backup that was made."""

    name: str
    made_at: str
    expires_at: str


def known_backups(settings: Settings) -> list[Backup]:
    """The backups that were made, oldest first."""
    path = _list_of(settings)
    if not path.exists():
        return []
    return [Backup(**backup) for backup in read_json(path)["backups"]]


def note_backup(settings: Settings, name: str, made_at: datetime, expires_at: datetime) -> None:
    """Note that a backup was made; those that have expired are forgotten."""
    kept = [
        backup
        for backup in known_backups(settings)
        if backup.name != name and datetime.fromisoformat(backup.expires_at) > made_at
    ]
    made = Backup(name, made_at.isoformat(), expires_at.isoformat())
    write_json(_list_of(settings), {"backups": [one._asdict() for one in [*kept, made]]})


def _list_of(settings: Settings) -> Path:
    return settings.data / "backups.json"
