"""Remove what runs leave behind and that is past its days: snapshots, reports, measures and logs.

What a snapshot or a report is as old as, is its run. What readers see, the newest run and whatever
waits for a release are never removed.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from rules.retention import Retention
from store.files import remove_tree, sync_folder
from store.golden import open_any_golden
from store.rulebook import Rulebook
from store.run_figures import reports
from store.settings import Settings
from store.snapshot import current_run, kept_runs, open_snapshot
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
        measured=_measured(settings, old, rules.metrics),
    )


def remove_aged(settings: Settings, rulebook: Rulebook, aged: Aged) -> None:
    """Remove it; measures leave the tables, and the snapshots from the next run on."""
    for path in [*aged.snapshots, *aged.reports, *aged.audits, *aged.logs]:
        remove_tree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if aged.snapshots:
        sync_folder(settings.published)
    if aged.measured:
        with open_any_golden(settings.golden, settings, rulebook.survivorship) as golden:
            _forget(golden, aged.measured)


def _forget(golden: Warehouse, runs: list[str]) -> None:
    with golden.transaction():
        names = ", ".join(f"'{run_id}'" for run_id in runs)
        golden.execute(f"delete from metrics where run_id in ({names})")


def _older(settings: Settings, now: datetime) -> Callable[[Iterable[str], int | None], list[str]]:
    """Of some runs those that ran before so many days; of none that is not known."""
    with closing(open_snapshot(settings, _newest(settings))) as con:
        ran = dict(con.sql("select run_id, epoch(now) from runs").fetchall())

    def old(runs: Iterable[str], days: int | None) -> list[str]:
        if days is None:
            return []
        limit = (now - timedelta(days=days)).timestamp()
        return [run_id for run_id in runs if ran.get(run_id, limit) < limit]

    return old


def _newest(settings: Settings) -> str | None:
    """The newest run of which a snapshot is kept: it knows all others, whatever readers see."""
    return next(reversed(kept_runs(settings)), None)


def _measured(
    settings: Settings, old: Callable[[Iterable[str], int | None], list[str]], days: int | None
) -> list[str]:
    """Runs that are past their days and still have measures; never the current one."""
    with closing(open_snapshot(settings, _newest(settings))) as con:
        runs = con.sql("select distinct run_id from metrics order by run_id").fetchall()
    current = current_run(settings)
    return [run_id for run_id in old([name for (name,) in runs], days) if run_id != current]


def _audits(settings: Settings, days: int | None, now: datetime) -> list[Path]:
    if days is None:
        return []
    oldest = f"audit-{now - timedelta(days=days):%Y%m%dT%H%M%S}.json"
    found = sorted((settings.data / "audits").glob("audit-*.json"))
    return [path for path in found if path.name < oldest]


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
