"""Choose or correct a golden value: a decision that stands until it is taken back."""

from typing import NamedTuple
from uuid import uuid4

from pydantic import ValidationError
from starlette.responses import Response

from rules.decision import NewDecision, Value
from steward.desk.cards import name_of
from steward.desk.customers import Whole, insist_known
from steward.desk.golden import TITLES, sources, spelt
from steward.desk.numbered import shown
from steward.desk.pages import Page
from steward.desk.refused import Refused, not_here
from steward.desk.scope import resource_of
from steward.desk.survivors import as_text
from steward.desk.visit import Visit, see_other
from store.opened import Row, Snapshot
from transforms.answer import SHAPES, AnswerError, typed_value

SHORTEST_REASON = 3


class Offer(NamedTuple):
    """A value that some records say."""

    value: str
    """As the decision names it."""
    shown: str
    record_id: str
    sources: list[str]
    is_golden: bool


def show_value(visit: Visit) -> Response:
    """The fields, and for the one that is asked about what records say and a place to type."""
    with visit.desk.snapshots.reading() as snapshot:
        whole = _editable(visit, snapshot)
        return _page(visit, whole, visit.request.query_params.get("field", ""))


def choose_value(visit: Visit) -> Response:
    """Store the value as a decision."""
    field = visit.form.get("field", "")
    with visit.desk.snapshots.reading() as snapshot:
        whole = _editable(visit, snapshot)
        try:
            value, origin = _value(visit, whole, field)
            decision = _decision(
                visit,
                snapshot,
                whole,
                Value(records=tuple(whole.one.ids), field=field, value=value, record_id=origin),
            )
        except AnswerError as error:
            return _page(visit, whole, field, str(error), 422)
        except ValidationError as error:
            raise Refused(422, "This cannot be kept", "Write it anew.") from error
    stored = visit.state.decisions.add(decision)
    visit.note("value", whole.one.customer_id, f"decision {stored.decision_id}, {field}")
    return see_other(f"/customers/{whole.one.customer_id}?saved=value")


def _editable(visit: Visit, snapshot: Snapshot) -> Whole:
    whole = insist_known(visit, snapshot)
    visit.insist("create", resource_of(whole.one.records))
    return whole


def _value(visit: Visit, whole: Whole, field: str) -> tuple[str, str | None]:
    """What was chosen: a record's value, or one that was typed."""
    if field not in visit.desk.rulebook.survivorship.fields:
        raise not_here()
    if len(visit.form.get("because", "").strip()) < SHORTEST_REASON:
        raise AnswerError("Say why: who looks at this in a year must be able to judge it.")
    offers = {str(number): offer for number, offer in enumerate(_offers(visit, whole, field))}
    picked = offers.get(visit.form.get("offer", ""))
    if picked is not None:
        return picked.value, picked.record_id
    if visit.desk.rulebook.survivorship.fields[field].group:
        raise AnswerError("This is taken whole from one record: pick one.")
    return typed_value(field, visit.form.get("typed", "").strip()), None


def _decision(visit: Visit, snapshot: Snapshot, whole: Whole, value: Value) -> NewDecision:
    return NewDecision(
        decided_by=visit.actor.name,
        kind="value",
        subject=value,
        because=visit.form.get("because", "").strip(),
        snapshot_run_id=snapshot.run_id,
        idempotency_key=f"desk-{visit.form.get('key') or uuid4()}"[:200],
    )


def _page(visit: Visit, whole: Whole, field: str, wrong: str = "", status: int = 200) -> Response:
    fields = visit.desk.rulebook.survivorship.fields
    if field and field not in fields:
        raise not_here()
    return visit.page(
        "value.html",
        status,
        one=whole.one,
        name=name_of(whole.values),
        titles={name: TITLES.get(name, name.replace("_", " ").capitalize()) for name in fields},
        field=field,
        offers=_offers(visit, whole, field) if field else [],
        is_whole=bool(field and fields[field].group),
        shape=SHAPES.get(field, "a text"),
        wrong=wrong,
        key=visit.form.get("key") or str(uuid4()),
        form={name: visit.form.get(name, "") for name in ("offer", "typed", "because")},
    )


def _offers(visit: Visit, whole: Whole, field: str) -> list[Offer]:
    """What the records in scope say, the golden value first."""
    rulebook = visit.desk.rulebook
    rule = rulebook.survivorship.fields[field]
    said: dict[str, list[Row]] = {}
    seen: dict[str, str] = {}
    for row in whole.one.records:
        for names in (rule.group or (field,), *((also,) for also in rule.also)):
            texts = {name: as_text(row.get(name)) or "" for name in names}
            value = " ".join(text for text in texts.values() if text)
            if value:
                said.setdefault(value, []).append(row)
                text = spelt(field, {name: text for name, text in texts.items() if text})
                seen[value] = shown(field, text, rulebook.number_kinds)
    names = rule.group or (field,)
    golden = " ".join(whole.values[name].value for name in names if name in whole.values)
    offers = [
        Offer(value, seen[value], rows[0]["record_id"], sources(rows, rulebook), value == golden)
        for value, rows in said.items()
    ]
    return sorted(offers, key=lambda offer: not offer.is_golden)


PAGES = (
    Page("/customers/{customer_id}/value", show_value, "create"),
    Page("/customers/{customer_id}/value", choose_value, "create", "POST"),
)
