"""Read what a run did out of a snapshot, beside the runs before it: counts, costs and measures.

Everything is taken from the tables of runs, which name no person.
"""

import re
from pathlib import Path
from typing import NamedTuple

from rules.reach import Reach
from store.errors import TouchstoneError
from store.opened import Row
from store.scoped import scoped_to
from store.scorecard import NIGHTS, Ask, Series, Source, sources_over
from store.settings import Settings

COST = ("seconds", "cpu_seconds", "peak_mb")
DRIFT = "largest_customer"
"""Where this was measured, all of drift was."""


_PAGE = re.compile(r"(R\d{4,})\.html")


class Arrived(NamedTuple):
    """What one source sent for the run."""

    source: str
    deliveries: int
    held: int
    rows: int
    new: int
    changed: int
    unchanged: int
    deleted: int
    quarantined: int


class RunFigures(NamedTuple):
    """A run, and what it and those before it counted; the last of each series is the run's own."""

    run: Row
    runs: list[Row]
    counts: dict[tuple[str, str], Series]
    """By stage (or what else `metrics.field` says) and measure."""
    arrived: list[Arrived]
    reasons: list[tuple[str, int]]
    """Why rows of its deliveries are in quarantine."""
    sources: list[Source]

    def last(self, field: str, measure: str) -> float:
        """What the run itself counted; nothing is 0."""
        return self.counts.get((field, measure), [0.0])[-1] or 0.0

    def series(self, field: str, measure: str) -> Series:
        """A figure by run, the oldest first."""
        return self.counts.get((field, measure), [None] * len(self.runs))

    def column(self, name: str) -> Series:
        """A column of the table `runs`, by run."""
        return [None if row[name] is None else float(row[name]) for row in self.runs]


def read_run(ask: Ask, run_id: str) -> RunFigures:
    """The figures of a run that the snapshot knows."""
    runs = ask(
        "from (from runs where run_id <= $run_id order by run_id desc "
        f"limit {NIGHTS}) order by run_id",
        {"run_id": run_id},
    )
    if not runs or runs[-1]["run_id"] != run_id:
        raise TouchstoneError(
            f'No run is called {run_id}; `touchstone query "select run_id, now from runs"` '
            "names all."
        )
    names = [row["run_id"] for row in runs]
    return RunFigures(
        run=runs[-1],
        runs=runs,
        counts=_counts(ask, names),
        arrived=_arrived(ask, run_id),
        reasons=_reasons(ask, run_id),
        sources=sources_over(ask, scoped_to(Reach(is_all=True)), names),
    )


def reports(settings: Settings) -> dict[str, Path]:
    """The pages on runs that are kept, by run, the oldest first."""
    if not settings.reports.is_dir():
        return {}
    named = [(path, _PAGE.fullmatch(path.name)) for path in sorted(settings.reports.iterdir())]
    return {found[1]: path for path, found in named if found}


def _counts(ask: Ask, runs: list[str]) -> dict[tuple[str, str], Series]:
    rows = ask(
        "select run_id, coalesce(field, '') as field, measure, value from metrics "
        "where source is null and run_id = any($runs)",
        {"runs": runs},
    )
    place = {run_id: number for number, run_id in enumerate(runs)}
    found: dict[tuple[str, str], Series] = {}
    for row in rows:
        series = found.setdefault((row["field"], row["measure"]), [None] * len(runs))
        series[place[row["run_id"]]] = row["value"]
    return found


def _arrived(ask: Ask, run_id: str) -> list[Arrived]:
    rows = ask(
        """
        select source, count(*) as deliveries,
            count(*) filter (state = 'held') as held, sum(row_count)::bigint as rows,
            sum(new_count)::bigint as new, sum(changed_count)::bigint as changed,
            sum(unchanged_count)::bigint as unchanged, sum(deleted_count)::bigint as deleted,
            sum(quarantined_count)::bigint as quarantined
        from deliveries where run_id = $run_id group by source order by source""",
        {"run_id": run_id},
    )
    counts = Arrived._fields[1:]
    return [Arrived(row["source"], *(row[name] or 0 for name in counts)) for row in rows]


def _reasons(ask: Ask, run_id: str) -> list[tuple[str, int]]:
    rows = ask(
        """
        select reason, count(*) as n from (
            select unnest(q.reasons) as reason from quarantine q
            join deliveries d using (delivery_id) where d.run_id = $run_id)
        group by reason order by n desc, reason limit 12""",
        {"run_id": run_id},
    )
    return [(row["reason"], row["n"]) for row in rows]
