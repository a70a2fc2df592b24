"""Show one review item, claimed by the one who looks at it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from rules.access import Action
from rules.queues import Queue
from steward.desk.cluster import cluster_view
from steward.desk.conflict import blocks, conflict_view
from steward.desk.entry_item import entry_view, see_any
from steward.desk.groups import groups_now, groups_of, made_of
from steward.desk.held import held_view
from steward.desk.large import large_page
from steward.desk.pages import Page
from steward.desk.pair import merge_view, pair_view
from steward.desk.rail import TABS, rail, section_of
from steward.desk.refused import not_here
from steward.desk.seen import Seen, reach_of, see_item
from steward.desk.together import Mate, mates_taken
from steward.desk.visit import Visit, see_other
from steward.desk.waits import days_to_ask
from steward.permission import may_ever
from store.opened import Snapshot
from store.state.publications import PUBLICATION
from store.state.queue import StaleError
from store.state.scope import SECOND
from store.state.work import Waiting
from transforms.agreement import is_drawn
from transforms.answer import AnswerError

View = dict[str, Any]
"""What a template is given."""

SPARE = 5
"""With so many or fewer free items nobody has one kept for them beside the one before them."""
LONG_ENOUGH = timedelta(minutes=9)
"""A claim that holds so much longer is not written anew."""

VIEWS: dict[str, tuple[str, Callable[[Visit, Snapshot, Seen], View]]] = {
    "match": ("pair.html", pair_view),
    "cluster": ("cluster.html", cluster_view),
    "conflict": ("conflict.html", conflict_view),
    "quarantine": ("held.html", held_view),
    "delivery": ("held.html", held_view),
    "entry": ("entry_item.html", entry_view),
}
"""How each kind of item is shown."""
AS_WELL: dict[tuple[str, str], str] = {
    ("match", "cluster"): "cluster",
    ("cluster", "pair"): "match",
}
"""Items that can be shown in another way too."""


def show_item(visit: Visit) -> Response:
    """An item that waits, for the one who has it now."""
    item_id = visit.request.path_params["item_id"]
    waiting = visit.state.work.find(visit.reader, item_id)
    is_limited = visit.reader.campaigns is not None
    if waiting is None and is_limited and visit.state.work.is_too_large(visit.reader, item_id):
        return large_page(visit, item_id)
    if waiting is None:
        raise gone(visit, item_id)
    if waiting.kind == PUBLICATION:
        return see_other(section_of(PUBLICATION).path)
    if not may_ever(visit.actor, section_of(waiting.kind).action, visit.desk.rights):
        raise not_here()  # before it is claimed: who may not answer keeps it from nobody
    return item_page(visit, _taken(visit, waiting))


def item_page(visit: Visit, waiting: Waiting, status: int = 200, wrong: str = "") -> Response:
    """The page of an item; `wrong` is what cannot be used of what was just sent."""
    item_id, asked = waiting.item_id, visit.request.query_params
    with visit.desk.snapshots.reading() as snapshot:
        seen = see_any(visit, snapshot, item_id)
        insist_may_answer(visit, seen, waiting)
        kind = str(seen.item["kind"])
        listed = rail(visit, snapshot, section_of(kind), _tab(asked.get("tab", "")), item_id)
        visit.desk.ahead.look(snapshot, listed.soon, reach_of(visit.actor), item_id)
        other = "" if seen.is_secret else asked.get("view", "")
        template, shown = _drawn(visit, snapshot, waiting, seen, other)
        return visit.page(
            template,
            status,
            item=seen.item,
            waiting=waiting,
            wrong=wrong,
            typed=visit.form.get("typed", ""),
            question=visit.form.get("text", ""),
            verdict_id=str(uuid4()),
            rail=listed,
            spare=SPARE,
            comments=visit.state.work.comments(item_id),
            given=_told(visit, waiting),
            is_blind=is_blind(visit, seen),
            is_sample=_is_sample(visit, seen),
            is_secret=seen.is_secret,
            run_id=snapshot.run_id,
            asked=visit.state.asking.of(item_id),
            asking=days_to_ask(visit.desk.rulebook, kind),
            age=(datetime.now(UTC) - waiting.opened_at).total_seconds(),
            due=(waiting.due_at - datetime.now(UTC)).total_seconds(),
            **shown,
        )


def _drawn(
    visit: Visit, snapshot: Snapshot, waiting: Waiting, seen: Seen, other: str
) -> tuple[str, View]:
    """The template of an item and what it is given; `other` names another view of it.

    Several conflicts of one customer are one page.
    """
    kind = str(seen.item["kind"])
    template, view = VIEWS[AS_WELL.get((kind, other), kind)]
    mates = mates_taken(visit, snapshot, seen.item)
    shown = view(visit, snapshot, seen)
    if mates:
        template = "conflicts.html"
        every = [Mate(waiting, seen), *mates]
        shown["blocks"] = blocks(visit, snapshot, every)
        shown["disputed"] = {
            one.seen.item[name] for one in every for name in ("value", "rival_value")
        }
    return template, shown


def show_preview(visit: Visit) -> Response:
    """The golden record that a merge would make: drawn after the item is on the screen."""
    item_id = _named(visit)
    with visit.desk.snapshots.reading() as snapshot:
        seen = see_item(snapshot, item_id, visit.actor, visit.desk.rulebook)
        if not seen.item["record_ids"] or seen.is_secret:
            raise not_here()
        return visit.part("preview.html", **merge_view(visit, snapshot, seen))


def show_groups(visit: Visit) -> Response:
    """The customers that the groups of a table would make, drawn anew as they change."""
    item_id = _named(visit)
    with visit.desk.snapshots.reading() as snapshot:
        seen = see_item(snapshot, item_id, visit.actor, visit.desk.rulebook)
        if seen.item["kind"] not in {"match", "cluster"} or seen.is_secret:
            raise not_here()
        try:
            groups = groups_of(seen.records, visit.form) if visit.form else groups_now(seen)
        except AnswerError as error:
            return visit.part("groups.html", made=[], wrong=str(error))
        made = made_of(visit, snapshot, seen, groups)
        return visit.part("groups.html", made=made, wrong="")


def _named(visit: Visit) -> str:
    """The item that the address names; else there is nothing here for the reader."""
    item_id: str = visit.request.path_params["item_id"]
    if not visit.state.queue.is_in_scope(visit.reader, item_id):
        raise not_here()
    return item_id


def insist_on(visit: Visit, item_id: str, action: Action) -> None:
    """Go on only if the one who asks may know of the item and do this to it."""
    if not visit.state.queue.is_in_scope(visit.reader, item_id):
        raise not_here()
    with visit.desk.snapshots.reading() as snapshot:
        seen = see_any(visit, snapshot, item_id)
        manager = visit.state.work.manager_of(item_id)
        visit.insist(action, seen.resource()._replace(account_manager=manager))


def claimed(visit: Visit) -> tuple[str, str]:
    """The item of this request and its kind, when it waits for the one who asks."""
    item_id = visit.request.path_params["item_id"]
    waiting = visit.state.work.find(visit.reader, item_id)
    if waiting is None:
        raise gone(visit, item_id)
    return item_id, waiting.kind


def gone(visit: Visit, item_id: str) -> Exception:
    """What to say of an item that does not wait for this person."""
    if not visit.state.queue.is_in_scope(visit.reader, item_id):
        return not_here()
    return StaleError(visit.state.queue.what_happened(item_id))


def insist_may_answer(visit: Visit, seen: Seen, waiting: Waiting) -> None:
    """Whether the one who asks may answer this item: the first look or the second."""
    kind: Action = "decide_conflict" if waiting.kind == "conflict" else "decide"
    resource = seen.resource()._replace(account_manager=waiting.manager)
    visit.insist(kind, resource)
    if waiting.state == SECOND:
        said = visit.state.work.given(waiting.item_id)
        author = next((one.user_name for one in said if one.stands), None)  # of it as it is now
        visit.insist("second_look", resource._replace(author=author))


def _taken(visit: Visit, waiting: Waiting) -> Waiting:
    """The item, claimed; a claim that is fresh is left as it is.

    Not so when the browser makes a new page of it: the page before is gone, and says so, maybe
    later than this one asks. What it lets go of is its own claim, and this is another.
    """
    is_fresh = waiting.until is not None and waiting.until - datetime.now(UTC) > LONG_ENOUGH
    is_new = visit.request.headers.get("sec-fetch-mode", "navigate") == "navigate"
    if waiting.holder == visit.actor.name and is_fresh and not is_new:
        return waiting
    taken = visit.state.queue.take(visit.reader, waiting.item_id)
    return waiting._replace(holder=visit.actor.name, until=taken.expires_at, version=taken.version)


def is_blind(visit: Visit, seen: Seen) -> bool:
    """Whether the score is hidden: by chance, or because the one who asks wants it so."""
    return _is_sample(visit, seen) or visit.request.cookies.get("blind") == "yes"


def _is_sample(visit: Visit, seen: Seen) -> bool:
    """Whether chance has it that nobody sees this item's score."""
    queue: Queue = getattr(visit.desk.rulebook.queues, seen.item["kind"])
    return seen.is_secret or is_drawn(seen.item["item_id"], "blind", queue.blind_share)


def _tab(word: str) -> str:
    return word if word in TABS else ""


def _told(visit: Visit, waiting: Waiting) -> list[tuple[str, datetime, str, str]]:
    """What was said of the item before. Who gives a second look must not see the first.

    Whoever is asked because two people differ sees both, with their reasons.
    """
    said = visit.state.work.given(waiting.item_id)
    if waiting.state == SECOND and sum(one.stands for one in said) < 2:
        return []
    return [(one.user_name, one.said_at, one.answer, one.because) for one in said]


PAGES = (
    Page("/items/{item_id}", show_item, "comment"),
    Page("/items/{item_id}/preview", show_preview, "comment"),
    Page("/items/{item_id}/groups", show_groups, "comment"),
    Page("/items/{item_id}/groups", show_groups, "comment", "POST"),
)
