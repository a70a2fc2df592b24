"""Answer a request: with JSON to a program, with a page to a person in a browser."""

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from steward.intake import Receipt
from steward.problem import Problem

PROBLEM_TYPE = "application/problem+json"
_PAGES = Environment(
    loader=PackageLoader("steward"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
)


def wants_page(request: Request) -> bool:
    """Whether the answer is shown by a browser that left its page for it."""
    return "text/html" in request.headers.get("accept", "")


def accepted(receipt: Receipt) -> Response:
    """What a program is told of a post that is kept."""
    return JSONResponse(receipt.content(), 202)


def accepted_page(redirect: str | None) -> Response:
    """Where a form leads to: where its feed says, and nowhere that the post could name."""
    if redirect:
        return RedirectResponse(redirect, 303)
    return HTMLResponse(_PAGES.get_template("accepted.html").render(), 202)


def refused(problem: Problem) -> Response:
    """What a program is told of a request that is not done."""
    return JSONResponse(problem.content(), problem.status, problem.headers, media_type=PROBLEM_TYPE)


def refused_page(problem: Problem) -> Response:
    """What a person is told whose form cannot be used."""
    page = _PAGES.get_template("refused.html").render(problem=problem)
    return HTMLResponse(page, problem.status, problem.headers)
