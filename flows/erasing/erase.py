"""Erase people: plan it, take in what has arrived, and make all tables anew without them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import polars as pl

from flows import ledger
from flows.beginning import read_checked_rules, refuse_the_past
from flows.erasing.ids import records_meant
from flows.erasing.plan import Where, plan
from flows.erasing.receipt import tell_receipt
from flows.nightly import Progress, run_now
from flows.rebuild import put_in_place
from flows.restoring import finish_restore
from store.erasures import Erasures
from store.errors import TouchstoneError
from store.golden import open_any_golden
from store.lock import one_writer
from store.rulebook import Rulebook
from store.schema import WAREHOUSE
from store.settings import Settings
from store.warehouse import Warehouse


class Asked(NamedTuple):
    """Who is to be erased."""

    ids: Sequence[str]
    only: bool
    """Of a record's id: that record alone, and not its whole customer."""
    by: str


class Done(NamedTuple):
    """What came of it."""

    receipts: list[dict[str, Any]]
    """Receipts; `Any` is whatever JSON can hold."""
    before: list[str]
    """Ids that were erased before."""


def erase(settings: Settings, asked: Asked, now: datetime, progress: Progress) -> Done:
    """Erase the records that are meant; an erasure that was cut short is finished with it."""
    with one_writer(settings.lock):
        finish_restore(settings)
        rulebook = read_checked_rules(settings)
        put_in_place(settings)
        erasures = Erasures(settings.raw)
        begun = {one.number for one in erasures.begun()}
        if begun:
            run_now(settings, now, progress)
        planned, before = _plan(settings, rulebook, asked, now)
        if planned:
            run_now(settings, now, progress)
        done = [one for one in erasures.all() if one.number in begun | planned]
    return Done([tell_receipt(settings, one, datetime.now(UTC)) for one in done], before)


@contextmanager
def open_where(settings: Settings, rulebook: Rulebook) -> Iterator[Where]:
    """The tables as the last run left them."""
    if not settings.warehouse.exists() or not settings.golden.exists():
        raise TouchstoneError(
            f"There are no tables in {settings.data}; run `touchstone nightly` first."
        )
    with (
        Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse,
        open_any_golden(settings.golden, settings, rulebook.survivorship) as golden,
    ):
        if ledger.unfinished(warehouse) is not None:
            raise TouchstoneError(
                "A run was cut short; run `touchstone nightly`, which finishes it, then again."
            )
        yield Where(settings, rulebook, warehouse, golden)


def _plan(
    settings: Settings, rulebook: Rulebook, asked: Asked, now: datetime
) -> tuple[set[int], list[str]]:
    """Plan the erasure of what is there, and keep the plan; its number, and ids erased before."""
    numbers: set[int] = set()
    before = []
    with open_where(settings, rulebook) as where:
        refuse_the_past(where.warehouse, now)
        for name in asked.ids:
            meant = records_meant(where, name, only=asked.only)
            numbers |= set(meant.numbers)
            if meant.erased is not None:
                before.append(name)
        if not numbers:
            return set(), before
        made = plan(where, pl.Series(sorted(numbers), dtype=pl.Int64), asked.by, now)
    Erasures(settings.raw).write(made)
    return {made.number}, before
