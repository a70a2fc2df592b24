"""Remove what runs leave behind and that is past its days: snapshots, reports, logs, their tables.

What a run left is as old as the run; what is of no run that is known any more is older than all.
What readers see, the newest run and whatever waits for a release are never removed.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from flows import ledger
from rules.retention import Retention
from store.changes import forget_changes
from store.files import remove_tree, sync_folder
from store.golden import open_any_golden
from store.rulebook import Rulebook
from store.run_figures import reports
from store.schema import WAREHOUSE
from store.settings import Settings
from store.snapshot import current_run, kept_runs, open_snapshot
from store.state.forgetting import find_forgotten, forget_items
from store.state.open import open_state
from store.warehouse import Warehouse

LOGS = ("run-now.log", "prefect")
"""Below the data folder; what services write themselves is the journal's."""


class Aged(NamedTuple):
    """What is past its days: by kind what is to be removed."""

    snapshots: list[Path]
    reports: list[Path]
    audits: list[Path]
    logs: list[Path]
    measured: list[str]
    """Runs whose measures go."""
    changes: list[str]
    """Runs of which it goes what they did to customers."""
    runs: list[str]
    """Runs that are known no more."""
    items: list[str]
    """Review items that closed unanswered."""

    @property
    def counts(self) -> dict[str, int]:
        """How much it is."""
        return {name: len(found) for name, found in self._asdict().items()}


def find_aged(settings: Settings, rules: Retention, now: datetime) -> Aged:
    """What is past its days at this time."""
    old = _older(settings, now)
    kept = kept_runs(settings)
    stays = {current_run(settings), *kept[-1:]}
    gone = [name for name in kept if name not in stays]
    pages = reports(settings)
    return Aged(
        snapshots=[settings.published / name for name in old(gone, rules.snapshots)],
        reports=[pages[name] for name in old(pages, rules.reports)],
        audits=_audits(settings, rules.audits, now),
        logs=_untouched(settings, rules.logs, now),
        measured=old(_runs_in(settings, "metrics"), rules.metrics),
        changes=old(_runs_in(settings, "changes"), rules.changes),
        runs=old(_runs_in(settings, "runs"), rules.runs),
        items=_items(settings, rules.items, now),
    )


def remove_aged(settings: Settings, rulebook: Rulebook, aged: Aged) -> None:
    """Remove it; measures leave the tables, and the snapshots from the next run on."""
    for path in [*aged.snapshots, *aged.reports, *aged.audits, *aged.logs]:
        remove_tree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if aged.snapshots:
        sync_folder(settings.published)
    if aged.measured or aged.changes or aged.runs:
        with open_any_golden(settings.golden, settings, rulebook.survivorship) as golden:
            _forget(golden, aged)
    if aged.items:
        with open_state(settings) as state:
            forget_items(state.engine, aged.items)
    if aged.runs:
        with Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse:
            ledger.forget(warehouse, aged.runs)


def _forget(golden: Warehouse, aged: Aged) -> None:
    with golden.transaction():
        if aged.changes:
            forget_changes(golden, aged.changes)
        for table, runs in (("metrics", aged.measured), ("runs", aged.runs)):
            golden.execute(f"delete from {table} where run_id in (select unnest({runs}))")


def _older(settings: Settings, now: datetime) -> Callable[[Iterable[str], int | None], list[str]]:
    """Of some runs those that ran before so many days; never the one that readers see."""
    with closing(open_snapshot(settings, _newest(settings))) as con:
        ran = dict(con.sql("select run_id, epoch(now) from runs").fetchall())
    current, first = current_run(settings), min(ran)

    def old(runs: Iterable[str], days: int | None) -> list[str]:
        if days is None:
            return []
        limit = (now - timedelta(days=days)).timestamp()
        return [
            run_id
            for run_id in runs
            if run_id != current and (run_id < first or ran.get(run_id, limit) < limit)
        ]

    return old


def _newest(settings: Settings) -> str | None:
    """The newest run of which a snapshot is kept: it knows all others, whatever readers see."""
    return next(reversed(kept_runs(settings)), None)


def _runs_in(settings: Settings, table: str) -> list[str]:
    """Runs that a table tells of."""
    with closing(open_snapshot(settings, _newest(settings))) as con:
        runs = con.sql(f"select distinct run_id from {table} order by run_id").fetchall()
    return [name for (name,) in runs]


def _audits(settings: Settings, days: int | None, now: datetime) -> list[Path]:
    if days is None:
        return []
    oldest = f"audit-{now - timedelta(days=days):%Y%m%dT%H%M%S}.json"
    found = sorted((settings.data / "audits").glob("audit-*.json"))
    return [path for path in found if path.name < oldest]


def _items(settings: Settings, days: int | None, now: datetime) -> list[str]:
    """Review items of so long ago that nobody answered; looking makes no queue."""
    if days is None or not _has_log(settings):
        return []
    with open_state(settings) as state:
        return find_forgotten(state.engine, now - timedelta(days=days))


def _has_log(settings: Settings) -> bool:
    return settings.decisions_url is not None or (settings.data / "decisions").exists()


def _untouched(settings: Settings, days: int | None, now: datetime) -> list[Path]:
    """Logs below the data folder that nobody wrote to for so long."""
    if days is None:
        return []
    limit = now - timedelta(days=days)
    found = []
    for path in (settings.data / name for name in LOGS):
        files = [one for one in [path, *path.rglob("*")] if one.is_file()]
        touched = [datetime.fromtimestamp(one.stat().st_mtime, UTC) for one in files]
        if touched and max(touched) < limit:
            found.append(path)
    return found
