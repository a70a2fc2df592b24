"""Read the scorecard out of a snapshot: how good each source is over the runs, and what it brings.

Who is limited to campaigns sees the sources all of whose records they may see, and of these what no
record elsewhere has a part in: how complete or consistent a source is beside the golden records of
all campaigns is for those who see all.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from store.marts import COUNTED, MEASURES, channel_effectiveness, data_decay
from store.opened import Row
from store.scoped import Scoped

NIGHTS = 30
"""So many runs are compared."""
MOST_WEEKS = 26
FEW = 30
"""Of fewer records there is no share: it would say more than is known."""
OLDEST = 5
"""So many years and more are one age."""
OF_FIELDS = ("completeness", "consistency", "validity")
"""The measures that single fields have too."""
OF_ALL = frozenset({"completeness", "consistency"})
"""The measures of a source that its records elsewhere have a part in; of a field, the last."""

Ask = Callable[[str, Row | None], list[Row]]
"""A question to a snapshot with its values by name, and the rows of the answer."""
Series = list[float | None]
"""A figure by run, the oldest first; none where it was not measured."""


class Source(NamedTuple):
    """A source: how many records it has, and its figures by run."""

    name: str
    records: int
    measures: dict[str, Series]
    fields: dict[tuple[str, str], Series]
    """By measure and field."""


class Channel(NamedTuple):
    """What came of the records of a source and campaign, and how many came in which week."""

    source: str
    campaign: str | None
    records: int
    active: int
    new: int
    may_be_mailed: int | None
    """None: it is not for this reader."""
    weeks: list[tuple[date, int, int]]
    """Monday, new customers and known ones."""


class Age(NamedTuple):
    """The records of one source of which something new was last said so many years ago."""

    years: int
    records: int
    with_email: int
    unusable: int


class Work(NamedTuple):
    """What waits for people in one queue."""

    kind: str
    open_items: int
    past_due: int
    mean_days: float
    by_run: Series


class Scorecard(NamedTuple):
    """All of it, as far as the reader sees."""

    run_id: str
    nights: list[datetime]
    sources: list[Source]
    channels: list[Channel]
    ages: dict[str, list[Age]]
    work: list[Work]
    links: Row | None
    """The newest row of match_quality; none where nobody measured, or it is not for the reader."""
    bands: list[Row]


class Parts(NamedTuple):
    """Where what is summed up of all records is read: SQL of rows within the reader's scope."""

    channels: str
    """As the view `channel_effectiveness`."""
    ages: str
    """As the view `data_decay`."""


def worked_out(scope: Scoped, fields: list[str]) -> Parts:
    """The parts, of the records themselves."""
    return Parts(f"({channel_effectiveness(fields, scope.sql)})", f"({data_decay(scope.sql)})")


def read_scorecard(ask: Ask, scope: Scoped, parts: Parts) -> Scorecard:
    """The figures of a snapshot."""
    runs = ask(f"from (from runs order by run_id desc limit {NIGHTS}) order by run_id", None)
    names = [row["run_id"] for row in runs]
    is_all = scope.is_all
    links = ask("from match_quality order by run_id desc limit 1", None) if is_all else []
    bands = (
        ask("from match_bands where run_id = $run_id", {"run_id": links[0]["run_id"]})
        if links
        else []
    )
    return Scorecard(
        run_id=names[-1] if names else "",
        nights=[row["now"] for row in runs],
        sources=sources_over(ask, scope, names),
        channels=_channels(ask, scope, parts),
        ages=_ages(ask, scope, parts),
        work=_work(ask, names) if is_all else [],
        links=links[0] if links else None,
        bands=sorted(bands, key=lambda row: ("linked", "review", "apart").index(row["band"])),
    )


def whole_sources(ask: Ask, scope: Scoped) -> list[str]:
    """The sources all of whose records are in scope."""
    rows = ask("select distinct source, campaign from crosswalk", None)
    seen = {row["source"] for row in rows}
    outside = {row["source"] for row in rows if not scope.admits(row["campaign"], row["source"])}
    return sorted(seen - outside)


def series_of(sources: list[Source]) -> dict[str, list[Series]]:
    """What is drawn on one scale: each measure of all sources, and of each field (`name.field`).

    What a source never says leaves the scale of the others alone.
    """
    found: dict[str, list[Series]] = {name: [] for name in MEASURES}
    found |= {f"{name}.{field}": [] for name in OF_FIELDS for field in COUNTED}
    for source in sources:
        for name, values in source.measures.items():
            found[name].append(values)
        for (name, field), values in source.fields.items():
            if any(values):
                found[f"{name}.{field}"].append(values)
    return found


def weeks_of(card: Scorecard) -> list[date]:
    """The Mondays from the first week in which records came to the last, the newest at most."""
    known = [week for channel in card.channels for week, *_ in channel.weeks if week]
    if not known:
        return []
    week = timedelta(days=7)
    first = max(min(known), max(known) - (MOST_WEEKS - 1) * week)
    return [first + week * number for number in range((max(known) - first).days // 7 + 1)]


def sources_over(ask: Ask, scope: Scoped, runs: list[str]) -> list[Source]:
    """Each source that the reader sees, with its figures in these runs, the oldest first."""
    names = whole_sources(ask, scope)
    asked = {"sources": names or [""]}
    counts = ask(
        "select source, count(*) as n from crosswalk where source = any($sources) group by source",
        asked,
    )
    rows = ask(
        "select run_id, source, field, measure, value from metrics "
        "where source = any($sources) and measure = any($measures) and run_id = any($runs)",
        asked | {"measures": list(MEASURES), "runs": runs or [""]},
    )
    place = {run_id: number for number, run_id in enumerate(runs)}
    found: dict[tuple[str, str, str], Series] = {}
    for row in rows:
        key = (row["source"], row["measure"], row["field"] or "")
        if is_for(scope, row["measure"], key[2]) and key[2] in {"", *COUNTED}:
            series = found.setdefault(key, [None] * len(runs))
            series[place[row["run_id"]]] = row["value"]
    return [_source(row["source"], row["n"], found) for row in sorted(counts, key=_name)]


def is_for(scope: Scoped, measure: str, field: str = "") -> bool:
    """Whether a figure of a source is for this reader."""
    return scope.is_all or (measure == "completeness" and bool(field)) or measure not in OF_ALL


def _name(row: Row) -> str:
    return str(row["source"])


def _source(name: str, records: int, found: dict[tuple[str, str, str], Series]) -> Source:
    mine = {key[1:]: series for key, series in found.items() if key[0] == name}
    return Source(
        name,
        records,
        {measure: mine[measure, ""] for measure in MEASURES if (measure, "") in mine},
        {key: series for key, series in mine.items() if key[1]},
    )


def _channels(ask: Ask, scope: Scoped, parts: Parts) -> list[Channel]:
    rows = ask(f"from {parts.channels} order by source, campaign, week", scope.values)
    found: dict[tuple[str, str | None], list[Row]] = {}
    for row in rows:
        found.setdefault((row["source"], row["campaign"]), []).append(row)
    return [_channel(scope, *key, weeks) for key, weeks in found.items()]


def _channel(scope: Scoped, source: str, campaign: str | None, rows: list[Row]) -> Channel:
    records, active, new, mailed = (
        sum(row[name] for row in rows)
        for name in ("records", "active", "new_customers", "may_be_mailed")
    )
    weeks: dict[date, tuple[int, int]] = {}
    for row in rows:
        known = weeks.get(row["week"], (0, 0))
        weeks[row["week"]] = (known[0] + row["new_customers"], known[1] + row["duplicates"])
    told = [(week, *parts) for week, parts in sorted(weeks.items())]
    shown = mailed if scope.is_all else None
    return Channel(source, campaign, records, active, new, shown, told)


def _ages(ask: Ask, scope: Scoped, parts: Parts) -> dict[str, list[Age]]:
    found: dict[str, list[Age]] = {}
    for row in ask(f"from {parts.ages} order by source, years", scope.values):
        ages = found.setdefault(row["source"], [Age(years, 0, 0, 0) for years in range(OLDEST + 1)])
        years = min(row["years"], OLDEST)
        known = ages[years]
        ages[years] = Age(
            years,
            known.records + row["records"],
            known.with_email + row["with_email"],
            known.unusable + row["email_invalid"],
        )
    return found


def _work(ask: Ask, runs: list[str]) -> list[Work]:
    rows = ask(
        "select run_id, measure, value from metrics where starts_with(measure, 'items_') "
        "and source is null and run_id = any($runs)",
        {"runs": runs or [""]},
    )
    known = {(row["measure"], row["run_id"]): row["value"] for row in rows}
    return [
        Work(
            row["kind"],
            row["open_items"],
            row["past_due"],
            row["mean_days"] or 0.0,
            [known.get((f"items_{row['kind']}", run_id), 0.0) for run_id in runs],
        )
        for row in ask("from steward_workload order by open_items desc, kind", None)
    ]
