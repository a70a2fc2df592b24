"""Decide who may post: a server by its signature, a browser by the page that it is on.

No cookie and no session is looked at here, so a page that makes a visitor's browser post gains
nothing that it could not send itself. What the origin check and the limits keep out is noise.
"""

from urllib.parse import urlsplit

from starlette.requests import Request

from rules.feed import IntakeRule
from steward.buckets import Limiter
from steward.problem import Problem, wait
from steward.signatures import HEADERS, has_valid_signature, is_signed
from store.errors import TouchstoneError
from store.keys import Keys


class Door:
    """The keys, the pages that may post, and the limits."""

    def __init__(self, keys: Keys, limiter: Limiter) -> None:
        self._keys = keys
        self._limiter = limiter

    def allowed_origin(self, rule: IntakeRule, request: Request) -> str | None:
        """The page's origin, if it may post unsigned."""
        origin = request.headers.get("origin", "")
        if len(request.headers.getlist("origin")) != 1:
            return None
        is_own = (
            "self" in rule.origins
            and request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
            and urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower() != ""
        )
        return origin if is_own or (origin in rule.origins and origin != "self") else None

    def admit_unsigned(self, source: str, rule: IntakeRule, request: Request) -> bool:
        """Whether this post comes without a signature and may; `Problem` when it may not."""
        if is_signed(request.headers):
            return False
        if not rule.origins or "origin" not in request.headers:
            raise _unsigned()
        if self.allowed_origin(rule, request) is None:
            raise Problem(
                "origin_not_allowed",
                "Have the origin of the page added to `origins` in the [intake] of the feed.",
            )
        visitor = request.client.host if request.client else "?"
        self._limit((source, visitor), rule.visitor_per_minute)
        self._limit((source, "unsigned", ""), rule.unsigned_per_minute)
        return True

    def check_signature(self, source: str, rule: IntakeRule, request: Request, body: bytes) -> str:
        """The id of a post that is signed by one of the feed's keys."""
        try:
            keys = self._keys.of(source)
        except TouchstoneError as error:
            raise wait(60, "The keys of this feed cannot be read.", "cannot_keep") from error
        if not keys:
            raise wait(60, "This feed has no key yet; have one set.", "cannot_keep")
        once = all(len(request.headers.getlist(name)) == 1 for name in HEADERS)
        if not once or not has_valid_signature(keys, request.headers, body):
            raise _unsigned()
        self._limit((source,), rule.per_minute)
        return request.headers["webhook-id"]

    def _limit(self, name: tuple[str, ...], per_minute: int) -> None:
        seconds = self._limiter.take(name, per_minute)
        if seconds:
            raise wait(
                seconds, "Wait as long as Retry-After says; then post again.", "too_many_posts"
            )


def _unsigned() -> Problem:
    return Problem(
        "bad_signature",
        "Send webhook-id, webhook-timestamp (within five minutes of now) and webhook-signature, "
        "made with a key of this feed over the body as it is sent.",
        headers={"WWW-Authenticate": 'Webhook-Signature realm="intake"'},
    )
