"""Send with every answer what a browser may do with it, and write one line about each request.

The line holds no personal data: the route instead of the path, no address of the sender, no body.
"""

import json
import logging

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steward.timed import Timed

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "object-src 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types desk; "
        "report-uri /csp-reports; report-to violations"
    ),
    "Reporting-Endpoints": 'violations="/csp-reports"',
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
HSTS = "max-age=31536000; includeSubDomains"
"""Under TLS: for a year this host and those below it are asked no other way."""
ACCESS = logging.getLogger("touchstone.access")


class SecurityHeaders:
    """Add the headers that every answer has, unless the answer says otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", HSTS)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class AccessLog(Timed):
    """Write what was asked and how it ended, as one JSON object a line."""

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """See `Timed`."""
        ACCESS.info(_line(scope, status, seconds))


def _line(scope: Scope, status: int, seconds: float) -> str:
    noted = scope.get("state", {}).get("noted", {})
    route = scope.get("route")
    told = {
        "method": scope["method"] if scope["method"].isascii() else "?",
        "route": getattr(route, "path", None),
        "status": status,
        "ms": round(seconds * 1000, 1),
        **noted,
    }
    return json.dumps(told)
