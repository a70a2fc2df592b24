"""Leave a value out of matching: say which and why, and have a second person say so too.

It holds for all who have the value, in whatever campaign. So the one who proposes it need only see
where they met it, and the one who agrees must have every campaign that it reaches. Nobody is told
of customers out of their scope. The value stands in no address: a page names a record and a field.
"""

from typing import Any, NamedTuple
from uuid import uuid4

from pydantic import ValidationError
from starlette.responses import Response

from rules.decision import IgnoredValue, NewDecision
from steward.desk.cards import cards
from steward.desk.met import Said, holders, reach, record_of, values_said
from steward.desk.pages import Page
from steward.desk.refused import Refused, not_here
from steward.desk.scope import resource_of, scoped
from steward.desk.undoing import take_back
from steward.desk.visit import Visit, see_other
from steward.permission import may_ever
from store.opened import Snapshot
from store.state.proposals import Proposal
from store.state.told import Told

KIND = "ignore"
HERE = "/left-out"
SHORTEST_REASON = 3
SHOWN = 8
"""Customers who are named."""


class Line(NamedTuple):
    """A value that is left out, or that somebody proposes to leave out."""

    said: Said | None
    """Where the reader may see it; none where it is said there no more."""
    by: str
    at: Any
    because: str
    topic: str
    decision_id: int | None
    may: bool
    """Whether the reader may agree to it, or take the decision back."""


def show_left_out(visit: Visit) -> Response:
    """What waits for a second person, and what is left out."""
    with visit.desk.snapshots.reading() as snapshot:
        proposed = [
            line
            for topic, proposal in visit.state.proposals.of_kind(KIND)
            if (line := _proposed(visit, snapshot, topic, proposal)) is not None
        ]
        decided = [
            line
            for told in visit.state.told.of_kind(KIND)
            if told.holds and (line := _decided(visit, snapshot, told)) is not None
        ]
        run_id = snapshot.run_id
    saved = visit.request.query_params.get("saved", "")[:20]
    return visit.page(
        "left_out.html", proposed=proposed, decided=decided, saved=saved, run_id=run_id
    )


def waiting_for(visit: Visit, snapshot: Snapshot) -> int:
    """How many proposals of others the one who asks may agree to."""
    if not may_ever(visit.actor, "ignore", visit.desk.rights):
        return 0
    every = visit.state.proposals.of_kind(KIND)
    lines = (_proposed(visit, snapshot, topic, proposal) for topic, proposal in every)
    return sum(line is not None and line.may for line in lines)


def ask(visit: Visit) -> Response:
    """What leaving a value out would touch, as far as the reader may know."""
    with visit.desk.snapshots.reading() as snapshot:
        query = visit.request.query_params
        return _page(visit, snapshot, _met(visit, snapshot, query))


def leave_out(visit: Visit) -> Response:
    """Propose it, or decide it where somebody else has proposed it."""
    because = visit.form.get("because", "").strip()
    with visit.desk.snapshots.reading() as snapshot:
        said = _met(visit, snapshot, visit.form)
        if len(because) < SHORTEST_REASON:
            wrong = "Say why: who looks at this in a year must be able to judge it."
            return _page(visit, snapshot, said, wrong, 422)
        standing = _standing(visit, said.digest)
        topic, subject = _topic(visit, snapshot, said)
        run_id = snapshot.run_id
    if standing is not None:
        return see_other(f"{HERE}?saved=stands")
    return _say(visit, topic, subject, run_id)


def agree(visit: Visit) -> Response:
    """Decide what somebody else proposed."""
    topic, proposal = _named(visit)
    with visit.desk.snapshots.reading() as snapshot:
        line = _proposed(visit, snapshot, topic, proposal)
        if line is None or not line.may:
            raise not_here()
        subject = IgnoredValue.model_validate_json(proposal.subject)
        run_id = snapshot.run_id
    return _say(visit, topic, subject, run_id, proposal.because)


def withdraw(visit: Visit) -> Response:
    """Take back what one proposed oneself."""
    topic, _ = _named(visit)
    visit.state.proposals.withdraw(topic, visit.actor.name)
    visit.note("withdraw", topic)
    return see_other(f"{HERE}?saved=undone")


def undo(visit: Visit) -> Response:
    """Let a value count again."""
    number = visit.form.get("decision", "")
    told = visit.state.told.find(int(number)) if number.isdecimal() else None
    if told is None or told.kind != KIND:
        raise not_here()
    with visit.desk.snapshots.reading() as snapshot:
        line = _decided(visit, snapshot, told)
        if line is None or not line.may:
            raise not_here()
        run_id = snapshot.run_id
    take_back(visit, told, run_id)
    return see_other(f"{HERE}?saved=undone")


def _met(visit: Visit, snapshot: Snapshot, asked: Any) -> Said:
    """The value that the address or the form names, of a record that the reader may decide on."""
    record = record_of(snapshot, asked.get("record", ""))
    if record is None:
        raise not_here()
    visit.insist("ignore", resource_of([record]))
    said = values_said([record], visit.desk.rulebook)
    found = next((one for one in said if one.field == asked.get("field", "")), None)
    if found is None:
        raise not_here()
    return found


def _standing(visit: Visit, digest: str) -> Told | None:
    told = visit.state.told.of_kind(KIND)
    return next((one for one in told if one.holds and one.subject["digest"] == digest), None)


def _topic(visit: Visit, snapshot: Snapshot, said: Said) -> tuple[str, IgnoredValue]:
    """Under which topic it is said, and in which words: those of whoever proposed it first.

    Who may not see all that it reaches cannot agree, so theirs is a proposal beside the first.
    """
    own = IgnoredValue(
        contact=said.contact, digest=said.digest, records=(said.record["record_id"],)
    )
    if visit.may("ignore", reach(snapshot, said)):
        for topic, proposal in visit.state.proposals.of_kind(KIND):
            subject = IgnoredValue.model_validate_json(proposal.subject)
            if (subject.contact, subject.digest) == (own.contact, own.digest):
                return topic, subject
    return f"{KIND}:{visit.form.get('key') or uuid4()}"[:200], own


def _say(
    visit: Visit, topic: str, subject: IgnoredValue, run_id: str, because: str = ""
) -> Response:
    try:
        decision = NewDecision(
            decided_by=visit.actor.name,
            kind="ignore",
            subject=subject,
            because=visit.form.get("because", "").strip() or because,
            snapshot_run_id=run_id,
            idempotency_key=f"desk-{visit.form.get('key') or uuid4()}"[:200],
        )
    except ValidationError as error:
        way = ("Back", HERE)
        raise Refused(422, "This cannot be kept", "Write the reason anew.", way) from error
    number = visit.state.proposals.say(topic, decision)
    visit.note("leave_out", subject.records[0], f"decision {number}" if number else "proposed")
    return see_other(f"{HERE}?saved={'decided' if number else 'second'}")


def _named(visit: Visit) -> tuple[str, Proposal]:
    asked = visit.form.get("topic", "")
    found = [one for one in visit.state.proposals.of_kind(KIND) if one[0] == asked]
    if not found:
        raise not_here()
    return found[0]


def _proposed(visit: Visit, snapshot: Snapshot, topic: str, proposal: Proposal) -> Line | None:
    """A proposal, for whoever made it and for whoever may agree to it."""
    subject = IgnoredValue.model_validate_json(proposal.subject)
    said = _found(visit, snapshot, subject.records[0], subject.digest)
    if said is None:
        return None
    is_own = proposal.name == visit.actor.name
    may = not is_own and visit.may("ignore", reach(snapshot, said))
    if not (is_own or may):
        return None
    return Line(said, proposal.name, proposal.at, proposal.because, topic, None, may)


def _decided(visit: Visit, snapshot: Snapshot, told: Told) -> Line | None:
    """A decision, for whoever may see the record on which the value was met."""
    record = told.records[0] if told.records else ""
    said = _found(visit, snapshot, record, told.subject["digest"])
    if said is None and visit.actor.role != "administrator":
        return None
    began = snapshot.row("select max(started_at) as at from runs")
    is_obeyed = began is not None and began["at"] is not None and told.decided_at <= began["at"]
    resource = resource_of([said.record] if said else [])
    resource = resource._replace(author=told.decided_by, is_obeyed=is_obeyed)
    may = visit.may("undo", resource)
    return Line(said, told.decided_by, told.decided_at, told.because, "", told.decision_id, may)


def _found(visit: Visit, snapshot: Snapshot, record_id: str, digest: str) -> Said | None:
    """The value where it was met, if it is still said there and the reader may decide on it."""
    record = record_of(snapshot, record_id)
    if record is None or not visit.may("ignore", resource_of([record])):
        return None
    said = values_said([record], visit.desk.rulebook)
    return next((one for one in said if one.digest == digest), None)


def _page(
    visit: Visit, snapshot: Snapshot, said: Said, wrong: str = "", status: int = 200
) -> Response:
    scope = scoped(visit.actor, visit.desk.rights)
    who = cards(snapshot, holders(snapshot, said), scope, visit.desk.rulebook)
    return visit.page(
        "leave_out.html",
        status,
        said=said,
        run_id=snapshot.run_id,
        who=list(who.values())[:SHOWN],
        count=len(who),
        standing=_standing(visit, said.digest),
        wrong=wrong,
        because=visit.form.get("because", ""),
        key=visit.form.get("key") or str(uuid4()),
    )


PAGES = (
    Page(HERE, show_left_out, "ignore"),
    Page(f"{HERE}/new", ask, "ignore"),
    Page(f"{HERE}/new", leave_out, "ignore", "POST"),
    Page(f"{HERE}/agree", agree, "ignore", "POST"),
    Page(f"{HERE}/withdraw", withdraw, "ignore", "POST"),
    Page(f"{HERE}/undo", undo, "ignore", "POST"),
)
