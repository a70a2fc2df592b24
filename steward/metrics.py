"""Tell Prometheus how the app does, and what the last run said: `GET /metrics`.

Only who has the token is answered; where none is set, there is no such page.
"""

import hmac
import time
from collections import Counter

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from steward.problem import Problem
from steward.timed import Timed
from store.errors import TouchstoneError
from store.exposition import SAYS, Sample, expose, render
from store.secrets import read_secret
from store.settings import Settings

TOKEN = "METRICS_TOKEN"  # noqa: S105 - the name of it
KIND = "text/plain; version=0.0.4; charset=utf-8"
APP_SAYS = {
    "app_requests_total": "Requests by route and status since the app began.",
    "app_seconds_total": "Seconds that answers took, by route.",
    "app_started_timestamp_seconds": "When the app began.",
}
"""Every metric of the app by its name after `touchstone_`."""


class Counted(Timed):
    """Count each answer by its route, never by its path, which may name somebody."""

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """See `Timed`."""
        tally: Tally = scope["app"].state.tally
        tally.add(getattr(scope.get("route"), "path", "none"), status, seconds)


class Tally:
    """What was answered since the app began."""

    def __init__(self) -> None:
        self.started = time.time()
        self.requests: Counter[tuple[str, int]] = Counter()
        self.seconds: Counter[str] = Counter()

    def add(self, route: str, status: int, seconds: float) -> None:
        """Count an answer that took so long."""
        self.requests[route, status] += 1
        self.seconds[route] += seconds  # type: ignore[assignment]

    def samples(self) -> list[Sample]:
        """What Prometheus is told."""
        counted = [
            Sample("app_requests_total", float(count), {"route": route, "status": str(status)})
            for (route, status), count in sorted(self.requests.items())
        ]
        spent = [
            Sample("app_seconds_total", round(seconds, 3), {"route": route})
            for route, seconds in sorted(self.seconds.items())
        ]
        return [*counted, *spent, Sample("app_started_timestamp_seconds", self.started)]


def count_requests(app: Starlette) -> None:
    """Give the app its tally and its page."""
    app.state.tally = Tally()
    app.router.routes.append(Route("/metrics", show_metrics, methods=["GET"]))


async def show_metrics(request: Request) -> Response:
    """The app's figures, and those of the run whose snapshot readers see."""
    settings: Settings = request.app.state.desk.settings
    try:
        token = read_secret(settings, TOKEN)
    except TouchstoneError:
        raise Problem("unknown_page", f"Set {TOKEN} to have metrics.") from None
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise Problem("unknown_page", "Send the token as `Authorization: Bearer …`.")
    tally: Tally = request.app.state.tally
    told = await run_in_threadpool(expose, settings)
    return PlainTextResponse(render(tally.samples(), APP_SAYS) + told, media_type=KIND)


__all__ = ["APP_SAYS", "SAYS", "Counted", "count_requests"]
