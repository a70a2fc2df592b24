"""All pages of the desk, and the door that each request for one goes through.

A post is answered only when the desk's own page sent it. Who asks is looked up at each request, so
that the end of a session or of a right takes effect at once. Answers are worked out in threads:
they read files and wait for databases, and meanwhile posts from outside must be taken in.
"""

from functools import partial
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from steward.desk import alike, asking, at_once, home, items, provider, queue, signing, verdicts
from steward.desk.cookies import token_of
from steward.desk.pages import Page
from steward.desk.records import RECORD_PAGES
from steward.desk.refused import Refused, foreign, may_not, not_here, unreadable
from steward.desk.visit import NOBODY, Desk, Visit, see_other
from steward.faults import note_fault
from steward.permission import Actor, may_ever
from steward.problem import Problem
from steward.reading import read_body
from store.errors import TouchstoneError
from store.reading import NoSnapshotError
from store.state.queue import ClaimEndedError, StaleError

MOST_BYTES = 64 * 1_024
MOST_FIELDS = 500
FORM = "application/x-www-form-urlencoded"

PAGES: tuple[Page, ...] = (
    *home.PAGES,
    *signing.PAGES,
    *provider.PAGES,
    *queue.PAGES,
    *items.PAGES,
    *verdicts.PAGES,
    *alike.PAGES,
    *asking.PAGES,
    *at_once.PAGES,
    *RECORD_PAGES,
)
"""Every page of the desk. What is not here is not there."""


class Threads(NamedTuple):
    """How many requests are answered at once."""

    usual: CapacityLimiter
    costly: CapacityLimiter
    """So that a flood of sign-ins eats neither the memory nor the turns of others."""
    searching: CapacityLimiter
    """So that who works a queue does not wait with those who wait for a snapshot's words."""


def threads() -> Threads:
    """Those of one app."""
    return Threads(CapacityLimiter(8), CapacityLimiter(2), CapacityLimiter(4))


def desk_routes() -> list[Route]:
    """A route for each page."""
    return [
        Route(page.path, partial(_answer, page), methods=[page.method], name=page.answer.__name__)
        for page in PAGES
    ]


async def _answer(page: Page, request: Request) -> Response:
    desk: Desk = request.app.state.desk
    pool: Threads = request.app.state.threads
    try:
        form = await _form(request) if page.method == "POST" else {}
    except Refused as refusal:
        visit = Visit(request, desk, NOBODY, {})
        return await to_thread.run_sync(refused_page, visit, refusal, limiter=pool.usual)
    limiter = pool.searching if page.is_search else pool.usual
    limiter = pool.costly if page.is_costly else limiter
    return await to_thread.run_sync(_in_a_thread, page, request, desk, form, limiter=limiter)


def _in_a_thread(page: Page, request: Request, desk: Desk, form: dict[str, str]) -> Response:
    visit = Visit(request, desk, NOBODY, form)
    try:
        visit = visit._replace(actor=who_asks(request, desk))
        return _admitted(page, visit)
    except Refused as refusal:
        return refused_page(visit, refusal)
    except NoSnapshotError as error:
        return refused_page(visit, Refused(503, "There is nothing to show yet", str(error)))
    except StaleError as error:
        return refused_page(visit, _stale(error, request))
    except TouchstoneError as error:
        return refused_page(visit, Refused(503, "This cannot be done just now", str(error)))
    except Exception as error:
        return refused_page(visit, _fault(error))


def _stale(error: StaleError, request: Request) -> Refused:
    """What to do about an item that is not as it was seen."""
    if isinstance(error, ClaimEndedError):
        again = ("Take it again", f"/items/{request.path_params['item_id']}")
        return Refused(409, "Your claim has ended", str(error), again, key="r")
    return Refused(409, "Somebody was quicker", str(error), ("Take the next one", "/queue"))


def _admitted(page: Page, visit: Visit) -> Response:
    """The page, for those who may do anywhere what it is for."""
    if page.action == "anyone":
        return page.answer(visit)
    if not visit.actor.name:
        return _ask_to_sign_in(visit)
    if page.action != "signed_in":
        right = visit.desk.rights.of(page.action)
        if not may_ever(visit.actor, page.action, visit.desk.rights):
            visit.note("denied", visit.request.url.path, page.action)
            raise may_not(f"You may not {right.title}.")
    return page.answer(visit)


def _ask_to_sign_in(visit: Visit) -> Response:
    if visit.request.method == "GET":
        return see_other(f"/sign-in?next={quote(visit.request.url.path, safe='/')}")
    raise Refused(
        401,
        "You are not signed in any more",
        "Your session ended. Sign in again; what you decided last is kept in this window and sent "
        "then.",
        ("Sign in", "/sign-in?next=/queue"),
    )


def who_asks(request: Request, desk: Desk) -> Actor:
    """The person whose session this is."""
    token = token_of(request)
    user = desk.state.sessions.user(token) if token else None
    if user is None:
        return NOBODY
    return Actor(user.name, user.role, user.campaigns, user.datasets, user.functions)


def is_same_origin(request: Request) -> bool:
    """Whether a page of the desk sent this; browsers say so, and nothing else may post."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("origin", ""))
    return (origin.scheme, origin.netloc) == (request.url.scheme, request.headers.get("host", ""))


async def _form(request: Request) -> dict[str, str]:
    """The fields of a post that a page of the desk sent."""
    if not is_same_origin(request):
        raise foreign()
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM:
        raise unreadable()
    try:
        body = await read_body(request, MOST_BYTES)
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except (Problem, ValueError) as error:
        if isinstance(error, Problem):
            raise Refused(error.status, error.title, error.detail) from error
        raise unreadable() from error
    return dict(fields)


async def say_nothing_here(request: Request) -> Response:
    """What a browser is told that asks for a page which is not there."""
    nowhere = Page("", _nowhere, "anyone")
    pool: Threads = request.app.state.threads
    desk: Desk = request.app.state.desk
    return await to_thread.run_sync(_in_a_thread, nowhere, request, desk, {}, limiter=pool.usual)


def _nowhere(_: Visit) -> Response:
    raise not_here()


def refused_page(visit: Visit, refusal: Refused) -> Response:
    """The page that says no, and what to do; a bare one when even the top bar cannot be had."""
    try:
        return visit.page("refused.html", refusal.status, refusal=refusal)
    except TouchstoneError:
        bare = visit._replace(actor=NOBODY)
        return bare.page("refused.html", refusal.status, refusal=refusal)


def _fault(error: Exception) -> Refused:
    """A fault of ours: its kind goes to the log under a number that the person can tell us."""
    number = note_fault(error)
    return Refused(
        500,
        "The fault is ours",
        f"Nothing was stored by this. Try it once more; if it happens again, tell an administrator "
        f"the number {number}.",
    )
