"""Hand an entry that equals a customer to a steward, with all that was typed.

Only what the one who asks may see is told to be equal: where nobody in their scope is, there is
nothing to hand over, and the next run compares with everybody.
"""

import hashlib
from datetime import datetime
from typing import NamedTuple

from starlette.responses import Response

from steward.desk.already import Duplicate
from steward.desk.behind import behind
from steward.desk.cards import spelt_name
from steward.desk.entry import (
    Looked,
    content_of,
    entry_page,
    feed_of_entries,
    insist_on_campaign,
    looked_over,
    said_in,
)
from steward.desk.entry_item import typed_name
from steward.desk.pages import Page
from steward.desk.scope import scoped
from steward.desk.visit import Visit, see_other
from store.opened import Row, Snapshot
from store.state.drafts import LASTS
from store.state.entries import PREFIX, NewEntry

HERE = "/customers/typed"
MOST = 50
"""Entries that are listed."""
COMPARED = ("first_name", "last_name", "company", "email", "phone", "birth_date", "postcode")


class Asked(NamedTuple):
    """An entry that somebody handed over, for them."""

    item_id: str
    name: str
    """Blank once it is blanked."""
    at: datetime
    state: str
    answer: str
    because: str


def ask_steward(visit: Visit) -> Response:
    """Keep what was typed and let a steward say what becomes of it."""
    said = said_in(visit)
    looked = looked_over(visit, said)
    insist_on_campaign(visit, said)
    equal = next((one for one in looked.duplicates if one.is_exact), None)
    if looked.missing or looked.errors or equal is None:
        return entry_page(visit, said, looked, 422, is_asked=True)
    with visit.desk.snapshots.reading() as snapshot:
        entry = _new_entry(visit, snapshot, said, looked, equal)
    visit.state.entries.hand_over(visit.actor.name, entry, visit.desk.rulebook.queues)
    visit.state.drafts.drop(visit.actor.name, visit.form.get("key", ""))
    return see_other(f"{HERE}?saved=asked")


def show_typed(visit: Visit) -> Response:
    """What the one who asks has begun, what they handed over, and what became of it."""
    asked = []
    for one in visit.state.entries.of_person(visit.actor.name, MOST):
        told = visit.state.entries.answered(one.item_id)
        if told is not None:
            asked.append(Asked(one.item_id, typed_name(one), one.asked_at, *told))
    saved = visit.request.query_params.get("saved", "")[:40]
    drafts = [
        (one, spelt_name(one.typed)) for one in visit.state.drafts.of_person(visit.actor.name)
    ]
    return visit.page("typed.html", asked=asked, drafts=drafts, lasts=LASTS.days, saved=saved)


def _new_entry(
    visit: Visit, snapshot: Snapshot, said: dict[str, str], looked: Looked, equal: Duplicate
) -> NewEntry:
    """What is kept; the same form sent again is the same entry."""
    content, feed = content_of(visit, said), feed_of_entries(visit)
    key = f"{visit.form.get('key', '')[:60]} {equal.card.founder}".encode()
    digest = hashlib.sha256(key + content).hexdigest()
    scope = scoped(visit.actor, visit.desk.rights)
    one = behind(snapshot, [equal.card.founder], scope)[equal.card.founder]
    record = _closest(one.records, _as_kept(said, looked))
    every = snapshot.rows(
        "select campaign, source from crosswalk where founder = $founder",
        {"founder": equal.card.founder},
    )
    accounts = {f"source:{row['source']}" for row in every}
    accounts |= {f"campaign:{row['campaign']}" for row in every if row["campaign"]}
    return NewEntry(
        item_id=f"{PREFIX}{digest[:16]}",
        entry_id=f"desk-asked-{digest[:32]}",
        source=feed.source,
        campaign=said["campaign"],
        content=content.decode(),
        fingerprint=digest,
        record_id=record["record_id"],
        campaigns=frozenset({said["campaign"], record["campaign"] or ""}),
        accounts=frozenset(accounts),
        customer_id=equal.card.customer_id,
    )


def _as_kept(said: dict[str, str], looked: Looked) -> dict[str, str]:
    """What was typed, contact points as they will be kept."""
    return said | {point.kind: point.value for point in looked.points if point.value}


def _closest(records: list[Row], said: dict[str, str]) -> Row:
    """The record that says most of what was typed; of several the first to arrive."""

    def agreed(row: Row) -> int:
        pairs = ((said.get(field, ""), str(row.get(field) or "")) for field in COMPARED)
        return sum(bool(here) and here.casefold() == there.casefold() for here, there in pairs)

    return max(records, key=lambda row: (agreed(row), -int(row["record_number"])))


PAGES = (
    Page("/customers/new/ask", ask_steward, "create", "POST", is_search=True),
    Page(HERE, show_typed, "create"),
)
