"""Search the audit trail and hand it out as CSV that no spreadsheet takes for formulas."""

import csv
import io
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from steward.desk.pages import Page
from steward.desk.refused import Refused
from steward.desk.visit import Visit
from steward.permission import Resource
from store.state.audit import Asked

SHOWN, EXPORTED = 100, 10_000
EXPORTS_PER_MINUTE = 30
CUT = "Only the newest {most:,} rows are here; ask for fewer by who, what or subject."
"""What stands under an export that is not all."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


class _Limits(NamedTuple):
    only: str | None
    """Whose rows may be read: everybody's, or one's own."""


def show_trail(visit: Visit) -> Response:
    """The newest rows that fit."""
    asked = _asked(visit, SHOWN + 1)
    rows = visit.state.audit.find(asked)
    return visit.page(
        "trail.html",
        rows=rows[:SHOWN],
        has_more=len(rows) > SHOWN,
        asked=asked,
        is_all=_limits(visit).only is None,
        export="/audit.csv?"
        + urlencode({"who": asked.user_name, "what": asked.action, "subject": asked.subject}),
    )


def export_trail(visit: Visit) -> Response:
    """The rows that fit as CSV; where there are more, the last line says so."""
    if visit.desk.limiter.take(("export", visit.actor.name), EXPORTS_PER_MINUTE):
        raise Refused(429, "That is a lot of exports", "Wait a minute, then export again.")
    found = visit.state.audit.find(_asked(visit, EXPORTED + 1))
    rows = found[:EXPORTED]
    visit.note("export", "audit", f"{len(rows)} rows")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["at", "who", "what", "subject", "detail"])
    for row in rows:
        cells = (row.at.isoformat(), row.user_name, row.action, row.subject, row.detail)
        writer.writerow([neutral(cell) for cell in cells])
    if len(found) > EXPORTED:
        writer.writerow(["", "", "", "", CUT.format(most=EXPORTED)])
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


def neutral(cell: str) -> str:
    """A cell that stays text when a spreadsheet opens it."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _asked(visit: Visit, most: int) -> Asked:
    said, limits = visit.request.query_params, _limits(visit)
    who = said.get("who", "").strip()[:100] if limits.only is None else limits.only
    return Asked(
        who, said.get("what", "").strip()[:60], said.get("subject", "").strip()[:200], most
    )


def _limits(visit: Visit) -> _Limits:
    """An administrator reads all; others what they did themselves."""
    return _Limits(None if visit.may("read_audit", Resource()) else visit.actor.name)


PAGES = (
    Page("/audit", show_trail, "read_audit"),
    Page("/audit.csv", export_trail, "read_audit"),
)
