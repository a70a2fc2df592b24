"""Take a verdict: the answer to the item that is on the screen, stored once."""

import hashlib
import re
from collections.abc import Callable
from typing import NamedTuple

from pydantic import ValidationError
from starlette.responses import Response

from rules.decision import NewDecision, Subject, Value
from rules.queues import Queue
from steward.desk.entry_item import answer_of_entry, let_in, see_any
from steward.desk.groups import groups_of, parted_of, split_of
from steward.desk.held import corrected, row_of
from steward.desk.items import gone, insist_may_answer, item_page
from steward.desk.outlook import merge_of
from steward.desk.pages import Page
from steward.desk.pair import are_one_customer, needs_second
from steward.desk.queue import go_on
from steward.desk.refused import unreadable
from steward.desk.seen import Seen, reach_of
from steward.desk.superseded import superseded
from steward.desk.values import MANY, newer, offers
from steward.desk.visit import Visit
from store.opened import Snapshot
from store.state.given import key_of
from store.state.queue import StaleError
from store.state.scope import UNSURE
from store.state.verdicts import Verdict
from transforms.agreement import is_drawn
from transforms.answer import Answer, AnswerError, answer_item, correct_row, fingerprint

VERDICT_ID = re.compile(r"[0-9a-f-]{36}")
OTHER = "other-"
"""The answer that takes what a third record says; its number follows."""
VERSION = re.compile(r"[0-9]{1,9}")


class Meant(NamedTuple):
    """What an answer means: what the log is to hold, and whether a second person must agree."""

    word: str
    """The answer as the queue compares it with a second person's; no value of a customer."""
    answer: Answer | None
    needs_second: bool
    also: tuple[Answer, ...] = ()


def give_verdict(visit: Visit) -> Response:
    """Store the verdict and go on to the next item."""
    item_id = visit.request.path_params["item_id"]
    try:
        return go_on(visit, store_answer(visit, item_id))
    except StaleError as error:
        raise superseded(visit, item_id, visit.form, error) from error
    except AnswerError as error:
        waiting = visit.state.work.find(visit.reader, item_id)
        if waiting is None:
            raise gone(visit, item_id) from error
        return item_page(visit, waiting, 422, wrong=str(error))


def store_answer(visit: Visit, item_id: str) -> str:
    """Store what the form says of an item, once; the item's kind."""
    verdict_id = visit.form.get("verdict_id", "")
    if not VERDICT_ID.fullmatch(verdict_id) or not VERSION.fullmatch(visit.form.get("version", "")):
        raise unreadable()
    before = visit.state.work.verdict(verdict_id)
    if before is not None and before.user_name == visit.actor.name:
        return before.kind
    waiting = visit.state.work.find(visit.reader, item_id)
    if waiting is None:
        raise gone(visit, item_id)
    with visit.desk.snapshots.reading() as snapshot:
        seen = see_any(visit, snapshot, item_id)
        insist_may_answer(visit, seen, waiting)
        try:
            meant = _twice(visit, seen, _meant(visit, snapshot, seen))
            _store(visit, snapshot, seen, meant)
        except ValidationError as error:
            raise AnswerError(f"{error.errors()[0]['msg']}.") from error
    return waiting.kind


def _store(visit: Visit, snapshot: Snapshot, seen: Seen, meant: Meant) -> None:
    verdict_id = visit.form["verdict_id"]
    verdict = Verdict(
        verdict_id,
        seen.item["item_id"],
        int(visit.form["version"]),
        meant.word,
        _because(visit),
        meant.needs_second,
    )
    answers = [] if meant.answer is None else [meant.answer, *meant.also]
    decisions = [
        NewDecision(
            decided_by=visit.actor.name,
            kind=answer.kind,
            subject=answer.subject,
            because=_because(visit),
            item_id=seen.item["item_id"],
            snapshot_run_id=snapshot.run_id,
            fingerprint=fingerprint(seen.item),
            idempotency_key=key_of(verdict_id, number),
        )
        for number, answer in enumerate(answers)
    ]
    let_in(visit, verdict)
    visit.state.queue.say(visit.reader, verdict, decisions[0] if decisions else None, decisions[1:])


def _because(visit: Visit) -> str:
    return visit.form.get("because", "").replace("\x00", "")[:2_000]


def _meant(visit: Visit, snapshot: Snapshot, seen: Seen) -> Meant:
    answer = visit.form.get("answer", "")
    if answer == UNSURE:
        return Meant(UNSURE, None, needs_second=True)
    return MEANINGS[seen.item["kind"]](visit, snapshot, seen, answer)


def _twice(visit: Visit, seen: Seen, meant: Meant) -> Meant:
    """Chance has a second person judge some of what one person could decide."""
    queue: Queue = getattr(visit.desk.rulebook.queues, seen.item["kind"])
    drawn = is_drawn(seen.item["item_id"], "twice", queue.twice_share)
    return meant._replace(needs_second=meant.needs_second or drawn)


def _pair(visit: Visit, snapshot: Snapshot, seen: Seen, answer: str) -> Meant:
    if answer == "split" and not seen.is_secret:
        return _split(visit, seen)
    found = answer_item(seen.item, answer, visit.desk.rulebook.survivorship)
    if seen.is_secret:
        parts = answer == "different" and are_one_customer(seen)
        return Meant(answer, found, parts or (answer == "same" and needs_second(visit, seen)))
    if answer != "same":
        return Meant(answer, found, needs_second=False)
    return Meant(answer, found, needs_second(visit, seen), _picked(visit, snapshot, seen))


def _picked(visit: Visit, snapshot: Snapshot, seen: Seen) -> tuple[Answer, ...]:
    """The values whose side was switched in the preview, each a decision of its own."""
    picks = {
        name.removeprefix("pick_"): side
        for name, side in visit.form.items()
        if name.startswith("pick_") and side in {"a", "b"}
    }
    if not picks:
        return ()
    one, other = seen.sides()
    preview = merge_of(snapshot, seen, reach_of(visit.actor), visit.desk.rulebook)
    records = (one["record_id"], other["record_id"])
    return tuple(
        Answer("value", Value(records=records, field=chosen.field, value=chosen.rivals[side]))
        for chosen in preview.fields
        for side in [picks.get(chosen.field, "")]
        if side in chosen.rivals
    )


def _split(visit: Visit, seen: Seen) -> Meant:
    """Records put into groups by hand: those of different groups are different customers."""
    groups = groups_of(seen.records, visit.form)
    split = split_of(groups)
    visit.insist("unmerge", seen.resource())
    joined = tuple(Answer("same", same) for same in split.joined)
    needs = bool(joined or parted_of(groups)) and needs_second(visit, seen)
    word = f"split {_digest(split.different)}"
    return Meant(word, Answer("different", split.different), needs, joined)


def _conflict(visit: Visit, snapshot: Snapshot, seen: Seen, answer: str) -> Meant:
    """Keep the value, take the rival, keep both, or take another one."""
    rulebook, item = visit.desk.rulebook, seen.item
    if answer.startswith(OTHER):
        return _other(visit, seen, answer.removeprefix(OTHER))
    if answer == "both" and item["field"] in MANY:  # what does not come first stays all the same
        answer = "take" if newer(seen) == item["rival_value"] else "keep"
    said = {"keep": "keep", "take": item["rival_value"]}.get(answer, visit.form.get("typed", ""))
    if answer not in {"keep", "take", "typed"}:
        raise AnswerError("Keep the value, take another one, or type one.")
    if answer == "typed" and said.strip() == "keep":
        raise AnswerError("Press Keep to keep the value.")
    found = answer_item(item, said, rulebook.survivorship)
    changes = item["field"] in rulebook.queues.conflict.second_look_fields and answer != "keep"
    word = answer if answer != "typed" else f"typed {_digest(found.subject)}"
    return Meant(word, found, changes)


def _other(visit: Visit, seen: Seen, number: str) -> Meant:
    """A value that a third record of the customer says."""
    rulebook, item = visit.desk.rulebook, seen.item
    offered = offers(seen, rulebook.survivorship.fields[item["field"]])
    found = next((one for one in offered if str(one.record["record_number"]) == number), None)
    if found is None:
        raise AnswerError("That value is not offered any more; choose again.")
    origin = found.record["record_id"]
    records = (*item["record_ids"], origin)
    subject = Value(records=records, field=item["field"], value=found.value, record_id=origin)
    changes = item["field"] in rulebook.queues.conflict.second_look_fields
    return Meant(f"other {_digest(subject)}", Answer("value", subject), changes)


def _held(visit: Visit, snapshot: Snapshot, seen: Seen, answer: str) -> Meant:
    row = row_of(snapshot, seen.item) if answer == "correct" else None
    if row is not None:
        cells = corrected(row, visit.form)
        if not cells:
            raise AnswerError("Nothing differs from what came; change a field, or reject the row.")
        found = correct_row(seen.item, cells, str(row["raw"]))
        return Meant(f"correct {_digest(found.subject)}", found, needs_second=False)
    found = answer_item(seen.item, answer, visit.desk.rulebook.survivorship)
    return Meant(answer, found, needs_second=False)


def _entry(visit: Visit, snapshot: Snapshot, seen: Seen, answer: str) -> Meant:
    return Meant(answer, answer_of_entry(visit, seen, answer), needs_second=False)


def _digest(subject: Subject) -> str:
    return hashlib.sha256(subject.text().encode()).hexdigest()[:12]


MEANINGS: dict[str, Callable[[Visit, Snapshot, Seen, str], Meant]] = {
    "match": _pair,
    "cluster": _pair,
    "conflict": _conflict,
    "quarantine": _held,
    "delivery": _held,
    "entry": _entry,
}
"""How the answer to each kind of item is read."""

PAGES = (Page("/items/{item_id}/verdict", give_verdict, "comment", "POST"),)
