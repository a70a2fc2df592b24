"""Carry the token of a session in a cookie that no script and no other site can use."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

PLAIN, HOST = "touchstone", "__Host-touchstone"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
LONGEST_SECONDS = 12 * 3_600


def is_safe(request: Request) -> bool:
    """Whether a password may travel this way: under TLS, or without leaving the machine."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    return request.url.scheme == "https" or host in LOOPBACK


def token_of(request: Request) -> str | None:
    """The token that the browser sent."""
    return request.cookies.get(_name(request))


def give(response: Response, request: Request, token: str) -> Response:
    """Have the browser keep a token for as long as a session may last."""
    response.set_cookie(
        _name(request),
        token,
        max_age=LONGEST_SECONDS,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


def take_back(response: Response, request: Request) -> Response:
    """Have the browser forget its token."""
    is_secure = request.url.scheme == "https"
    response.delete_cookie(
        _name(request), path="/", secure=is_secure, httponly=True, samesite="lax"
    )
    return response


def _name(request: Request) -> str:
    """The name that browsers let only this host set, where there is TLS."""
    return HOST if request.url.scheme == "https" else PLAIN
