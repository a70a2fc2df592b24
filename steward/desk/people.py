"""Administer people: who may sign in, with which role, functions and campaigns; and end sessions.

A change ends the person's sessions at once. Nobody changes their own role, so that there is always
an administrator left.
"""

from typing import get_args

from starlette.responses import Response

from rules.access import Function, Role
from steward.desk.pages import Page
from steward.desk.refused import Refused, not_here
from steward.desk.visit import Visit, see_other
from steward.permission import Resource
from store.known_accounts import unknown_accounts
from store.state.passwords import UserError
from store.state.people import User

ROLES: tuple[Role, ...] = get_args(Role)
FUNCTIONS: tuple[Function, ...] = get_args(Function)


def show_people(visit: Visit) -> Response:
    """All people, and a form for another one."""
    return _list(visit)


def add_person(visit: Visit) -> Response:
    """Add a person and show the link by which they set a password, once."""
    visit.insist("configure", Resource())
    name = visit.form.get("name", "").strip()
    try:
        user = _user(visit, name)
        _insist_on_accounts(visit, user.accounts)
        visit.state.people.add(user)
    except UserError as error:
        return _list(visit, str(error), 422)
    visit.note("add_person", name, visit.form.get("role", ""))
    return _invited(visit, name)


def show_person(visit: Visit) -> Response:
    """One person: what they may do, and where they are signed in."""
    return _person(visit, _named(visit))


def change_person(visit: Visit) -> Response:
    """Give a person another role, functions or campaigns, or let them in no more."""
    visit.insist("configure", Resource())
    before = _named(visit)
    if before.name == visit.actor.name:
        return _person(visit, before, "Another administrator changes what you may do.", 422)
    after = _user(visit, before.name)
    try:
        _insist_on_accounts(visit, after.accounts - before.accounts)
        visit.state.people.change(after)
    except UserError as error:
        return _person(visit, before, str(error), 422)
    visit.note("change_person", before.name, _difference(before, after))
    return see_other("/administration?said=changed")


def invite_person(visit: Visit) -> Response:
    """A new link by which the person sets a password."""
    visit.insist("configure", Resource())
    return _invited(visit, _named(visit).name)


def end_sessions(visit: Visit) -> Response:
    """Sign a person out everywhere."""
    visit.insist("configure", Resource())
    name = _named(visit).name
    visit.state.sessions.end_all(name)
    visit.note("end_sessions", name)
    return see_other("/administration?said=ended")


def _named(visit: Visit) -> User:
    visit.insist("configure", Resource())
    user = visit.state.people.find(visit.request.path_params["name"])
    if user is None:
        raise not_here()
    return user


def _user(visit: Visit, name: str) -> User:
    """A person as the form says."""
    role = visit.form.get("role", "viewer")
    if role not in ROLES:
        raise Refused(422, "There is no such role", "Choose one of the three.")
    functions = frozenset(word for word in FUNCTIONS if visit.form.get(f"function_{word}"))
    return User(
        name=name,
        role=role,
        is_active=visit.form.get("is_active", "yes") == "yes",
        campaigns=_words(visit.form.get("campaigns", "")),
        datasets=_words(visit.form.get("datasets", "")),
        functions=functions if role == "editor" else frozenset(),
        accounts=_words(visit.form.get("accounts", "")) if role == "editor" else frozenset(),
    )


def _insist_on_accounts(visit: Visit, accounts: frozenset[str]) -> None:
    """Go on only if there is each of these campaigns, sources and customers."""
    if not accounts:
        return
    with visit.desk.snapshots.reading() as snapshot:

        def ask(query: str, names: dict[str, list[str]]) -> list[str]:
            return [str(row["name"]) for row in snapshot.rows(query, names)]

        wrong = unknown_accounts(accounts, visit.desk.rulebook.feeds, ask)
    if wrong:
        raise UserError(f"{wrong} Nothing was changed.")


def _words(text: str) -> frozenset[str]:
    """Names, one a line or set apart by commas."""
    return frozenset(word.strip() for word in text.replace("\n", ",").split(",") if word.strip())


def _difference(before: User, after: User) -> str:
    """What changed, in names of roles and campaigns."""
    told = [
        f"{name}: {_told(old)} to {_told(new)}"
        for name, old, new in zip(User._fields, before, after, strict=True)
        if old != new
    ]
    return "; ".join(told) or "nothing"


def _told(value: object) -> str:
    return ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)


def _invited(visit: Visit, name: str) -> Response:
    token = visit.state.people.invite(name)
    visit.note("invite", name)
    base = f"{visit.request.url.scheme}://{visit.request.headers.get('host', '')}"
    return visit.page("invited.html", name=name, link=f"{base}/invitation/{token}")


def _list(visit: Visit, wrong: str = "", status: int = 200) -> Response:
    visit.insist("configure", Resource())
    people = visit.state.people.every()
    return visit.page(
        "people.html",
        status,
        people=people,
        sessions={user.name: len(visit.state.sessions.of(user.name)) for user in people},
        roles=ROLES,
        functions=FUNCTIONS,
        campaigns=_campaigns(visit),
        wrong=wrong,
        typed=visit.form.get("name", ""),
        said=visit.request.query_params.get("said", "")[:20],
    )


def _person(visit: Visit, user: User, wrong: str = "", status: int = 200) -> Response:
    return visit.page(
        "person.html",
        status,
        user=user,
        typed=visit.form.get("accounts", ""),
        sessions=visit.state.sessions.of(user.name),
        roles=ROLES,
        functions=FUNCTIONS,
        campaigns=_campaigns(visit),
        wrong=wrong,
    )


def _campaigns(visit: Visit) -> list[str]:
    with visit.desk.snapshots.reading() as snapshot:
        rows = snapshot.rows("select distinct campaign from crosswalk where campaign is not null")
    return sorted(row["campaign"] for row in rows)


PAGES = (
    Page("/administration", show_people, "configure"),
    Page("/administration/people", add_person, "configure", "POST"),
    Page("/administration/people/{name}", show_person, "configure"),
    Page("/administration/people/{name}", change_person, "configure", "POST"),
    Page("/administration/people/{name}/invite", invite_person, "configure", "POST"),
    Page("/administration/people/{name}/end", end_sessions, "configure", "POST"),
)
