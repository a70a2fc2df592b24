"""Show people their own account: what they may do, and where they are signed in."""

from starlette.responses import Response

from steward.desk.cookies import take_back, token_of
from steward.desk.keymap import KEYMAP, MEANING, chosen_keymap
from steward.desk.pages import Page
from steward.desk.visit import KEY_WAYS, KEYS, Visit, see_other
from store.state.people import digest_of


def show_account(visit: Visit) -> Response:
    """One's own sessions, this one marked."""
    return visit.page(
        "account.html",
        sessions=visit.state.sessions.of(visit.actor.name),
        meaning=MEANING,
        here=digest_of(token_of(visit.request) or ""),
        said=visit.request.query_params.get("said", "")[:20],
    )


def choose_keys(visit: Visit) -> Response:
    """How keys are pressed in this browser: alone, with Alt, or not at all."""
    answer = see_other("/account?said=keys")
    chosen = visit.form.get("keys", "")
    answer.set_cookie(
        KEYS,
        chosen if chosen in KEY_WAYS else "plain",
        max_age=30_000_000,
        secure=visit.request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


def choose_keymap(visit: Visit) -> Response:
    """Which keys of one's own stand for the letters of the desk, in this browser."""
    answer = see_other("/account?said=keys")
    answer.set_cookie(
        KEYMAP,
        chosen_keymap(visit.form),
        max_age=30_000_000,
        secure=visit.request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


def end_session(visit: Visit) -> Response:
    """End one of one's own sessions."""
    visit.state.sessions.end_one(visit.actor.name, visit.form.get("session", ""))
    visit.note("end_session")
    return see_other("/account?said=ended")


def end_everywhere(visit: Visit) -> Response:
    """Sign out everywhere, here too."""
    visit.state.sessions.end_all(visit.actor.name)
    visit.note("end_sessions", visit.actor.name)
    return take_back(see_other("/sign-in"), visit.request)


PAGES = (
    Page("/account", show_account, "signed_in"),
    Page("/account/keys", choose_keys, "signed_in", "POST"),
    Page("/account/keymap", choose_keymap, "signed_in", "POST"),
    Page("/account/end", end_session, "signed_in", "POST"),
    Page("/account/end-all", end_everywhere, "signed_in", "POST"),
)
