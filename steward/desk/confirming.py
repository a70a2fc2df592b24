"""Confirm a contact point: a code is sent there, and the customer tells it to the one who asks.

It is asked for from the customer's page, and from that of an entry until a run has it. The contact
point is named by a record and a field, so that no address of a page has its value.
"""

from typing import Any, NamedTuple

from starlette.responses import Response

from steward.desk.finding import founder_of
from steward.desk.met import Said, record_of, values_said
from steward.desk.pages import Page
from steward.desk.refused import Refused, not_here, unreadable
from steward.desk.scope import resource_of
from steward.desk.spooled import record_to_come
from steward.desk.visit import Visit, see_other
from store.opened import Row
from store.sending import Message, SendingError, sender_of
from store.state.codes import LASTS, RIGHT, SPENT, Asked, Code, TooManyError

KINDS = ("email", "phone")
TEXT = (
    "Your code is {code}. Tell it to the person you are speaking with. It holds {minutes} minutes."
)


class Confirmable(NamedTuple):
    """A contact point to which a code can be sent."""

    record_id: str
    field: str
    contact: str
    digest: str
    text: str


def may_confirm(visit: Visit) -> bool:
    """Whether somebody sends codes."""
    return sender_of(visit.desk.settings) is not None


def confirmable(visit: Visit, records: list[Row]) -> list[Confirmable]:
    """The contact points of records to which a code can be sent."""
    said = values_said(records, visit.desk.rulebook) if may_confirm(visit) else []
    return [
        Confirmable(one.record["record_id"], one.field, one.contact, one.digest, one.text)
        for one in said
        if one.contact in KINDS
    ]


def send_code(visit: Visit) -> Response:
    """Send a code to the contact point that the form names."""
    sender = sender_of(visit.desk.settings)
    if sender is None:
        raise not_here()
    said = _said(visit)
    asked = Asked(said.contact, said.digest, (said.record["record_id"],), _back(said.record))
    try:
        code_id, code = visit.state.codes.make(visit.actor.name, asked)
    except TooManyError as error:
        raise Refused(429, "No more codes just now", str(error), ("Back", asked.back)) from error
    minutes = int(LASTS.total_seconds() // 60)
    try:
        sender.send(Message(said.contact, said.text, TEXT.format(code=code, minutes=minutes)))
    except SendingError as error:
        visit.state.codes.drop(code_id)
        raise Refused(503, "The code was not sent", str(error), ("Back", asked.back)) from error
    return see_other(f"/codes/{code_id}")


def show_code(visit: Visit) -> Response:
    """Where the code is typed that the customer tells."""
    return _page(visit, _code(visit))


def try_code(visit: Visit) -> Response:
    """Confirm the contact point if the code is right."""
    code = _code(visit)
    typed = "".join(visit.form.get("code", "").split())[:20]
    if not typed:
        return _page(visit, code, 422, "Type the code that the customer tells you.")
    with visit.desk.snapshots.reading() as snapshot:
        run_id = snapshot.run_id
    if visit.state.codes.confirm(visit.actor.name, code.code_id, typed, run_id) is not None:
        return see_other(f"{code.asked.back}?saved=confirmed")
    return _page(visit, _code(visit), 422, "That is not the code.")


def _code(visit: Visit) -> Code:
    code_id = visit.request.path_params["code_id"]
    found = visit.state.codes.find(visit.actor.name, code_id)
    if found is None:
        raise not_here()
    return found


def _said(visit: Visit) -> Said:
    """The contact point that the form names, of a record that the one who asks may add to."""
    record_id, field = visit.form.get("record", ""), visit.form.get("field", "")
    if not record_id or not field:
        raise unreadable()
    with visit.desk.snapshots.reading() as snapshot:
        record = record_of(snapshot, record_id)
    record = record or record_to_come(visit, record_id)
    if record is None:
        raise not_here()
    visit.insist("create", resource_of([record]))
    found = [one for one in values_said([record], visit.desk.rulebook) if one.field == field]
    if not found or found[0].contact not in KINDS:
        raise not_here()
    return found[0]


def _back(record: Row) -> str:
    customer_id = record.get("customer_id") or ""
    if founder_of(customer_id) is not None:
        return f"/customers/{customer_id}"
    return f"/customers/entered/{record['source_key']}"


def _page(visit: Visit, code: Code, status: int = 200, wrong: str = "") -> Response:
    values: dict[str, Any] = {
        "code": code,
        "is_over": code.state == SPENT,
        "is_right": code.state == RIGHT,
        "wrong": wrong,
    }
    return visit.page("code.html", status, **values)


PAGES = (
    Page("/codes", send_code, "create", "POST", is_costly=True),
    Page("/codes/{code_id}", show_code, "create"),
    Page("/codes/{code_id}", try_code, "create", "POST", is_costly=True),
)
