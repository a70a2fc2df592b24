"""Lay snapshots out for the read API in a process that stands back behind all others.

To do it in the app would keep those waiting who ask for customers meanwhile, and leave the app the
memory that it took. What cannot be kept beside the snapshot the app makes for itself.
"""

import threading
from functools import partial

from steward.api.blocks import Blocks, lay_out_blocks, made_by
from steward.aside import LONG_SECONDS, STANDS_BACK, Aside, lay_out_aside
from store.cabinet import TABLES, Cabinet, lay_out
from store.laid_out import laid_out
from store.rulebook import Rulebook
from store.settings import Settings


class Laying:
    """How one app lays out; one snapshot at a time."""

    def __init__(self, settings: Settings, rulebook: Rulebook) -> None:
        """It is made before the app has threads: see `Aside`."""
        self._settings, self._rulebook = settings, rulebook
        self._turn = threading.Lock()
        self._customers, self._records = (
            Aside[str, None](partial(partial, work, settings, rulebook), LONG_SECONDS, STANDS_BACK)
            for work in (lay_out_customers, lay_out_records)
        )

    def cabinet(self, run_id: str) -> Cabinet:
        """Where customers are looked up."""
        with self._turn:
            self._lay_out(self._customers, run_id, [f"{name}.arrow" for name in TABLES])
            return lay_out(self._settings, run_id)

    def blocks(self, run_id: str) -> None:
        """What matches are looked for in; it lies beside the snapshot then."""
        rules = made_by(self._rulebook.matching, self._rulebook)
        with self._turn:
            self._lay_out(self._records, run_id, ["keys.arrow"], *rules)

    def _lay_out(
        self, there: Aside[str, None], run_id: str, files: list[str], *made_by: str
    ) -> None:
        """Have it done in a process, unless the files are there or none is to be started."""
        if not self._settings.match_processes or self._has(run_id, files, *made_by):
            return
        lay_out_aside(there, run_id)

    def _has(self, run_id: str, files: list[str], *made_by: str) -> bool:
        try:
            place = laid_out(self._settings, run_id, *made_by)
        except FileNotFoundError:
            return True  # who reads it says what is wrong
        return all(place.path(name).exists() for name in files)


def lay_out_customers(settings: Settings, _: Rulebook, run_id: str) -> None:
    """Make the cabinet, and leave it beside the snapshot."""
    lay_out(settings, run_id)


def lay_out_records(settings: Settings, rulebook: Rulebook, run_id: str) -> None:
    """Make what matches are looked for in, and leave it beside the snapshot."""
    blocks_of(settings, rulebook, lay_out(settings, run_id))


def blocks_of(settings: Settings, rulebook: Rulebook, cabinet: Cabinet) -> Blocks:
    """What matches are looked for in, made if it is not there."""
    place = laid_out(settings, cabinet.run_id, *made_by(rulebook.matching, rulebook))
    return lay_out_blocks(cabinet, rulebook.matching, rulebook.lookups, place)
