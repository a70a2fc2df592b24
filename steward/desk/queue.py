"""Lead a steward from item to item: the next one, skipping, handing on, comments, going back."""

from datetime import datetime

from starlette.responses import PlainTextResponse, Response

from steward.desk.elsewhere import elsewhere
from steward.desk.entry_item import see_any
from steward.desk.items import claimed, insist_on, item_page
from steward.desk.joined import joined
from steward.desk.pages import Page
from steward.desk.rail import MOST, TABS, rail, section_of
from steward.desk.refused import Refused, may_not, not_here, unreadable
from steward.desk.sections import SECTIONS
from steward.desk.seen import reach_of
from steward.desk.together import beside, held_with
from steward.desk.visit import Visit, see_other
from steward.permission import Resource, may_ever
from store.opened import Snapshot
from store.state.queue import Claimed

LONGEST_COMMENT = 2_000
BLIND = "blind"
CONFLICTS = "/conflicts"
AT_HAND = "at-hand"
"""The header that names the page which the browser has already."""


def show_queue(visit: Visit) -> Response:
    """The next item of a section; or why there is none."""
    asked = visit.request.query_params.get("tab", "")
    tab = asked if asked in TABS else ""
    section = next(one for one in SECTIONS if one.path == visit.request.url.path)
    item = next_item(visit, section.kinds, tab)
    if item is not None:
        return see_other(address(item.item_id, tab))
    with visit.desk.snapshots.reading() as snapshot:
        shown = rail(visit, snapshot, section, tab)
        beside = elsewhere(visit, snapshot, shown)
        night = joined(visit, snapshot) if section.path == CONFLICTS else None
        return visit.page(
            "empty.html", rail=shown, run_id=snapshot.run_id, beside=beside, night=night
        )


def next_item(
    visit: Visit, kinds: tuple[str, ...], tab: str, after: str | None = None
) -> Claimed | None:
    """The most urgent item that nobody else has, now claimed by the one who asks.

    `after` is the item that they have before them, when the next one is only kept for them.
    """
    queue = visit.state.queue
    if tab not in TABS:
        return queue.next(visit.reader, kinds, after)
    waiting = TABS[tab](visit.state.work, visit.reader, kinds, MOST)
    free = (item for item in waiting if item.holder in {None, visit.actor.name})
    first = next((item for item in free if item.item_id != after), None)
    return None if first is None else queue.take(visit.reader, first.item_id, after)


def address(item_id: str, tab: str = "") -> str:
    """Where an item is worked."""
    return f"/items/{item_id}{f'?tab={tab}' if tab else ''}"


def skip_item(visit: Visit) -> Response:
    """Let go of an item for an hour."""
    item_id, kind = claimed(visit)
    for one in (*held_with(visit, item_id), item_id):
        visit.state.queue.skip(visit.reader, one)
    return go_on(visit, kind)


def escalate_item(visit: Visit) -> Response:
    """Hand an item to the administrators."""
    item_id, kind = claimed(visit)
    for one in (*held_with(visit, item_id), item_id):
        insist_on(visit, one, "escalate")
        visit.state.queue.escalate(visit.reader, one)
    return go_on(visit, kind)


def renew_claim(visit: Visit) -> Response:
    """Keep the item for another ten minutes, since somebody is at work on it."""
    item_id = visit.request.path_params["item_id"]
    for one in held_with(visit, item_id):  # before it, so that none of them ends later
        visit.state.queue.renew(visit.reader, one)
    until = visit.state.queue.renew(visit.reader, item_id)
    if until is None:
        raise Refused(409, "Your claim has ended", "Load the page again to take the item again.")
    return PlainTextResponse(until.isoformat())


def leave_item(visit: Visit) -> Response:
    """Let go of an item that is on no screen of the one who had it, so that others can have it.

    The claim is named by when it ends, as the page knew it: one that was taken since, by a page
    that was loaded again or by another tab, is left as it is. Said twice, it is done once.
    """
    try:
        until = datetime.fromisoformat(visit.form.get("until", ""))
    except ValueError as error:
        raise unreadable() from error
    if until.tzinfo is None:
        raise unreadable()
    visit.state.queue.release(visit.reader, visit.request.path_params["item_id"], until)
    return Response(status_code=204)


def comment_on_item(visit: Visit) -> Response:
    """Add a comment."""
    item_id = visit.request.path_params["item_id"]
    insist_on(visit, item_id, "comment")
    text = visit.form.get("text", "").replace("\x00", "").strip()[:LONGEST_COMMENT]
    if text:
        visit.state.work.comment(visit.actor.name, item_id, text)
        visit.note("comment", item_id)
    return see_other(address(item_id, visit.form.get("tab", "")))


def take_back(visit: Visit) -> Response:
    """Undo a verdict and lead back to its item."""
    given = visit.state.work.verdict(visit.request.path_params["verdict_id"])
    if given is None or not visit.state.queue.is_in_scope(visit.reader, given.item_id):
        raise not_here()
    mine = Resource(author=given.user_name, is_obeyed=not given.stands)
    if not visit.may("undo", mine):
        raise may_not("You may take back what you decided yourself.")
    item_id = visit.state.work.take_back(visit.actor.name, given.verdict_id)
    if given.stands:
        return see_other(address(item_id))
    return see_other(section_of(given.kind).path)


def switch_blind(visit: Visit) -> Response:
    """Hide what the score says, or show it again; remembered by this browser."""
    answer = see_other(visit.form.get("back", "/queue"))
    if not visit.form.get("back", "/").startswith("/items/"):
        answer = see_other("/queue")
    is_blind = visit.request.cookies.get(BLIND) == "yes"
    answer.set_cookie(
        BLIND,
        "no" if is_blind else "yes",
        max_age=30_000_000,
        secure=visit.request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


def show_next(visit: Visit) -> Response:
    """The page of the item that will follow this one, had before it is asked for.

    It is shown while the answer to this one is being stored, so it is kept for the one who asks.
    """
    item_id, kind = claimed(visit)
    section, tab = section_of(kind), visit.request.query_params.get("tab", "")
    item = next_item(visit, section.kinds, tab, item_id)
    waiting = None if item is None else visit.state.work.find(visit.reader, item.item_id)
    if waiting is None:
        return Response(status_code=204)
    with visit.desk.snapshots.reading() as snapshot:
        seen = see_any(visit, snapshot, waiting.item_id)
        if beside(visit, snapshot, seen.item):
            return Response(status_code=204)  # its page takes others with it, once it is opened
        answer = item_page(visit, waiting)
        answer.headers[AT_HAND] = _mark(waiting.item_id, waiting.version, snapshot)
        answer.headers["content-location"] = address(waiting.item_id, tab)
        return answer


def go_on(visit: Visit, kind: str) -> Response:
    """To the next item of the same section and tab; or only what is new on its page.

    A browser that has the page of that item at hand says so, and has shown it already.
    """
    section, tab = section_of(kind), visit.form.get("tab", "")
    if not may_ever(visit.actor, section.action, visit.desk.rights):
        return see_other("/")
    item = next_item(visit, section.kinds, tab)
    if item is None:
        return see_other(section.path)
    has = visit.request.headers.get(AT_HAND)
    if has is None:
        return see_other(address(item.item_id, tab))
    with visit.desk.snapshots.reading() as snapshot:
        mark = _mark(item.item_id, item.version, snapshot)
        if has != mark:
            return see_other(address(item.item_id, tab))
        listed = rail(visit, snapshot, section, tab, item.item_id)
        visit.desk.ahead.look(snapshot, listed.soon, reach_of(visit.actor), item.item_id)
        answer = visit.part("at_hand.html", rail=listed, until=item.expires_at)
        answer.headers[AT_HAND] = mark
        return answer


def _mark(item_id: str, version: int, snapshot: Snapshot) -> str:
    """What a page of an item shows: another run or another version is another page."""
    return f"{snapshot.run_id} {item_id} {version}"


PAGES = (
    Page("/queue", show_queue, "decide"),
    Page(CONFLICTS, show_queue, "decide_conflict"),
    Page("/held", show_queue, "decide"),
    Page("/items/{item_id}/next", show_next, "comment"),
    Page("/items/{item_id}/skip", skip_item, "comment", "POST"),
    Page("/items/{item_id}/escalate", escalate_item, "escalate", "POST"),
    Page("/items/{item_id}/renew", renew_claim, "comment", "POST"),
    Page("/items/{item_id}/leave", leave_item, "comment", "POST"),
    Page("/items/{item_id}/comments", comment_on_item, "comment", "POST"),
    Page("/verdicts/{verdict_id}/undo", take_back, "undo", "POST"),
    Page("/blind", switch_blind, "signed_in", "POST"),
)
