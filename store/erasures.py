"""Keep what is left of those who were erased, and the key of its digests, among the deliveries.

`raw/erased/` has a file for each erasure. It is written before anything is removed, as begun, and
again when all is done; so whoever finds one that is begun knows what there is left to do.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from rules.erasure import Erasure
from store.files import sync_folder, write_private
from store.settings import Settings
from store.warehouse import Warehouse

_SHOWN = 40
"""Hexadecimal digits of a digest that are kept: 160 bits."""


class Erasures:
    """The erasures of one installation."""

    def __init__(self, raw: Path) -> None:
        self.folder = raw / "erased"

    def all(self) -> list[Erasure]:
        """Every erasure, in order."""
        return [
            Erasure.model_validate_json(path.read_text("utf-8"))
            for path in sorted(self.folder.glob("[0-9]*.json"))
        ]

    def begun(self) -> list[Erasure]:
        """The erasures that are not done yet."""
        return [erasure for erasure in self.all() if erasure.state == "begun"]

    def write(self, erasure: Erasure) -> None:
        """Keep an erasure, in the place of what was kept of it before."""
        write_private(self.folder / f"{erasure.number:06d}.json", erasure.model_dump_json(indent=1))
        sync_folder(self.folder)

    def key(self) -> str:
        """The installation's own key; the first who asks makes it."""
        path = self.folder / "key"
        if not path.exists():
            write_private(path, secrets.token_hex(32))
            sync_folder(self.folder)
        return path.read_text("ascii")


class Digests:
    """Digests that nobody can make or try without the key."""

    def __init__(self, key: str, warehouse: Warehouse) -> None:
        self._key = key
        self.warehouse = warehouse

    def of(self, texts: pl.Series) -> pl.Series:
        """The digest of each text; of none, none."""
        inner = f"sha256('{self._key}' || text)"
        return self.warehouse.read(
            f"select substr(sha256('{self._key}' || {inner}), 1, {_SHOWN}) as digest "
            "from texts order by number",
            texts=pl.DataFrame({"text": texts}, schema={"text": pl.String}).with_row_index(
                "number"
            ),
        ).to_series()

    def one(self, text: str) -> str:
        """The digest of one text."""
        inner = hashlib.sha256((self._key + text).encode()).hexdigest()
        return hashlib.sha256((self._key + inner).encode()).hexdigest()[:_SHOWN]


@contextmanager
def scratch(settings: Settings) -> Iterator[Warehouse]:
    """A database to reckon in while there is no warehouse, or none that can be read."""
    path = settings.work / "scratch.duckdb"
    settings.work.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    try:
        with Warehouse(path, settings, "create schema scratch", compress=False) as warehouse:
            yield warehouse
    finally:
        for left in (path, path.with_name(path.name + ".wal")):
            left.unlink(missing_ok=True)


def key_text(source: str, source_key: str) -> str:
    """What the digest of a record's key is made from."""
    return f"key\x1f{source}\x1f{source_key}"


def is_private(path: Path) -> bool:
    """Whether nobody but its owner may read a file."""
    return not os.stat(path).st_mode & 0o077
