"""The report on a run: a page by itself, kept below `reports/` for as many runs as are compared.

It is drawn from the tables of runs, so it holds no personal data and can be drawn again later.
"""

import logging
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import duckdb

from flows.drift import MEASURES as DRIFT
from flows.drift import read_drift
from flows.ledger import Cost
from flows.line import STAGES
from flows.page import write_page
from rules.matching import Drift
from store.marts import COUNTED, MEASURES
from store.opened import Row
from store.rulebook import Rulebook
from store.run_figures import COST, RunFigures, read_run, reports
from store.scorecard import FEW, OF_FIELDS, Ask, Series, series_of
from store.settings import Settings
from store.snapshot import (
    current_run,
    glance_at_snapshot,
    has_snapshot,
    held_back,
    open_snapshot,
)
from transforms.flow import HEIGHT, WIDTH, Step, draw
from transforms.multiples import common_floor, multiple, scaled

LOG = logging.getLogger("touchstone.run")

KEPT = 90
"""Reports that are kept; of older runs they can be drawn again."""


class Stage(NamedTuple):
    """What a stage cost; the cost of publishing is known only once the tables are written."""

    name: str
    seconds: float | None
    cpu_seconds: float
    peak_mb: float
    before: float
    """The median of its seconds in the runs before."""


class Strayed(NamedTuple):
    """A measure of drift against its limit."""

    name: str
    field: str
    value: float
    limit: float
    series: Series


def keep_report(
    settings: Settings, rulebook: Rulebook, run_id: str, published: Cost | None
) -> None:
    """Keep the report on a run that has ended; the oldest go.

    Its tables are published: whatever is wrong with its page is told, and the run is done.
    """
    page = settings.reports / f"{run_id}.html"
    try:
        write_report(settings, rulebook, run_id, page, published)
        for path in list(reports(settings).values())[:-KEPT]:
            path.unlink()
    except Exception as error:
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        LOG.warning(
            "touchstone: %s is done, but the page on it cannot be kept (%s); mend that, then draw "
            "it again with `touchstone report %s --out %s`.",
            run_id, why, run_id, page,
        )  # fmt: skip


def read_report(settings: Settings, run_id: str | None = None) -> RunFigures:
    """The figures of a run that the current snapshot, or its own, knows; unset: the current one."""
    own = run_id if run_id and has_snapshot(settings, run_id) else None
    with closing(open_snapshot(settings, own)) as con:
        return read_run(asking(con), run_id or current_run(settings) or "")


def write_report(
    settings: Settings, rulebook: Rulebook, run_id: str, page: Path, published: Cost | None = None
) -> RunFigures:
    """Write the report on a run that the current snapshot, or its own, knows."""
    own = run_id if has_snapshot(settings, run_id) else None
    with glance_at_snapshot(settings, own) as con:
        told = read_run(asking(con), run_id)
        warnings = read_drift(con, rulebook, run_id)
    if published is not None:
        for name, value in published._asdict().items():
            told.counts[("publish", name)] = [*told.series("publish", name)[:-1], float(value)]
    write_page(page, "run.html", told=told, warnings=warnings, **_facts(settings, rulebook, told))
    return told


def asking(con: duckdb.DuckDBPyConnection) -> Ask:
    """Questions to an open snapshot."""

    def ask(query: str, values: Row | None) -> list[Row]:
        return list(con.sql(query, params=values or None).pl().iter_rows(named=True))

    return ask


def _facts(settings: Settings, rulebook: Rulebook, told: RunFigures) -> Mapping[str, Any]:
    """What the page asks for besides the figures."""
    held = held_back(settings)
    stages, steps = _stages(told), steps_of(told)
    return {
        "held": held[1] if held and held[0] == told.run["run_id"] else [],
        "is_quiet": not any(told.run[name] for name in ("rows", "golden_rows_written")),
        "customers": told.column("customers"),
        "waiting": _sum([series for _, series in _queue(told).items()], len(told.runs)),
        "queue": _queue(told),
        "stages": stages,
        "slowest": max([0.001, *(max(one.seconds or 0, one.before) for one in stages)]),
        "drift": _drift(told, rulebook.matching.drift),
        "steps": steps,
        "drawn": draw(steps),
        "canvas": (WIDTH, HEIGHT),
        "says": _reasons(rulebook),
        "titles": {name: feed.title for name, feed in rulebook.feeds.items()},
        "fields": [name for name in COUNTED if name in rulebook.survivorship.names()],
        "of_fields": OF_FIELDS,
        "measures": MEASURES,
        "floors": {name: common_floor(some) for name, some in series_of(told.sources).items()},
        "few_records": FEW,
        "multiple": multiple,
        "scaled": scaled,
    }


def steps_of(told: RunFigures) -> list[Step]:
    """How rows became active records, and what became of the others."""
    came = {name: told.last("ingest", name) for name in ("rows", "unchanged", "deleted")}
    taken = told.last("ingest", "new") + told.last("ingest", "changed")
    valid, active = told.last("validate", "records_valid"), told.last("validate", "records_active")
    failed = told.last("validate", "records_quarantined")
    return [
        Step(
            "Rows",
            came["rows"],
            [
                ("as before", came["unchanged"]),
                ("deleted", came["deleted"]),
                ("not taken in", told.last("ingest", "quarantined")),
            ],
        ),
        Step("New or changed", taken, [("failed a check", failed)]),
        Step("Valid", valid, [("incomplete", max(valid - active, 0.0))]),
        Step("Active", active),
    ]


def _reasons(rulebook: Rulebook) -> dict[str, str]:
    """What each reason for quarantine says is wrong."""
    quality = rulebook.quality
    return {name: one.says for name, one in (quality.faults | quality.checks).items()}


def _stages(told: RunFigures) -> list[Stage]:
    found = []
    for name in STAGES:
        seconds, cpu, peak = (told.series(name, cost) for cost in COST)
        before = [value for value in seconds[:-1] if value is not None]
        found.append(
            Stage(name, seconds[-1], cpu[-1] or 0, peak[-1] or 0, median(before) if before else 0)
        )
    return found


def _queue(told: RunFigures) -> dict[str, Series]:
    """How many items of each kind waited; none of a kind in a run is 0."""
    kinds = sorted(name for field, name in told.counts if field == "review" and "items_" in name)
    return {
        kind.removeprefix("items_"): [value or 0.0 for value in told.series("review", kind)]
        for kind in kinds
    }


def _sum(several: list[Series], length: int) -> Series:
    return [sum(series[number] or 0.0 for series in several) for number in range(length)]


def _drift(told: RunFigures, limits: Drift) -> list[Strayed]:
    """Each measure that was taken last, with its limit; of several fields the one that is worst."""
    worst: dict[str, Strayed] = {}
    for (field, name), series in told.counts.items():
        known = [value for value in series if value is not None]
        if name in DRIFT and known:
            told_field = "" if field == "match" else field
            limit = float(getattr(limits, name))
            one = Strayed(name.replace("_", " ").capitalize(), told_field, known[-1], limit, series)
            if name not in worst or one.value > worst[name].value:
                worst[name] = one
    return sorted(worst.values(), key=lambda one: (-one.value / one.limit, one.name))
