"""Enter a new customer: checked and compared while it is typed, saved like any other record.

What is saved goes through the intake into the spool, and the next run makes the customer of it.
"""

import json
import time
from typing import Any, NamedTuple
from uuid import uuid4

from anyio import from_thread
from starlette.responses import Response

from rules.feed import Feed
from steward.desk.already import Duplicate, duplicates
from steward.desk.numbered import shown
from steward.desk.numbers import KIND, Number, Offered, offered, read_number
from steward.desk.pages import Page
from steward.desk.refused import Refused
from steward.desk.visit import Visit, see_other
from steward.intake import Intake
from steward.judge import ContactPoint
from steward.permission import Resource
from steward.posts import Unfit
from steward.problem import FieldError, Problem
from transforms.standardise.person_numbers import FIELD

FIELDS = (
    ("title", "Title", "text"),
    ("first_name", "First name", "text"),
    ("last_name", "Last name", "text"),
    ("company", "Company", "text"),
    ("email", "E-mail", "email"),
    ("phone", "Phone", "tel"),
    ("birth_date", "Birth date", "date"),
    (FIELD, "Person number", "text"),
    ("address", "Street", "text"),
    ("postcode", "Postcode", "text"),
    ("city", "Town", "text"),
    ("country", "Country", "text"),
    ("remarks", "Remarks", "text"),
)
"""What can be entered: its name, what it is called, and what kind of field it is.

A person's number is offered where the feed of entries takes it.
"""
BECAUSE = "because"
LONGEST = 500


class Looked(NamedTuple):
    """What is known of an entry before it is saved."""

    points: list[ContactPoint]
    errors: list[FieldError]
    duplicates: list[Duplicate]
    missing: list[str]
    """What it still needs to be more than a draft."""
    number: str = ""
    """The person's number as it will be kept, for the eye: its kind and its end."""


def show_entry(visit: Visit) -> Response:
    """The form: empty, or with what its author has typed before."""
    said = said_in(visit)
    looked = looked_over(visit, said) if said else Looked([], [], [], [])
    return entry_page(visit, said, looked)


def look_at_entry(visit: Visit) -> Response:
    """Check what is typed so far: the part beside the form."""
    said = said_in(visit)
    return visit.page("entry_checks.html", looked=looked_over(visit, said), is_asked=bool(said))


def save_entry(visit: Visit) -> Response:
    """Save it, unless something is missing or wrong, or it is surely there already."""
    said = said_in(visit)
    looked = looked_over(visit, said)
    insist_on_campaign(visit, said)
    is_refused = looked.missing or looked.errors or any(d.is_exact for d in looked.duplicates)
    if is_refused or (looked.duplicates and len(visit.form.get(BECAUSE, "").strip()) < 3):
        return entry_page(visit, said, looked, 422, is_asked=True)
    key = _key(visit)
    content = content_of(visit, said | reason_of(visit, looked))
    intake, feed = intake_of(visit), feed_of_entries(visit)
    try:
        receipt = from_thread.run(intake.receive, feed.source, key, content, time.time())
    except Unfit as unfit:
        errors = list(intake.refusal(unfit.reasons).errors)
        return entry_page(visit, said, looked._replace(errors=errors), 422, is_asked=True)
    except Problem as problem:
        raise Refused(problem.status, problem.title, problem.detail) from problem
    visit.state.drafts.drop(visit.actor.name, visit.form.get("key", ""))
    why = " in spite of a likely duplicate" if looked.duplicates else ""
    visit.note("create", f"{feed.source}:{receipt.post_id}", f"entered{why}")
    return see_other(f"/customers/entered/{receipt.post_id}")


def said_in(visit: Visit) -> dict[str, str]:
    """What was typed, blanks left out."""
    names = [*(name for name, _, _ in FIELDS), "campaign", "consent_email", KIND]
    if _offered(visit) is None:
        names = [name for name in names if name not in {FIELD, KIND}]
    typed = {name: visit.form.get(name, "").strip()[:LONGEST] for name in names}
    return {name: text for name, text in typed.items() if text}


def looked_over(visit: Visit, said: dict[str, str]) -> Looked:
    """Whether contact points and number hold, who may be the same, and what is missing."""
    intake, feed = intake_of(visit), feed_of_entries(visit)
    number = _number(visit, said)
    try:
        verdict = intake.look(feed.source, content_of(visit, said), time.time())
        errors = [
            e
            for e in intake.refusal(verdict.reasons).errors
            if e.reason not in {"required", "required_one_of"}
        ]
        points = verdict.contact_points
    except (Unfit, Problem) as refusal:
        points, reasons = [], getattr(refusal, "reasons", [])
        errors = list(intake.refusal(reasons).errors)
    if number and number.error:
        errors.append(number.error)
    value = number.value if number else None
    found = duplicates(visit, said, points, value) if said else []
    told = shown(FIELD, value or "", visit.desk.rulebook.number_kinds)
    return Looked(points, errors, found, _missing(said, points), told)


def _offered(visit: Visit) -> Offered | None:
    return offered(feed_of_entries(visit), visit.desk.rulebook.feeds.values())


def _number(visit: Visit, said: dict[str, str]) -> Number | None:
    return read_number(said, _offered(visit), visit.desk.rulebook.lookups)


def _missing(said: dict[str, str], points: list[ContactPoint]) -> list[str]:
    has_name = said.get("last_name") or said.get("company")
    wanted = {
        "a name": bool(has_name),
        "a contact that is valid": any(point.value for point in points),
        "a campaign": bool(said.get("campaign")),
    }
    return [name for name, is_there in wanted.items() if not is_there]


def insist_on_campaign(visit: Visit, said: dict[str, str]) -> None:
    """A customer is entered for a campaign of one's own; an administrator for any."""
    campaign = said.get("campaign")
    if campaign:
        visit.insist("create", Resource(((campaign, feed_of_entries(visit).source),)))


def content_of(visit: Visit, said: dict[str, str]) -> bytes:
    """The entry as it is posted: a person's number says its kind itself."""
    number = _number(visit, said)
    told = {name: text for name, text in said.items() if name not in {FIELD, KIND}}
    told |= {FIELD: number.text} if number else {}
    return json.dumps(told | {"clerk": visit.actor.name}, ensure_ascii=False).encode()


def reason_of(visit: Visit, looked: Looked) -> dict[str, str]:
    """Why it is another customer though somebody is alike: kept where the feed knows of it."""
    feed = feed_of_entries(visit)
    is_known = BECAUSE in feed.columns or BECAUSE in feed.ignore
    because = visit.form.get(BECAUSE, "").strip()[:LONGEST]
    return {BECAUSE: because} if looked.duplicates and is_known else {}


def _key(visit: Visit) -> str:
    """The name of the entry: of the browser's making, so that a form sent twice is one."""
    key = visit.form.get("key", "")
    plain = key.replace("-", "")
    return (
        f"desk-{key}"
        if plain.isalnum() and plain.isascii() and len(key) < 60
        else (f"desk-{uuid4()}")
    )


def intake_of(visit: Visit) -> Intake:
    """What takes entries in."""
    found: Intake = visit.request.app.state.intake
    return found


def feed_of_entries(visit: Visit) -> Feed:
    """The feed of entries at the desk."""
    feeds = intake_of(visit).feeds.values()
    found = next((feed for feed in feeds if feed.channel == "direct_entry"), None)
    if found is None:
        raise Refused(
            503,
            "Nothing can be entered here yet",
            "No feed takes entries at the desk; an administrator adds one whose channel is "
            "direct_entry and that has an [intake].",
        )
    return found


def entry_page(
    visit: Visit, said: dict[str, str], looked: Looked, status: int = 200, *, is_asked: bool = False
) -> Response:
    """The form with what was typed, and beside it what is known of that."""
    offer = _offered(visit)
    values: dict[str, Any] = {
        "fields": [field for field in FIELDS if offer or field[0] != FIELD],
        "offer": offer,
        "said": said,
        "looked": looked,
        "is_asked": is_asked,
        "is_empty": status == 422 and not is_asked,
        "key": visit.form.get("key") or str(uuid4()),
        "because": visit.form.get(BECAUSE, ""),
        "campaigns": _campaigns(visit),
        "feed": feed_of_entries(visit).title,
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
)
