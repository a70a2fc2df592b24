"""What the stages of one run share."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from rules.erasure import Erasure
from store.rulebook import Rulebook
from store.settings import Settings
from transforms.resolve import Resolved

Counts = dict[str, int]
"""What a stage did, by name: published as metrics and shown in the summary."""


class Run(NamedTuple):
    """One run: its name, its time, and by what it is decided."""

    run_id: str
    now: datetime
    settings: Settings
    rulebook: Rulebook
    decisions: pl.DataFrame
    """The decision log as it was when the run began."""
    said: Resolved
    """What holds after all of the decisions."""
    changed: frozenset[str]
    """The stages whose rules changed since the last run: `cluster`, `survive`."""
    is_rebuild: bool
    erasures: tuple[Erasure, ...] = ()
    """Who was erased so far."""

    @property
    def work(self) -> Path:
        """The run's own folder for what it hands from stage to stage."""
        return self.settings.work / self.run_id

    @property
    def warehouse(self) -> Path:
        """The warehouse that this run writes; a rebuild's is put in place at its end."""
        return _beside(self.settings.warehouse, self.is_rebuild)

    @property
    def golden(self) -> Path:
        """The golden tables that this run writes."""
        return _beside(self.settings.golden, self.is_rebuild)


def _beside(path: Path, is_rebuild: bool) -> Path:
    return path.with_suffix(".rebuild.duckdb") if is_rebuild else path
