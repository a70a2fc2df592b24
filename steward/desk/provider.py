"""Sign in at the organisation's own provider; who is not known here stays outside.

A provider says who somebody is and never what they may do: people are added here first, by the name
that the provider has for them.
"""

from hmac import compare_digest

from starlette.responses import Response

from steward.desk.pages import Page
from steward.desk.refused import Refused, not_here
from steward.desk.signing import begin_session, local, note_refusal
from steward.desk.visit import Visit, see_other
from store.oidc import LASTS_SECONDS, ProviderError

BACK = "/sign-in/provider/back"
WAITS = "touchstone-sign-in"
"""The cookie that ties a sign-in to the browser in which it began."""
SECURE = "__Secure-"
"""Before its name where there is TLS: browsers take such a cookie from nowhere else."""


def go_to_provider(visit: Visit) -> Response:
    """Send the browser to the provider."""
    if not visit.desk.provider.is_there:
        raise not_here()
    request = visit.request
    back = f"{request.url.scheme}://{request.headers.get('host', '')}{BACK}"
    try:
        begun = visit.desk.provider.begin(back, local(request.query_params.get("next", "/")))
    except ProviderError as error:
        raise _failed(str(error)) from error
    answer = see_other(begun.url)
    answer.set_cookie(
        _waits(visit),
        begun.state,
        max_age=LASTS_SECONDS,
        path=BACK,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


def back_from_provider(visit: Visit) -> Response:
    """Begin a session for whom the provider names, if that is somebody here."""
    if not visit.desk.provider.is_there:
        raise not_here()
    said, kept = visit.request.query_params, visit.request.cookies.get(_waits(visit), "")
    state = said.get("state", "")
    if not state or not compare_digest(state.encode(), kept.encode()):
        raise _failed("This sign-in did not begin in this browser, or too long ago.")
    if said.get("error") or not said.get("code"):
        raise _failed("The provider did not sign you in.")
    try:
        name, begun = visit.desk.provider.finish(state, said["code"])
    except ProviderError as error:
        note_refusal(visit, "", "provider")
        raise _failed(str(error)) from error
    user = visit.state.people.find(name)
    if user is None or not user.is_active:
        note_refusal(visit, name, "provider")
        raise Refused(
            403,
            "You are not known here",
            "The provider says who you are, and nobody of that name may sign in here. Ask an "
            "administrator to add you.",
            ("Sign in otherwise", "/sign-in"),
        )
    answer = begin_session(visit, user.name, begun.next)
    is_secure = visit.request.url.scheme == "https"
    answer.delete_cookie(_waits(visit), path=BACK, secure=is_secure, httponly=True)
    return answer


def _waits(visit: Visit) -> str:
    return SECURE + WAITS if visit.request.url.scheme == "https" else WAITS


def _failed(says: str) -> Refused:
    return Refused(403, "You are not signed in", says, ("Try again", "/sign-in"))


PAGES = (
    Page("/sign-in/provider", go_to_provider, "anyone", is_costly=True),
    Page(BACK, back_from_provider, "anyone", is_costly=True),
)
