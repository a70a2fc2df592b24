"""Put the steward's app together."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response

from rules.access import Rights
from rules.answers import Answers
from steward.answers import refused, wants_page
from steward.api.asking import Api
from steward.api.routes import api_routes
from steward.buckets import Limiter
from steward.desk.ahead import Ahead
from steward.desk.assets import Assets
from steward.desk.index import lay_out_elsewhere
from steward.desk.rendering import Renderer
from steward.desk.searches import Searches
from steward.desk.site import desk_routes, say_nothing_here, threads
from steward.desk.visit import Desk
from steward.door import Door
from steward.faults import Faults, fault, note_fault
from steward.headers import AccessLog, SecurityHeaders
from steward.intake import Intake
from steward.metrics import Counted, count_requests
from steward.problem import Problem
from steward.routes import routes
from steward.violations import violations_route
from store.errors import TouchstoneError
from store.keys import Keys
from store.lock import one_writer
from store.oidc import Provider
from store.publications import ask_about_held
from store.reading import Snapshots
from store.rulebook import read_feeds, read_lookups, read_rule, read_rulebook
from store.runner import Runner
from store.settings import Settings
from store.spool import open_spool, remembered
from store.spool_writer import SpoolWriter
from store.state.open import open_state
from store.state.staging import live_run


@contextmanager
def opened(settings: Settings) -> Iterator[Starlette]:
    """The app with its spool, which is its own: a second app on the same data does not start."""
    if not settings.data.is_dir():
        raise TouchstoneError(
            f"There is no folder of data at {settings.data}; make it, or give another with --data."
        )
    settings.spool.mkdir(exist_ok=True, mode=0o700)
    with (
        one_writer(settings.spool / "app.lock", "steward app is running"),
        open_desk(settings) as desk,
    ):
        door = Door(Keys(settings.keys), desk.limiter)
        yield create_app(open_intake(settings), door, desk)


def create_app(intake: Intake, door: Door, desk: Desk) -> Starlette:
    """The app itself; when it is told to stop, it seals what was posted."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await intake.close()
        await api.close()

    api = Api(desk)
    app = Starlette(
        routes=[*routes(), *api_routes(), *desk_routes(), violations_route()],
        middleware=[
            Middleware(Counted),
            Middleware(AccessLog),
            Middleware(SecurityHeaders),
            Middleware(Faults),
            Middleware(TrustedHostMiddleware, allowed_hosts=_hosts(desk), www_redirect=False),
        ],
        exception_handlers={Problem: _say_problem, HTTPException: _say_http},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    count_requests(app)
    app.state.intake, app.state.door = intake, door
    app.state.desk, app.state.threads = desk, threads()
    app.state.api = api
    return app


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """What the pages share: the state database, the live snapshot, the rules and the templates."""
    rulebook = read_rulebook(settings.rules)
    rights = read_rule(settings.rules / "roles.toml", Rights)
    assets = Assets()
    with open_state(settings) as state:
        ask_about_held(settings, state.engine, rulebook.queues)
        snapshots = Snapshots(
            settings, lambda: live_run(state.engine), partial(lay_out_elsewhere, settings)
        )
        limiter, ahead = Limiter(time.monotonic), Ahead(snapshots, rulebook)
        try:
            yield Desk(
                settings,
                state,
                snapshots,
                rulebook,
                rights,
                assets,
                Renderer(assets, rulebook.number_kinds),
                limiter,
                Runner(settings),
                ahead,
                Provider(settings),
                Searches(),
            )
        finally:
            ahead.stop()
            snapshots.close()


def open_intake(settings: Settings) -> Intake:
    """The intake of all feeds that take posts, with what it was posted before."""
    feeds = {source: feed for source, feed in read_feeds(settings.rules).items() if feed.intake}
    rows = {source: feed.expect.rows[1] for source, feed in feeds.items() if feed.expect.rows}
    open_spool(settings.spool)
    intake = Intake(
        feeds,
        read_lookups(settings.rules / "lookups"),
        read_rule(settings.rules / "answers.toml", Answers),
        SpoolWriter(settings.spool, rows),
        settings.limits,
    )
    hours = {source: feed.intake.remember_hours for source, feed in feeds.items() if feed.intake}
    intake.remember(list(remembered(settings.spool, hours)))
    intake.warm_up()
    return intake


def _hosts(desk: Desk) -> list[str]:
    """The names by which the app may be asked; health is asked by the machine itself."""
    named = [name.strip() for name in desk.settings.steward_hosts.split(",") if name.strip()]
    return named if "*" in named else [*named, "localhost", "127.0.0.1"]


async def _say_problem(_: Request, error: Exception) -> Response:
    return refused(error if isinstance(error, Problem) else _odd(error))


async def _say_http(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status == 405:
        allowed = headers.get("Allow", "")
        return refused(Problem("method_not_allowed", f"Use {allowed}.", headers=headers))
    if status == 404 and wants_page(request):
        return await say_nothing_here(request)
    if status == 404:
        return refused(Problem("unknown_page", "Look at /openapi.json for what there is."))
    return refused(_odd(error))


def _odd(error: Exception) -> Problem:
    """What the framework says of itself and nobody here expects."""
    return fault(note_fault(error))
