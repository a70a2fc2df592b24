"""Say what went wrong with a request, for a program and for a person (RFC 9457)."""

from typing import NamedTuple

TITLES = {
    "malformed_body": (400, "The body cannot be read"),
    "not_asked_so": (400, "The question cannot be understood"),
    "no_token": (401, "There is no token, or it does not hold"),
    "not_for_this": (403, "The token is not for this"),
    "unknown_customer": (404, "There is no such customer"),
    "bad_signature": (401, "The signature is not valid"),
    "origin_not_allowed": (403, "This page may not post here"),
    "unknown_feed": (404, "There is no such feed"),
    "unknown_page": (404, "There is no such page"),
    "method_not_allowed": (405, "This is done in another way"),
    "body_too_slow": (408, "The body came too slowly"),
    "id_used_before": (409, "The id belongs to another post"),
    "changes_gone": (410, "Some of the changes are not kept any more"),
    "body_too_large": (413, "The body is too large"),
    "wrong_media_type": (415, "The body is of a kind that is not taken"),
    "not_valid": (422, "Some of what was posted cannot be used"),
    "too_many_posts": (429, "Too many posts"),
    "too_many_questions": (429, "Too many questions"),
    "fault_of_ours": (500, "The fault is ours"),
    "cannot_keep": (503, "Posts cannot be kept just now"),
    "not_ready": (503, "This cannot be answered just now"),
}
"""Status and title of each kind of problem, by its word."""


class FieldError(NamedTuple):
    """One thing that is wrong with what was posted."""

    field: str | None
    """The sender's name of the field; none for the post as a whole."""
    reason: str
    detail: str


class Problem(Exception):  # noqa: N818 - it is an answer, not a fault
    """A request that is not done; `detail` says what to do about it."""

    def __init__(
        self,
        kind: str,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status, self.title = TITLES[kind]
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    def content(self) -> dict[str, object]:
        """The members of the JSON object."""
        content: dict[str, object] = {
            "type": f"urn:touchstone:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            content["errors"] = [error._asdict() for error in self.errors]
        return content


def wait(seconds: float, detail: str, kind: str) -> Problem:
    """A problem that passes by itself."""
    return Problem(kind, detail, headers={"Retry-After": str(max(1, round(seconds)))})
