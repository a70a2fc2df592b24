"""Enter a new customer: checked and compared while it is typed, saved like any other record.

What is saved goes through the intake into the spool, and the next run makes the customer of it.
Likely duplicates are looked for among the customers whom the reader may see, and nowhere else.
"""

import json
import time
from typing import Any, NamedTuple
from uuid import uuid4

import polars as pl
from anyio import from_thread
from starlette.responses import Response

from rules.feed import Feed
from steward.desk.cards import Card, cards
from steward.desk.index import EMAIL, NAME, PHONE, dialled, prepare
from steward.desk.pages import Page
from steward.desk.refused import Refused
from steward.desk.scope import scoped
from steward.desk.visit import Visit, see_other
from steward.intake import Intake
from steward.judge import ContactPoint
from steward.permission import Resource
from steward.posts import Unfit
from steward.problem import FieldError, Problem
from store.reading import Snapshot
from transforms.standardise.fold import folded

FIELDS = (
    ("title", "Title", "text"),
    ("first_name", "First name", "text"),
    ("last_name", "Last name", "text"),
    ("company", "Company", "text"),
    ("email", "E-mail", "email"),
    ("phone", "Phone", "tel"),
    ("birth_date", "Birth date", "date"),
    ("address", "Street", "text"),
    ("postcode", "Postcode", "text"),
    ("city", "Town", "text"),
    ("country", "Country", "text"),
    ("remarks", "Remarks", "text"),
)
"""What can be entered: its name, what it is called, and what kind of field it is."""
LONGEST = 500
MOST_LOOKED_AT = 40
SHOWN = 6


class Duplicate(NamedTuple):
    """A customer who may be the same, and what says so."""

    card: Card
    says: tuple[str, ...]
    is_exact: bool
    """The name fits and so does an address, a number or the birth date."""


class Looked(NamedTuple):
    """What is known of an entry before it is saved."""

    points: list[ContactPoint]
    errors: list[FieldError]
    duplicates: list[Duplicate]
    missing: list[str]
    """What it still needs to be more than a draft."""


def show_entry(visit: Visit) -> Response:
    """An empty form."""
    return _page(visit, {}, Looked([], [], [], []))


def look_at_entry(visit: Visit) -> Response:
    """Check what is typed so far: the part beside the form."""
    said = _said(visit)
    return visit.page("entry_checks.html", looked=_look(visit, said), is_asked=bool(said))


def save_entry(visit: Visit) -> Response:
    """Save it, unless something is missing or wrong, or it is surely there already."""
    said = _said(visit)
    looked = _look(visit, said)
    _insist_on_campaign(visit, said)
    is_refused = looked.missing or looked.errors or any(d.is_exact for d in looked.duplicates)
    if is_refused or (looked.duplicates and len(visit.form.get("because", "").strip()) < 3):
        return _page(visit, said, looked, 422, is_asked=True)
    key = _key(visit)
    content = _content(visit, said)
    intake, feed = _intake(visit), _feed(visit)
    try:
        receipt = from_thread.run(intake.receive, feed.source, key, content, time.time())
    except Unfit as unfit:
        errors = list(intake.refusal(unfit.reasons).errors)
        return _page(visit, said, looked._replace(errors=errors), 422, is_asked=True)
    except Problem as problem:
        raise Refused(problem.status, problem.title, problem.detail) from problem
    why = " in spite of a likely duplicate" if looked.duplicates else ""
    visit.note("create", f"{feed.source}:{receipt.post_id}", f"entered{why}")
    return see_other(f"/customers/entered/{receipt.post_id}")


def show_entered(visit: Visit) -> Response:
    """What becomes of an entry."""
    return visit.page("entered.html", entry_id=visit.request.path_params["entry_id"][:80])


def _said(visit: Visit) -> dict[str, str]:
    """What was typed, blanks left out."""
    names = [*(name for name, _, _ in FIELDS), "campaign", "consent_email"]
    typed = {name: visit.form.get(name, "").strip()[:LONGEST] for name in names}
    return {name: text for name, text in typed.items() if text}


def _look(visit: Visit, said: dict[str, str]) -> Looked:
    """Whether the contact points hold, who may be the same, and what is missing."""
    intake, feed = _intake(visit), _feed(visit)
    try:
        verdict = intake.look(feed.source, _content(visit, said), time.time())
        errors = [
            e
            for e in intake.refusal(verdict.reasons).errors
            if e.reason not in {"required", "required_one_of"}
        ]
        points = verdict.contact_points
    except (Unfit, Problem) as refusal:
        points, reasons = [], getattr(refusal, "reasons", [])
        errors = list(intake.refusal(reasons).errors)
    with visit.desk.snapshots.reading() as snapshot:
        found = _duplicates(visit, snapshot, said, points) if said else []
    return Looked(points, errors, found, _missing(said, points))


def _missing(said: dict[str, str], points: list[ContactPoint]) -> list[str]:
    has_name = said.get("last_name") or said.get("company")
    wanted = {
        "a name": bool(has_name),
        "a contact that is valid": any(point.value for point in points),
        "a campaign": bool(said.get("campaign")),
    }
    return [name for name, is_there in wanted.items() if not is_there]


def _duplicates(
    visit: Visit, snapshot: Snapshot, said: dict[str, str], points: list[ContactPoint]
) -> list[Duplicate]:
    """Customers in scope with the same address or number, or the same name and birth date."""
    scope = scoped(visit.actor, visit.desk.rights)
    names = _folded(f"{said.get('first_name', '')} {said.get('last_name', '')}")
    words = {_word(point): point.kind for point in points if point.value}
    query = f"""
        select r.founder, list(distinct r.word) as words from memory.entries r
        where r.word = any($words) and {scope.sql}
        group by r.founder order by r.founder limit {MOST_LOOKED_AT}"""
    with snapshot.indexed() as index:
        prepare(index)
        rows = index.rows(query, scope.values | {"words": list(words)})
    says = {row["founder"]: [words[word] for word in row["words"]] for row in rows}
    for founder in _namesakes(snapshot, names, said.get("birth_date", ""), visit):
        says.setdefault(founder, []).append("birth date")
    who = cards(snapshot, list(says), scope, visit.desk.rulebook)
    found = [
        Duplicate(card, _reasons(card, says[founder], names), _is_same_name(card, names))
        for founder, card in who.items()
    ]
    return sorted(found, key=lambda one: (not one.is_exact, -len(one.says)))[:SHOWN]


def _namesakes(snapshot: Snapshot, names: set[str], born: str, visit: Visit) -> list[int]:
    """Customers in scope with these names and this birth date."""
    if len(names) < 2 or not born:
        return []
    scope = scoped(visit.actor, visit.desk.rights)
    rarest = sorted(names, key=lambda name: (-len(name), name))[:2]
    query = f"""
        select r.founder, any_value(r.record_number) as record_number
        from memory.entries r where r.word = $one and {scope.sql} and r.record_number in (
            select record_number from memory.entries where word = $other)
        group by r.founder limit 500"""
    with snapshot.indexed() as index:
        rows = index.rows(
            query, scope.values | {"one": NAME + rarest[0], "other": NAME + rarest[1]}
        )
    who = cards(snapshot, [row["founder"] for row in rows], scope, visit.desk.rulebook)
    return [founder for founder, card in who.items() if card.birth_date == born]


def _reasons(card: Card, says: list[str], names: set[str]) -> tuple[str, ...]:
    told = {"email": "same e-mail", "phone": "same phone", "birth date": "same birth date"}
    name = ("same name",) if _is_same_name(card, names) else ()
    return (*name, *dict.fromkeys(told[word] for word in says))


def _is_same_name(card: Card, names: set[str]) -> bool:
    return len(names) > 1 and names <= _folded(card.name)


def _folded(text: str) -> set[str]:
    return set((folded(pl.Series([text], dtype=pl.String)).item() or "").split())


def _word(point: ContactPoint) -> str:
    if point.kind == "email":
        return EMAIL + str(point.value)
    return PHONE + str(pl.select(dialled(pl.lit(point.value))).item())


def _insist_on_campaign(visit: Visit, said: dict[str, str]) -> None:
    """A customer is entered for a campaign of one's own; an administrator for any."""
    campaign = said.get("campaign")
    if campaign:
        visit.insist("create", Resource(((campaign, _feed(visit).source),)))


def _content(visit: Visit, said: dict[str, str]) -> bytes:
    return json.dumps(said | {"clerk": visit.actor.name}, ensure_ascii=False).encode()


def _key(visit: Visit) -> str:
    """The name of the entry: of the browser's making, so that a form sent twice is one."""
    key = visit.form.get("key", "")
    plain = key.replace("-", "")
    return (
        f"desk-{key}"
        if plain.isalnum() and plain.isascii() and len(key) < 60
        else (f"desk-{uuid4()}")
    )


def _intake(visit: Visit) -> Intake:
    found: Intake = visit.request.app.state.intake
    return found


def _feed(visit: Visit) -> Feed:
    """The feed of entries at the desk."""
    feeds = _intake(visit).feeds.values()
    found = next((feed for feed in feeds if feed.channel == "direct_entry"), None)
    if found is None:
        raise Refused(
            503,
            "Nothing can be entered here yet",
            "No feed takes entries at the desk; an administrator adds one whose channel is "
            "direct_entry and that has an [intake].",
        )
    return found


def _page(
    visit: Visit, said: dict[str, str], looked: Looked, status: int = 200, *, is_asked: bool = False
) -> Response:
    values: dict[str, Any] = {
        "fields": FIELDS,
        "said": said,
        "looked": looked,
        "is_asked": is_asked,
        "key": visit.form.get("key") or str(uuid4()),
        "because": visit.form.get("because", ""),
        "campaigns": _campaigns(visit),
        "feed": _feed(visit).title,
    }
    return visit.page("entry.html", status, **values)


def _campaigns(visit: Visit) -> list[str]:
    """Those of one's own; for an administrator all that any record has."""
    if visit.actor.role != "administrator":
        return sorted(visit.actor.campaigns)
    with visit.desk.snapshots.reading() as snapshot:
        rows = snapshot.rows(
            "select distinct campaign from crosswalk where campaign is not null order by campaign"
        )
    return [row["campaign"] for row in rows]


PAGES = (
    Page("/customers/new", show_entry, "create"),
    Page("/customers/new/check", look_at_entry, "create", "POST", is_search=True),
    Page("/customers/new", save_entry, "create", "POST", is_search=True),
    Page("/customers/entered/{entry_id}", show_entered, "create"),
)
