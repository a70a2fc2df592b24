"""Show how good each source is, over the runs, and what it brings; and the rows behind a figure."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import Response

from steward.desk.cards import title_of
from steward.desk.index import prepare
from steward.desk.pages import Page
from steward.desk.refused import not_here
from steward.desk.scope import scoped
from steward.desk.visit import Visit
from store.behind_figures import PAGE, Asked, is_figure, rows_behind
from store.marts import COUNTED, MEASURES
from store.opened import Snapshot
from store.scoped import Scoped
from store.scorecard import (
    FEW,
    OF_FIELDS,
    OLDEST,
    Parts,
    Scorecard,
    read_scorecard,
    series_of,
    weeks_of,
    worked_out,
)
from transforms.multiples import columns, common_floor, multiple, scaled

PATH = "/dashboard/scorecard"
MOST_PAGES = 50


def show_scorecard(visit: Visit) -> Response:
    """The figures within the reader's scope, each with the way to what is behind it."""
    with visit.desk.snapshots.reading() as snapshot:
        card = _card(visit, snapshot)
    asked = visit.request.query_params.get("by", "completeness")
    by = asked if asked in OF_FIELDS else "completeness"
    rulebook = visit.desk.rulebook
    return visit.page(
        "scorecard.html",
        card=card,
        by=by,
        of_fields=OF_FIELDS,
        says=MEASURES,
        fields=[name for name in COUNTED if name in rulebook.survivorship.names()],
        floors={name: common_floor(some) for name, some in series_of(card.sources).items()},
        weeks=weeks_of(card),
        few=FEW,
        oldest=OLDEST,
        is_all=scoped(visit.actor, visit.desk.rights).is_all,
        title_of=lambda source: title_of(source, rulebook),
        rows_at=rows_at,
        multiple=multiple,
        scaled=scaled,
        columns=columns,
    )


def rows_at(figure: str, source: str, **more: object) -> str:
    """The address of the rows behind a figure."""
    said = {"figure": figure, "source": source} | more
    return f"{PATH}/rows?{urlencode({k: str(v) for k, v in said.items() if v not in ('', None)})}"


def show_rows(visit: Visit) -> Response:
    """The rows behind a figure, those in scope; of a figure that is not the reader's, nothing."""
    asked = _asked(visit.request.query_params)
    scope = scoped(visit.actor, visit.desk.rights)
    rulebook = visit.desk.rulebook
    with visit.desk.snapshots.reading() as snapshot:
        if asked is None or not is_figure(snapshot.rows, asked, scope):
            raise not_here()
        rows = rows_behind(snapshot.rows, asked, scope, rulebook.survivorship.names())
    if not rows and asked.figure in {"channel", "age"}:
        raise not_here()
    visit.note("look", "scorecard", " ".join((asked.figure, asked.source, asked.field)).strip())
    faults = rulebook.quality.faults | rulebook.quality.checks
    return visit.page(
        "scorecard_rows.html",
        asked=asked,
        rows=rows[:PAGE],
        next=_page(asked, asked.page + 1) if len(rows) > PAGE else "",
        before=_page(asked, asked.page - 1) if asked.page > 1 else "",
        title=title_of(asked.source, rulebook),
        says=MEASURES.get(asked.figure, ""),
        reasons={name: check.says for name, check in faults.items()},
        back=PATH,
    )


def _card(visit: Visit, snapshot: Snapshot) -> Scorecard:
    """Read once for each scope: a snapshot never changes."""
    scope = scoped(visit.actor, visit.desk.rights)
    fields = visit.desk.rulebook.survivorship.names()
    return snapshot.remember(
        ("scorecard", scope.reach),
        lambda: read_scorecard(snapshot.rows, scope, laid_out_parts(snapshot, scope, fields)),
    )


def laid_out_parts(snapshot: Snapshot, scope: Scoped, fields: list[str]) -> Parts:
    """What is laid out of all records; who is new among a part of them is told by the part."""
    prepare(snapshot)
    laid = Parts("memory.channels", f"(from memory.ages r where {scope.sql})")
    return laid if scope.is_all else laid._replace(channels=worked_out(scope, fields).channels)


def _asked(said: QueryParams) -> Asked | None:
    """What the address asks; nothing where it cannot be read."""
    words = {name: said.get(name, "").replace("\0", "")[:200] for name in said}
    try:
        return Asked(
            figure=words.get("figure", ""),
            source=words.get("source", ""),
            field=words.get("field", ""),
            campaign=words.get("campaign", ""),
            week=date.fromisoformat(words["week"]) if words.get("week") else None,
            part=words.get("part", ""),
            years=_small(words["years"], OLDEST) if words.get("years") else None,
            page=max(1, _small(words.get("page", "1"), MOST_PAGES)),
        )
    except ValueError:
        return None


def _small(text: str, most: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else most + 1
    if number > most:
        raise ValueError(text)
    return number


def _page(asked: Asked, page: int) -> str:
    said: Mapping[str, Any] = asked._asdict()
    more = {name: said[name] for name in ("field", "campaign", "week", "part", "years")}
    return rows_at(asked.figure, asked.source, **more, page=page)


PAGES = (
    Page(PATH, show_scorecard, "see", is_search=True),
    Page(f"{PATH}/rows", show_rows, "see", is_search=True),
)
