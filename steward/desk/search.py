"""Search customers, page by page, within the reader's scope.

What is typed is posted, and the address of the answer has a name for it (see `searches`).
"""

from datetime import date
from urllib.parse import urlencode

from starlette.responses import Response

from steward.desk.cards import cards
from steward.desk.finding import LONGEST, PAGE, Asked, Hit, find, founder_of
from steward.desk.leaving_out import waiting_for
from steward.desk.pages import Page
from steward.desk.refused import Refused
from steward.desk.scope import scoped
from steward.desk.visit import Visit, see_other
from steward.permission import may_ever
from store.opened import Row, Snapshot

SEARCHES_PER_MINUTE = 240
"""Of one person: fast typing is less, and a script that empties the table is more."""

FOUND = "found"
"""What the address calls the name of a search."""
FILTERS = ("source", "campaign", "state", "contact", "since", "contested")

STATES = {"active": True, "incomplete": False}
CONTACTS = {"verified": True, "unverified": False}
"""What the address may say of customers and of their contact points; else all are meant."""


def find_customers(visit: Visit) -> Response:
    """Keep what was typed and lead on; an id leads straight to its customer."""
    text = visit.form.get("q", "").replace("\0", "")[:LONGEST]
    if founder_of(text) is not None:
        return see_other(f"/customers/{text.strip().upper()}")
    said = {FOUND: visit.desk.searches.keep(visit.actor.name, text.strip())}
    said |= {name: visit.form.get(name, "")[:LONGEST] for name in FILTERS}
    return see_other(_address({name: value for name, value in said.items() if value}))


def show_customers(visit: Visit) -> Response:
    """The customers who fit what was typed."""
    asked = asked_of(visit)
    if visit.desk.limiter.take(("search", visit.actor.name), SEARCHES_PER_MINUTE):
        raise Refused(429, "That is a lot of searches", "Wait a minute, then search again.")
    scope = scoped(visit.actor, visit.desk.rights)
    with visit.desk.snapshots.reading() as snapshot:
        hits = find(snapshot, asked, scope)
        shown = hits[:PAGE]
        known = cards(snapshot, [hit.founder for hit in shown], scope, visit.desk.rulebook)
        places = _places(snapshot, visit)
        may_ignore = may_ever(visit.actor, "ignore", visit.desk.rights)
        left_out = waiting_for(visit, snapshot) if may_ignore else None
        run_id = snapshot.run_id
        run = snapshot.row("select run_id, now from runs order by run_id desc limit 1")
    return visit.page(
        "customers.html",
        asked=asked,
        cards=[known[hit.founder] for hit in shown if hit.founder in known],
        next=_next(visit, hits),
        first=_address(_found(visit) | _filters(asked)),
        unfiltered=_address(_found(visit)),
        has_filters=bool(_filters(asked)),
        is_forgotten=bool(_found(visit)) and not asked.text,
        is_first=asked.after is None,
        run=run,
        run_id=run_id,
        feeds={source: feed.title for source, feed in visit.desk.rulebook.feeds.items()},
        may_create=may_ever(visit.actor, "create", visit.desk.rights),
        left_out=left_out,
        sources=places[0],
        campaigns=places[1],
    )


def asked_of(visit: Visit) -> Asked:
    """What the address asks; what cannot be read is as if it were not there."""
    said = visit.request.query_params
    rank, _, founder = said.get("after", "").partition("-")
    is_page = rank in {"0", "1"} and founder.isascii() and founder.isdigit() and len(founder) < 18
    return Asked(
        text=visit.desk.searches.find(visit.actor.name, said.get(FOUND, "")) or "",
        source=said.get("source", "")[:100],
        campaign=said.get("campaign", "")[:200],
        is_contested=said.get("contested") == "yes",
        is_active=STATES.get(said.get("state", "")),
        is_verified=CONTACTS.get(said.get("contact", "")),
        since=_day(said.get("since", "")),
        after=(int(rank), int(founder)) if is_page else None,
    )


def _found(visit: Visit) -> dict[str, str]:
    """The name of what was typed, as the address says it."""
    name = visit.request.query_params.get(FOUND, "")[:LONGEST]
    return {FOUND: name} if name else {}


def _address(said: dict[str, str]) -> str:
    return f"/customers?{urlencode(said)}" if said else "/customers"


def _filters(asked: Asked) -> dict[str, str]:
    """What narrows the search, as the address says it."""
    said = {
        "source": asked.source,
        "campaign": asked.campaign,
        "state": _word(STATES, asked.is_active),
        "contact": _word(CONTACTS, asked.is_verified),
        "since": asked.since.isoformat() if asked.since else "",
        "contested": "yes" if asked.is_contested else "",
    }
    return {name: value for name, value in said.items() if value}


def _word(words: dict[str, bool], meant: bool | None) -> str:
    return next((word for word, means in words.items() if means is meant), "")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _next(visit: Visit, hits: list[Hit]) -> str:
    """Where the next page is; nowhere after the last."""
    if len(hits) <= PAGE:
        return ""
    last = hits[PAGE - 1]
    here = _found(visit) | _filters(asked_of(visit))
    return _address(here | {"after": f"{last.rank}-{last.founder}"})


def _places(snapshot: Snapshot, visit: Visit) -> tuple[list[str], list[str]]:
    """The sources and campaigns that a reader may choose among: those of records in scope."""
    scope = scoped(visit.actor, visit.desk.rights)
    with snapshot.indexed() as index:
        rows: list[Row] = index.rows(
            f"select distinct r.source::varchar as source, r.campaign::varchar as campaign "
            f"from memory.places r where {scope.sql}",
            scope.values,
        )
    campaigns = {row["campaign"] for row in rows if row["campaign"]}
    return sorted({row["source"] for row in rows}), sorted(campaigns)


PAGES = (
    Page("/customers", show_customers, "see", is_search=True),
    Page("/customers", find_customers, "see", "POST"),
)
