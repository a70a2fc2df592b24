"""Show how the stewards' work stands and how good the data are, within the reader's scope.

A share of fewer than thirty is not shown: it would say more than is known.
"""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from starlette.responses import Response

from rules.matching import Thresholds
from steward.desk.charts import Point, across, bars, height, line_chart
from steward.desk.deliveries import sources_in_scope
from steward.desk.pages import Page
from steward.desk.scope import scoped
from steward.desk.visit import Visit
from steward.permission import Resource
from store.opened import Row, Snapshot
from store.state.told import Told
from store.state.workload import Waits
from transforms.agreement import SURE, Agreement, agreement, is_drawn
from transforms.evaluate import share_of
from transforms.judge import floors
from transforms.strata import sample_name_sql, weight_sql

ENOUGH = 30
"""With fewer there is no share."""
KINDS = ("match", "cluster", "conflict", "quarantine", "delivery", "entry", "publication")
AGES = (("under a day", 1), ("1–2 d", 2), ("2–5 d", 5), ("5–14 d", 14), ("over 14 d", 10_000))
WIDE = 4.0
"""How far beyond the last threshold the model's claim is drawn for all that lies there."""
FIELDS = ("last_name", "birth_date", "email", "phone", "address", "postcode", "country")
WEEK = timedelta(days=7)


def show_dashboard(visit: Visit) -> Response:
    """The figures, each with its table."""
    now = datetime.now(UTC)
    waiting = visit.state.workload.waiting(visit.reader.campaigns)
    with visit.desk.snapshots.reading() as snapshot:
        facts = _facts(visit, snapshot)
    told = visit.state.told.since(now - WEEK)
    is_all = visit.may("run", Resource())
    mine = told if is_all else [one for one in told if one.decided_by == visit.actor.name]
    return visit.page(
        "dashboard.html",
        open=len(waiting),
        past_due=sum(one.due_at < now for one in waiting),
        escalated=sum(one.escalated_to == "administrator" for one in waiting),
        asked=visit.state.asking.count(visit.reader, KINDS),
        by_kind=Counter(one.kind for one in waiting),
        kinds=KINDS,
        decided=len(mine),
        taken=_taken(visit, now - WEEK, is_all=is_all),
        undone=sum(not one.holds for one in mine),
        people=_people(mine),
        ages=bars(_ages(waiting, now), 190),
        is_all=is_all,
        agreement=_agreement(visit, is_all=is_all),
        enough=ENOUGH,
        **facts,
    )


def _facts(visit: Visit, snapshot: Snapshot) -> dict[str, Any]:
    """What the snapshot says."""
    funnel = _funnel(visit, snapshot)
    runs = snapshot.rows("select * from runs order by run_id desc limit 6")
    is_all = visit.may("run", Resource())
    return {
        "funnel": bars({name: (count, "") for name, count in funnel.items()}, 300),
        "backlog": _backlog(snapshot) if is_all else None,
        "quality": _quality(visit, snapshot),
        "fields": FIELDS,
        "score": _score(visit, snapshot),
        "runs": runs,
        "run_id": snapshot.run_id,
        "customers": funnel["Customers"],
    }


def _agreement(visit: Visit, *, is_all: bool) -> Agreement:
    """How well two people agree on what chance gave to both; of one person, with others."""
    judged = [
        one
        for kind in ("match", "cluster")
        for one in visit.state.workload.judged_twice((kind,), SURE)
        if is_drawn(one.item_id, "twice", getattr(visit.desk.rulebook.queues, kind).twice_share)
        and (is_all or visit.actor.name in one.names)
    ]
    return agreement([one.answers for one in judged])


def _taken(visit: Visit, since: datetime, *, is_all: bool) -> tuple[float, float] | None:
    """In how many seconds half of the verdicts were given, and nine in ten."""
    name = None if is_all else visit.actor.name
    taken = sorted(visit.state.workload.seconds_taken(since, name))
    if len(taken) < ENOUGH:
        return None
    return taken[len(taken) // 2], taken[len(taken) * 9 // 10]


def _ages(waiting: list[Waits], now: datetime) -> dict[str, tuple[float, str]]:
    """How many items are how old; those past two weeks stand out."""
    found: dict[str, tuple[float, str]] = {name: (0, "") for name, _ in AGES}
    for one in waiting:
        days = (now - one.opened_at) / timedelta(days=1)
        name = next(name for name, most in AGES if days < most)
        found[name] = (found[name][0] + 1, "")
    looks = ("", "", "", "warn", "bad")
    return {
        name: (count, look) for (name, (count, _)), look in zip(found.items(), looks, strict=True)
    }


def _people(told: list[Told]) -> list[tuple[str, int, int]]:
    """Who decided how much, and how much of it was taken back."""
    decided = Counter(one.decided_by for one in told)
    undone = Counter(one.decided_by for one in told if not one.holds)
    return [(name, count, undone[name]) for name, count in decided.most_common(12)]


def _funnel(visit: Visit, snapshot: Snapshot) -> dict[str, float]:
    """From records to customers, as far as the reader sees."""
    scope = scoped(visit.actor, visit.desk.rights)
    row = snapshot.row(
        f"""
        with mine as (select * from crosswalk r where {scope.sql}),
        golden as (select founder, consent_email, email from golden_values)
        select (select count(*) from mine) as records,
            (select count(*) from mine where is_active) as active,
            (select count(*) from golden semi join mine using (founder)) as customers""",
        scope.values,
    )
    found = row or {"records": 0, "active": 0, "customers": 0}
    arrived: dict[str, float] = {}
    if scope.is_all:
        rows = snapshot.row("select coalesce(sum(row_count), 0) as n from deliveries")
        arrived = {"Rows that arrived": float(rows["n"]) if rows else 0}
    return {
        **arrived,
        "Records": found["records"],
        "Active: name and contact": found["active"],
        "Customers": found["customers"],
    }


def _backlog(snapshot: Snapshot) -> Any:
    """Open questions by kind over the last nights: counts of every campaign."""
    rows = snapshot.rows(
        """
        select m.measure, u.now, m.value from metrics m join runs u using (run_id)
        where starts_with(m.measure, 'items_') and m.source is null
        order by u.now, m.measure"""
    )
    nights = sorted({row["now"] for row in rows})[-30:]
    known = {(row["measure"], row["now"]): row["value"] for row in rows}
    series = {
        kind: [known.get((f"items_{kind}", night), 0) for night in nights]
        for kind in KINDS
        if any((f"items_{kind}", night) in known for night in nights)
    }
    labels = [night.strftime("%-d %b") for night in nights]
    return {"chart": line_chart(labels, series), "nights": labels, "series": series}


def _quality(visit: Visit, snapshot: Snapshot) -> list[Row]:
    """Per source how many of its records say a field, in the newest run and the one before."""
    sources = sources_in_scope(visit, snapshot)
    rows = snapshot.rows(
        """
        select source, field, run_id, value from metrics
        where measure = 'completeness' and field = any($fields)
            and ($all or source = any($sources))
            and run_id in (select run_id from runs order by run_id desc limit 2)""",
        {"fields": list(FIELDS), "all": sources is None, "sources": sources or [""]},
    )
    counts = {
        row["source"]: row["n"]
        for row in snapshot.rows("select source, count(*) as n from crosswalk group by source")
    }
    newest = max((row["run_id"] for row in rows), default="")
    now = {(r["source"], r["field"]): r["value"] for r in rows if r["run_id"] == newest}
    before = {(r["source"], r["field"]): r["value"] for r in rows if r["run_id"] != newest}
    feeds = visit.desk.rulebook.feeds
    return [
        {
            "title": feeds[source].title if source in feeds else source,
            "count": counts.get(source, 0),
            "cells": [_cell(now.get((source, f)), before.get((source, f))) for f in FIELDS],
        }
        for source in sorted({source for source, _ in now})
    ]


def _cell(value: float | None, before: float | None) -> Row:
    step = None if value is None or before is None else round((value - before) * 100)
    return {"value": value, "step": step, "width": round((value or 0) * 60, 1)}


def _score(visit: Visit, snapshot: Snapshot) -> Row:
    """How often people said "same" of what chance drew, beside what the model claims.

    Chance drew as many from each stratum of match weight, and within one each pair alike: so each
    has a share of its own, and none is weighted with another.
    """
    judged, bands = _judged(visit, snapshot), _bands(visit.desk.rulebook.matching.thresholds)
    table, points = [], []
    for number, (low, high) in enumerate(bands):
        said = [is_same for weight, is_same in judged if low <= weight < high]
        share = share_of(sum(said), len(said))
        is_enough = len(said) >= ENOUGH and share.value is not None
        table.append(
            {
                "band": _band(low, high),
                "n": len(said),
                "share": share.value if is_enough else None,
                "low": share.low if is_enough else None,
                "high": share.high if is_enough else None,
                "x": across((number + 0.5) / len(bands)),
            }
        )
        if is_enough:
            points.append(
                Point(
                    across((number + 0.5) / len(bands)),
                    height(share.value or 0, 1),
                    height(share.low or 0, 1),
                    height(share.high or 0, 1),
                )
            )
    return {"table": table, "points": points, "n": len(judged), "model": _model_curve(bands)}


def _judged(visit: Visit, snapshot: Snapshot) -> list[tuple[float, bool]]:
    """What people said of pairs in scope that chance drew: the match weight, and whether same."""
    told = [
        one
        for one in visit.state.told.since(datetime(1970, 1, 1, tzinfo=UTC))
        if one.kind in SURE and one.holds and one.item_id and len(one.records) == 2
    ][:5_000]
    if not told:
        return []
    scope = scoped(visit.actor, visit.desk.rights)
    weight = weight_sql(visit.desk.rulebook.model.manifest.prior)
    rows = snapshot.rows(
        f"""
        with named as (select unnest($records) as record_id),
        known as (select r.record_id, r.record_number from crosswalk r
            semi join named using (record_id) where {scope.sql})
        select {sample_name_sql("a.record_id", "b.record_id")} as item_id, {weight} as weight
        from pair_weights p join known a on a.record_number = p.record_a
        join known b on b.record_number = p.record_b""",
        scope.values | {"records": sorted({record for one in told for record in one.records})},
    )
    weights = {row["item_id"]: row["weight"] for row in rows}
    return [(weights[one.item_id], one.kind == "same") for one in told if one.item_id in weights]


def _bands(thresholds: Thresholds) -> list[tuple[float, float]]:
    """The strata of match weight from which chance draws, the weakest first."""
    edges = [-math.inf, *sorted(floors(thresholds).values()), math.inf]
    return list(pairwise(edges))


def _model_curve(bands: list[tuple[float, float]]) -> str:
    """The share of "same" that the model claims, through the middle of each band."""
    ends = (
        (high - WIDE if low == -math.inf else low, low + WIDE if high == math.inf else high)
        for low, high in bands
    )
    middles = [(low + high) / 2 for low, high in ends]
    points = [
        f"{across((number + 0.5) / len(bands))} {height(1 / (1 + 2.0**-weight), 1)}"
        for number, weight in enumerate(middles)
    ]
    return "M" + "L".join(points)


def _band(low: float, high: float) -> str:
    if low == -math.inf:
        return f"below {high:g}".replace("-", "−")
    told = f"{low:g} and up" if high == math.inf else f"{low:g} to {high:g}"
    return told.replace("-", "−")


PAGES = (Page("/dashboard", show_dashboard, "see"),)
