"""Take records out of a customer: preview the two that come of it, say why, decide.

The decision names records: all that are taken out are not who the others are. It is undone like
any other, and where the rules want a second person the first only proposes it.
"""

from uuid import uuid4

from pydantic import ValidationError
from starlette.responses import Response

from rules.decision import MOST_RECORDS, Different, NewDecision
from steward.desk.cards import name_of, title_of
from steward.desk.customers import Whole, insist_known
from steward.desk.finding import named_after
from steward.desk.golden import TITLES, spelt
from steward.desk.numbered import shown
from steward.desk.pages import Page
from steward.desk.refused import Refused, not_here
from steward.desk.scope import resource_of
from steward.desk.survivors import Choice, Values, stands, survivors
from steward.desk.undoing import take_back
from steward.desk.visit import Visit, see_other
from store.opened import Row, Snapshot
from store.rulebook import Rulebook
from store.state.proposals import Proposal
from store.state.told import Told

SECOND_FROM = 2
"""Where both customers would stand on so many records, two people must agree."""
SHORTEST_REASON = 3


def show_unmerge(visit: Visit) -> Response:
    """The records with a tick for each, and what the two customers would be."""
    with visit.desk.snapshots.reading() as snapshot:
        whole = _separable(visit, snapshot)
        return _page(visit, whole, _ticked(whole, visit.request.query_params.getlist("record")))


def show_parts(visit: Visit) -> Response:
    """The two customers alone, drawn anew as records are ticked."""
    with visit.desk.snapshots.reading() as snapshot:
        whole = _separable(visit, snapshot)
        out = _ticked(whole, list(visit.form.values()))
        return visit.part("unmerge_parts.html", **_parts(whole, out, visit.desk.rulebook))


def unmerge(visit: Visit) -> Response:
    """Decide that the ticked records are somebody else."""
    with visit.desk.snapshots.reading() as snapshot:
        whole = _separable(visit, snapshot)
        out = _ticked(whole, list(visit.form.values()))
        because = visit.form.get("because", "").strip()
        wrong = _wrong(whole, out, because)
        if wrong:
            return _page(visit, whole, out, wrong, 422)
        decision = _decision(visit, snapshot, whole, out)
    customer_id = whole.one.customer_id
    if not needs_second(len(whole.one.records) - len(out), len(out)):
        number: int | None = visit.state.decisions.add(decision).decision_id
    else:
        number = visit.state.proposals.say(topic_of(customer_id), decision)
    visit.note("unmerge", customer_id, f"decision {number}" if number else "proposed")
    return see_other(f"/customers/{customer_id}?saved={'unmerged' if number else 'second'}")


def withdraw(visit: Visit) -> Response:
    """Take back one's own proposal."""
    with visit.desk.snapshots.reading() as snapshot:
        customer_id = insist_known(visit, snapshot).one.customer_id
    visit.state.proposals.withdraw(topic_of(customer_id), visit.actor.name)
    visit.note("withdraw", customer_id)
    return see_other(f"/customers/{customer_id}?saved=undone")


def topic_of(customer_id: str) -> str:
    """Under which topic it is proposed to take this customer apart."""
    return f"unmerge:{customer_id}"


def needs_second(stay: int, go: int) -> bool:
    """Whether two people must agree: where both customers would stand on several records."""
    return min(stay, go) >= SECOND_FROM


def proposals(visit: Visit, whole: Whole) -> list[tuple[Proposal, set[str]]]:
    """What others, or oneself, proposed for this customer, and the records to be taken out."""
    found = []
    for proposal in visit.state.proposals.about(topic_of(whole.one.customer_id)):
        groups = Different.model_validate_json(proposal.subject).groups or ()
        named = {record for group in groups for record in group}
        out = next((set(group) for group in groups if whole.one.ids[0] not in group), set())
        if named == set(whole.one.ids):
            found.append((proposal, out))
    return found


def undo(visit: Visit) -> Response:
    """Take back a decision about this customer."""
    with visit.desk.snapshots.reading() as snapshot:
        whole = insist_known(visit, snapshot)
        told = _named(visit, whole.told)
        began, run_id = snapshot.row("select max(started_at) as at from runs"), snapshot.run_id
    is_obeyed = began is not None and began["at"] is not None and told.decided_at <= began["at"]
    resource = resource_of(whole.one.records)
    visit.insist("undo", resource._replace(author=told.decided_by, is_obeyed=is_obeyed))
    take_back(visit, told, run_id, whole.one.customer_id)
    return see_other(f"/customers/{whole.one.customer_id}?saved=undone")


def _named(visit: Visit, told: list[Told]) -> Told:
    number = visit.form.get("decision", "")
    found = next((one for one in told if str(one.decision_id) == number), None)
    if found is None:
        raise not_here()
    return found


def _separable(visit: Visit, snapshot: Snapshot) -> Whole:
    """The customer, whom the one who asks may take apart: all records of it must be in scope."""
    whole = insist_known(visit, snapshot)
    visit.insist("unmerge", resource_of(whole.one.records))
    if not whole.one.is_whole:
        raise not_here()
    if not 1 < len(whole.one.records) <= MOST_RECORDS:
        raise Refused(
            409,
            "There is nothing to take out",
            "This customer stands on one record, or on more than one decision can name.",
            ("Back", f"/customers/{whole.one.customer_id}"),
        )
    return whole


def _ticked(whole: Whole, named: list[str]) -> set[str]:
    return {record for record in named if record in whole.one.ids}


def _wrong(whole: Whole, out: set[str], because: str) -> str:
    if not out or len(out) == len(whole.one.records):
        return "Tick some of the records, not all: those that are somebody else."
    if len(because) < SHORTEST_REASON:
        return "Say why: who looks at this in a year must be able to judge it."
    return ""


def _decision(visit: Visit, snapshot: Snapshot, whole: Whole, out: set[str]) -> NewDecision:
    stay = tuple(record for record in whole.one.ids if record not in out)
    try:
        return NewDecision(
            decided_by=visit.actor.name,
            kind="different",
            subject=Different(groups=(stay, tuple(sorted(out)))),
            because=visit.form.get("because", "").strip(),
            snapshot_run_id=snapshot.run_id,
            idempotency_key=f"desk-{visit.form.get('key') or uuid4()}"[:200],
        )
    except ValidationError as error:
        way = ("Back", f"/customers/{whole.one.customer_id}")
        raise Refused(422, "This cannot be kept", "Write the reason anew.", way) from error


def _page(
    visit: Visit, whole: Whole, out: set[str], wrong: str = "", status: int = 200
) -> Response:
    return visit.page(
        "unmerge.html",
        status,
        one=whole.one,
        name=name_of(whole.values),
        wrong=wrong,
        proposed=proposals(visit, whole),
        key=visit.form.get("key") or str(uuid4()),
        because=visit.form.get("because", ""),
        title_of=lambda source: title_of(source, visit.desk.rulebook),
        **_parts(whole, out, visit.desk.rulebook),
    )


def _parts(whole: Whole, out: set[str], rulebook: Rulebook) -> Row:
    """What stays and what goes, as customers; each with the values that people chose for it."""
    groups = [
        [row for row in whole.one.records if row["record_id"] not in out],
        [row for row in whole.one.records if row["record_id"] in out],
    ]
    made = survivors(groups, rulebook, [chosen(group, whole.told) for group in groups])
    names = ("Stays", "Taken out")
    return {
        "out": out,
        "is_for_two": needs_second(len(groups[0]), len(groups[1])),
        "parts": [
            {
                "title": title,
                "count": len(group),
                "customer_id": named_after(group[0]["record_number"]),
                "stands": stands(values),
                "values": _told(values, rulebook),
            }
            for title, group, values in zip(names, groups, made, strict=True)
            if group
        ],
    }


def chosen(records: list[Row], told: list[Told]) -> list[Choice]:
    """The values that people chose and that go with these records, the newest of each field."""
    first = {row["record_id"] for row in records}
    numbers = {row["record_id"]: row["record_number"] for row in records}
    found: dict[str, Choice] = {}
    for one in told:
        if one.kind == "value" and one.holds and min(one.subject["records"]) in first:
            field, value = one.subject["field"], one.subject["value"]
            origin = one.subject.get("record_id") or ""
            found.setdefault(field, Choice(field, value, numbers.get(origin)))
    return list(found.values())


def _told(values: Values, rulebook: Rulebook) -> list[tuple[str, str]]:
    """The values as people read them, field by field."""
    found = []
    for name, rule in rulebook.survivorship.fields.items():
        fields = rule.group or (name,)
        said = {field: values[field].value for field in fields if field in values}
        if said:
            title = TITLES.get(name, name.replace("_", " ").capitalize())
            found.append((title, shown(name, spelt(name, said), rulebook.number_kinds)))
    return found


PAGES = (
    Page("/customers/{customer_id}/unmerge", show_unmerge, "unmerge"),
    Page("/customers/{customer_id}/unmerge/parts", show_parts, "unmerge", "POST"),
    Page("/customers/{customer_id}/unmerge", unmerge, "unmerge", "POST"),
    Page("/customers/{customer_id}/withdraw", withdraw, "unmerge", "POST"),
    Page("/customers/{customer_id}/undo", undo, "undo", "POST"),
)
