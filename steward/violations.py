"""Take in what browsers tell of a broken content security policy, and log what is not private.

A report holds addresses of pages and pieces of script. Only which directive was broken and what
kind of place it was about go to the log: enough to know that a page of ours breaks its own policy,
or that somebody tries to put something into one.
"""

import json
import logging
import time
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from steward.buckets import Limiter
from steward.problem import Problem
from steward.reading import read_body

LOG = logging.getLogger("touchstone.violations")
KINDS = ("application/csp-report", "application/reports+json")
MOST_BYTES = 16_384
MOST_REPORTS = 20
PER_MINUTE = 60
"""Of all browsers together: a broken page is told of by each of them."""


def violations_route() -> Route:
    """Where browsers send their reports, which nobody has to be signed in for."""
    limiter = Limiter(time.monotonic)

    async def take_reports(request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if kind not in KINDS:
            raise Problem("wrong_media_type", f"Send {KINDS[0]}.")
        body = await read_body(request, MOST_BYTES)
        for told in _violations(body):
            if not limiter.take(("all",), PER_MINUTE):
                LOG.warning("policy broken: %s", told)
        return Response(status_code=204)

    return Route("/csp-reports", take_reports, methods=["POST"], name="violations")


def _violations(body: bytes) -> list[str]:
    """A line for each report: the directive, and what kind of place was refused."""
    try:
        read = json.loads(body)
    except ValueError as error:
        raise Problem("malformed_body", "Send JSON.") from error
    every = read[:MOST_REPORTS] if isinstance(read, list) else [read]
    found = [
        report for one in every if isinstance(one, dict) for report in [_report(one)] if report
    ]
    return [_line(report) for report in found]


def _report(one: dict[str, Any]) -> dict[str, Any] | None:
    """What a browser of either kind says; `Any`, since it comes from outside."""
    found = one.get("csp-report") or one.get("body")
    return found if isinstance(found, dict) else None


def _line(report: dict[str, Any]) -> str:
    directive = report.get("effective-directive") or report.get("effectiveDirective")
    directive = directive or report.get("violated-directive") or "?"
    blocked = str(report.get("blocked-uri") or report.get("blockedURL") or "?")
    parts = urlsplit(blocked)
    where = parts.hostname or (blocked if blocked.isalnum() or "-" in blocked else "?")
    return f"{_plain(str(directive))} refused {_plain(where)}"


def _plain(text: str) -> str:
    """A word that cannot begin a line of its own in a log."""
    return "".join(letter for letter in text[:60] if letter.isalnum() or letter in "-._:")
