"""Sign in, sign out, and set a password by an invitation."""

from starlette.responses import Response

from steward.desk.cookies import give, is_safe, take_back, token_of
from steward.desk.pages import Page
from steward.desk.refused import Refused
from steward.desk.visit import Visit, see_other
from store.state.passwords import LONGEST_PASSWORD, UserError

TRIES_PER_MINUTE = 30
"""From one address, whoever it tries to be."""


def show_sign_in(visit: Visit) -> Response:
    """Ask who it is."""
    if visit.actor.name:
        return see_other(local(visit.request.query_params.get("next", "/")))
    return _ask(visit, visit.request.query_params.get("next", "/"), "")


def sign_in(visit: Visit) -> Response:
    """Begin a session, under a new token whatever the browser sent."""
    where, name = local(visit.form.get("next", "/")), visit.form.get("name", "").strip()
    _refuse_unsafe(visit)
    _refuse_passwords(visit)
    address = visit.request.client.host if visit.request.client else "?"
    if visit.desk.limiter.take(("sign in", address), TRIES_PER_MINUTE):
        return _ask(visit, where, "Too many tries from here. Wait a minute, then try again.", 429)
    user = visit.state.people.check(name, visit.form.get("password", ""), address)
    if user is None:
        note_refusal(visit, name)
        says = "The name and the password do not fit, or you must wait a little. Try again."
        return _ask(visit, where, says, 401)
    return begin_session(visit, user.name, where)


def sign_out(visit: Visit) -> Response:
    """End this session, and let go of what this person has before them."""
    visit.state.queue.release_all(visit.actor.name)
    visit.state.sessions.end(token_of(visit.request) or "")
    visit.note("sign_out")
    return take_back(see_other("/sign-in"), visit.request)


def show_invitation(visit: Visit) -> Response:
    """Ask for the password that an invitation is for."""
    return _invite(visit, _invited(visit), "")


def accept_invitation(visit: Visit) -> Response:
    """Set the password, use the link up, and begin a session."""
    name = _invited(visit)
    _refuse_unsafe(visit)
    password = visit.form.get("password", "")
    if password != visit.form.get("again", ""):
        return _invite(visit, name, "The two are not the same. Write it again.", 422)
    try:
        visit.state.people.accept(visit.request.path_params["token"], password)
    except UserError as error:
        return _invite(visit, name, str(error), 422)
    visit.state.audit.note(name, "password_set")
    return begin_session(visit, name, "/")


def note_refusal(visit: Visit, name: str, detail: str = "") -> None:
    """Write that somebody was not let in; who is unknown may have typed a password for a name."""
    known = visit.state.people.find(name)
    visit.state.audit.note(known.name if known else "", "sign_in_refused", "", detail)


def begin_session(visit: Visit, name: str, where: str) -> Response:
    """Sign a person in, under a new token, and lead on; what this browser had before ends."""
    visit.state.sessions.end(token_of(visit.request) or "")
    device = visit.request.headers.get("user-agent", "")
    token = visit.state.sessions.begin(name, device)
    visit.state.audit.note(name, "sign_in")
    return give(see_other(where), visit.request, token)


def _ask(visit: Visit, where: str, says: str, status: int = 200) -> Response:
    return visit.page(
        "sign_in.html",
        status,
        next=local(where),
        name=visit.form.get("name", ""),
        says=says,
        is_safe=is_safe(visit.request),
        has_provider=visit.desk.provider.is_there,
        takes_passwords=visit.desk.settings.local_passwords,
    )


def _invite(visit: Visit, name: str, says: str, status: int = 200) -> Response:
    return visit.page(
        "invitation.html",
        status,
        name=name,
        says=says,
        shortest=visit.state.people.shortest_password,
        longest=LONGEST_PASSWORD,
    )


def _invited(visit: Visit) -> str:
    name = visit.state.people.invited(visit.request.path_params["token"])
    if name is None:
        raise Refused(
            404,
            "This link leads nowhere any more",
            "It was used, or it is older than three days. Ask an administrator for another one.",
            ("Sign in", "/sign-in"),
        )
    return name


def _refuse_passwords(visit: Visit) -> None:
    if not visit.desk.settings.local_passwords:
        raise Refused(
            403,
            "Passwords are not taken here",
            "Sign in at your organisation's provider.",
            ("Sign in", "/sign-in"),
        )


def _refuse_unsafe(visit: Visit) -> None:
    if not is_safe(visit.request):
        raise Refused(
            403,
            "The way here is not safe",
            "A password would travel where others can read it. Open the desk at its https address.",
        )


def local(where: str) -> str:
    """A path of ours, whatever the address said: nobody is led to another site."""
    is_path = where.startswith("/") and not where.startswith(("//", "/\\"))
    return where if is_path and where.isprintable() and "\\" not in where else "/"


PAGES = (
    Page("/sign-in", show_sign_in, "anyone"),
    Page("/sign-in", sign_in, "anyone", "POST", is_costly=True),
    Page("/sign-out", sign_out, "signed_in", "POST"),
    Page("/invitation/{token}", show_invitation, "anyone"),
    Page("/invitation/{token}", accept_invitation, "anyone", "POST", is_costly=True),
)
