"""What the app answers to: posts, what they look like, and whether the app is well."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rules.feed import IntakeRule
from steward.answers import accepted, accepted_page, refused, refused_page, wants_page
from steward.door import Door
from steward.intake import Intake
from steward.openapi import describe
from steward.posts import Unfit, content_of
from steward.problem import Problem
from steward.reading import read_body


def routes() -> list[Route]:
    """All routes of the intake."""
    return [
        Route("/intake/{feed}", post_record, methods=["POST"], name="intake"),
        Route("/openapi.json", show_openapi, methods=["GET"]),
        Route("/healthz", show_health, methods=["GET"]),
        Route("/readyz", show_readiness, methods=["GET"]),
    ]


async def post_record(request: Request) -> Response:
    """Take one record in."""
    intake: Intake = request.app.state.intake
    door: Door = request.app.state.door
    feed = intake.feeds.get(request.path_params["feed"])
    if feed is None or feed.intake is None:
        raise Problem("unknown_feed", "Look at /openapi.json for the feeds that take posts.")
    request.state.noted = {"feed": feed.source}
    answer = await _answer(request, intake, door, feed.intake)
    origin = door.allowed_origin(feed.intake, request)
    if origin:
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.headers["Vary"] = "Origin, Accept"
    return answer


async def _answer(request: Request, intake: Intake, door: Door, rule: IntakeRule) -> Response:
    source = request.path_params["feed"]
    is_form = False
    try:
        is_unsigned = door.admit_unsigned(source, rule, request)
        is_form = is_unsigned and wants_page(request)
        body = await read_body(request, rule.max_bytes)
        post_id = None if is_unsigned else door.check_signature(source, rule, request, body)
        content = content_of(body, request.headers.get("content-type", ""))
        receipt = await intake.receive(source, post_id, content, time.time())
    except Unfit as unfit:
        problem = intake.refusal(unfit.reasons)
    except Problem as refusal:
        problem = refusal
    else:
        return accepted_page(rule.redirect) if is_form else accepted(receipt)
    return refused_page(problem) if is_form else refused(problem)


async def show_openapi(request: Request) -> Response:
    """Describe the intake."""
    described: dict[str, Any] = describe(request.app.state.intake.feeds)
    return JSONResponse(described)


async def show_health(_: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


async def show_readiness(request: Request) -> Response:
    """A post could be kept."""
    try:
        request.app.state.intake.spool.check()
    except OSError:
        raise Problem(
            "cannot_keep", "The spool cannot be written: see to the disk and its rights."
        ) from None
    return JSONResponse({"status": "ready"})
