"""A night: take in what has arrived and publish what is known now.

This is the plain function that the command line runs, at once and without a server; the Prefect
flow in `flows/deployed.py` wraps the same stages.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from flows import ledger
from flows.beginning import prepare, prepare_rebuild
from flows.digests import digests
from flows.erasing.carry_out import finish_erasures
from flows.fetching import fetch, note_fetch
from flows.late import is_more_waiting
from flows.line import STAGES, open_warehouse, perform
from flows.rebuild import put_in_place
from flows.run import Counts, Run
from flows.run_report import keep_report
from store.archive import Inbox
from store.fetch import Fetched
from store.files import remove_tree
from store.lock import one_writer
from store.settings import Settings
from store.state.engine import remove_copies
from store.warehouse import Warehouse, explained

Progress = Callable[[str, Counts | None], None]
"""Told of each stage when it begins (no counts) and when it has ended."""


class Night(NamedTuple):
    """What a run did."""

    run: Run
    inbox: Inbox
    counts: dict[str, Counts]
    resumed: bool
    fetched: Sequence[Fetched] = ()
    """What came of fetching from partners before it."""
    finished: "Night | None" = None
    """The run that had been cut short and was finished before this one."""


def nightly(
    settings: Settings, now: datetime, progress: Progress, *, takes_in: bool = True
) -> Night:
    """Run one night; a run that was cut short is finished first, under its own name and time.

    It begins with the partners. A fetch that fails is told of and stops nothing. A run that takes
    nothing in obeys what was decided since the last one: deliveries wait, as if they came later.
    What came too late for the run that was cut short is taken in by a run of its own.
    """
    fetched = fetch(settings, now) if takes_in else []
    with one_writer(settings.lock):
        night = _run_one(settings, now, progress, fetched, takes_in=takes_in)
        if not (night.resumed and is_more_waiting(night.run, takes_in=takes_in)):
            return night
        later = _run_one(settings, now, progress, (), takes_in=takes_in)
        return later._replace(fetched=fetched, finished=night._replace(fetched=()))


def _run_one(
    settings: Settings,
    now: datetime,
    progress: Progress,
    fetched: Sequence[Fetched],
    *,
    takes_in: bool,
) -> Night:
    begun = prepare(settings, now, takes_in=takes_in)
    note_fetch(begun.run, fetched)
    counts = run_stages(begun.run, progress, begun.warehouse)
    return Night(begun.run, begun.inbox, counts, begun.resumed, fetched)


def run_now(settings: Settings, now: datetime, progress: Progress) -> None:
    """Run one night for somebody who holds the writer's lock already."""
    begun = prepare(settings, now)
    run_stages(begun.run, progress, begun.warehouse)


def rebuild(settings: Settings, now: datetime, progress: Progress) -> Night:
    """Make all tables anew from the kept deliveries and the decisions."""
    with one_writer(settings.lock):
        run = prepare_rebuild(settings, now)
        return Night(run, Inbox([], [], []), run_stages(run, progress), resumed=False)


def run_stages(run: Run, progress: Progress, opened: Warehouse | None = None) -> dict[str, Counts]:
    """Run every stage of `run` on its warehouse, which may be open already, then close it."""
    counts = {}
    with explained(), opened or open_warehouse(run) as warehouse:
        for stage in STAGES:
            progress(stage, None)
            counts[stage] = perform(run, stage, warehouse)
            progress(stage, counts[stage])
        close(run, warehouse)
    return counts


def close(run: Run, warehouse: Warehouse) -> None:
    """Note that the run ended, close its warehouse, remove what is done with, keep its report."""
    published = ledger.cost_of(warehouse, run.run_id, "publish")
    ledger.finish(warehouse, run.run_id, digests(run.rulebook))
    if run.is_rebuild:  # it is moved without its log; closing would hide that the disk is full
        warehouse.execute("checkpoint")
    warehouse.close()
    remove_tree(run.settings.before)
    remove_copies(run.settings.log_url)
    if run.is_rebuild:
        put_in_place(run.settings)
    if any(one.state == "begun" for one in run.erasures):
        remove_tree(run.settings.before)
    remove_tree(run.work)
    finish_erasures(run)
    keep_report(run.settings, run.rulebook, run.run_id, published)
