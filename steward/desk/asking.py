"""Ask the customer: the item waits until a day, and comes back with what was asked."""

from datetime import date

from starlette.responses import Response

from steward.desk.entry_item import see_any
from steward.desk.items import claimed, gone, insist_may_answer, item_page
from steward.desk.pages import Page
from steward.desk.queue import address, go_on
from steward.desk.refused import not_here
from steward.desk.visit import Visit, see_other
from steward.desk.waits import days_to_ask
from transforms.answer import AnswerError

LONGEST = 2_000
WRONG_DAY = "Choose a day from tomorrow on, and within a year."


def ask_customer(visit: Visit) -> Response:
    """Let the item wait for the customer's answer, and go on to the next one."""
    item_id, kind = claimed(visit)
    try:
        put_question(visit, item_id)
    except AnswerError as error:
        waiting = visit.state.work.find(visit.reader, item_id)
        if waiting is None:
            raise not_here() from error
        return item_page(visit, waiting, 422, wrong=str(error))
    return go_on(visit, kind)


def put_question(visit: Visit, item_id: str) -> None:
    """Let an item wait for the answer to what the form asks, until its day."""
    waiting = visit.state.work.find(visit.reader, item_id)
    if waiting is None:
        raise gone(visit, item_id)
    days = days_to_ask(visit.desk.rulebook, waiting.kind)
    if days is None:
        raise not_here()
    with visit.desk.snapshots.reading() as snapshot:
        seen = see_any(visit, snapshot, item_id)
        insist_may_answer(visit, seen, waiting)
    text = visit.form.get("text", "").replace("\x00", "").strip()[:LONGEST]
    until = _day(visit.form.get("until", ""), days.least, days.most)
    if until is None:
        raise AnswerError(WRONG_DAY)
    if not text:
        raise AnswerError("Write what you ask the customer.")
    visit.state.asking.ask(visit.reader, item_id, until, text)


def bring_back(visit: Visit) -> Response:
    """Let an item wait for stewards again before its day, since the answer is there."""
    item_id, _ = claimed(visit)
    visit.state.asking.bring_back(visit.reader, item_id)
    return see_other(address(item_id))


def _day(text: str, least: date, most: date) -> date | None:
    """A day between two."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if least <= day <= most else None


PAGES = (
    Page("/items/{item_id}/ask", ask_customer, "comment", "POST"),
    Page("/items/{item_id}/back", bring_back, "comment", "POST"),
)
