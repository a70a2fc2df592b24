"""The page of an entry that equals a customer: what was typed beside what is known, and the answer.

Answered that it is that customer, or another, it is let in like any entry; a must-link or
cannot-links go with it. Discarded, it never comes in.
"""

import json
import time
from typing import Any

import polars as pl
from anyio import from_thread

from rules.decision import MOST_RECORDS, Different, Entry, Kind, Same
from rules.number_kinds import NumberKinds
from steward.desk.behind import Behind, behind
from steward.desk.cards import PLACE, name_of, place_of, spelt_name, title_of, values_of
from steward.desk.comparison import GLYPHS, Line, Side
from steward.desk.marks import Part, mark
from steward.desk.numbered import shown
from steward.desk.preview import SHOWN, Preview, preview_merge
from steward.desk.refused import Refused, not_here
from steward.desk.scope import scoped
from steward.desk.seen import Seen, see_item
from steward.desk.survivors import Values, as_text
from steward.desk.visit import Visit
from steward.desk.words import plain
from steward.intake import Intake
from steward.posts import Unfit
from steward.problem import Problem
from store.opened import Row, Snapshot
from store.schema import RECORD_FIELDS
from store.state.entries import ENTRY, Handed, is_entry
from store.state.verdicts import Verdict
from transforms.answer import Answer, AnswerError
from transforms.standardise.fold import folded

NOT_YET = 2**62
"""The place of an entry in the order of arrival: after all that has come."""
SAME: Kind = "same"
DIFFERENT: Kind = "different"
ENTER: Kind = "enter"
DISCARD: Kind = "discard"
SHORTEST_REASON = 3
COMPARED = ("name", "company", "birth_date", "email", "phone", "person_number", "place")
CONTACTS = {"email": ("email", "email_2"), "phone": ("phone", "phone_2")}


def see_any(visit: Visit, snapshot: Snapshot, item_id: str) -> Seen:
    """An item with what a page shows of it, whether a run asks it or somebody at the desk."""
    if is_entry(item_id):
        return _see_entry(visit, snapshot, item_id)
    return see_item(snapshot, item_id, visit.actor, visit.desk.rulebook)


def entry_view(visit: Visit, snapshot: Snapshot, seen: Seen) -> dict[str, Any]:
    """What the template of an entry is given."""
    handed, rulebook = _handed(visit, seen.item["item_id"]), visit.desk.rulebook
    known, entry = _customer(seen), seen.record(seen.item["record_ids"][0])
    values: Values = {}
    if known is not None:
        values = values_of(snapshot, {known.founder: known}, rulebook)[known.founder]
    return {
        "handed": handed,
        "name": spelt_name(_texts(entry)),
        "customer": known,
        "customer_name": name_of(values) if known else "",
        "sources": sorted({title_of(one, rulebook) for one in _sources(known)}),
        "lines": _lines(
            entry,
            known,
            {field: one.value for field, one in values.items()},
            rulebook.number_kinds,
        ),
        "remarks": _content(handed).get("remarks", ""),
        "feed": title_of(handed.source, rulebook),
        "preview": _preview(visit, snapshot, known, entry),
        "because": visit.form.get("because", "")[:500],
    }


def answer_of_entry(visit: Visit, seen: Seen, answer: str) -> Answer:
    """What the log is to hold of an answer to an entry."""
    own, known = seen.item["record_ids"][0], _customer(seen)
    if answer == DISCARD:
        if _handed(visit, seen.item["item_id"]).is_entered:
            raise AnswerError("It was let in already; say which customer it is.")
        if len(visit.form.get("because", "").strip()) < SHORTEST_REASON:
            raise AnswerError("Write why it is discarded: whoever typed it reads that.")
        return Answer(DISCARD, Entry(record_id=own))
    if answer == ENTER and known is None:
        return Answer(ENTER, Entry(record_id=own))
    if answer not in {SAME, DIFFERENT} or known is None:
        raise AnswerError("Say whether it is that customer, or discard it.")
    anchor = seen.item["record_ids"][1]
    if answer == SAME:
        return Answer(SAME, Same(records=(own, anchor)))
    theirs = sorted(known.ids, key=lambda record: record != anchor)[: MOST_RECORDS - 1]
    return Answer(DIFFERENT, Different(groups=((own,), tuple(theirs))))


def let_in(visit: Visit, verdict: Verdict) -> None:
    """Let an entry in that this verdict settles, before the verdict is stored.

    Whatever is killed in between, what was typed is there: as an item, or in the spool.
    """
    handed = visit.state.entries.of(verdict.item_id)
    if handed is None or verdict.answer not in {SAME, DIFFERENT, ENTER}:
        return
    if not visit.state.entries.let_in(visit.reader, verdict):
        return
    intake, content = intake_for(visit, handed), handed.content.encode()
    try:
        from_thread.run(intake.receive, handed.source, handed.entry_id, content, time.time())
    except (Unfit, Problem) as refusal:
        if not handed.is_entered:
            visit.state.entries.keep_out(handed.item_id)
        if isinstance(refusal, Problem):
            raise Refused(refusal.status, refusal.title, refusal.detail) from refusal
        says = intake.refusal(refusal.reasons).errors
        told = " ".join(error.detail for error in says)
        raise AnswerError(f"It cannot enter as it was typed: {told}") from refusal
    visit.note("create", handed.own_record_id, "a steward looked")


def intake_for(visit: Visit, handed: Handed) -> Intake:
    """The intake, if it still has the feed that the entry is for."""
    intake: Intake = visit.request.app.state.intake
    if handed.source not in intake.feeds:
        says = (
            f"The feed {handed.source} takes no entries any more; an administrator can mend that."
        )
        raise Refused(503, "It cannot be entered just now", says)
    return intake


def entry_titles(visit: Visit, item_ids: list[str]) -> dict[str, tuple[str, str]]:
    """What entries among these items are called in a list."""
    handed = visit.state.entries.many(item_ids)
    return {name: (typed_name(one) or name, "typed at the desk") for name, one in handed.items()}


def typed_name(handed: Handed) -> str:
    """The name that was typed; blank once it is blanked."""
    return spelt_name(_content(handed)) if handed.content else ""


def _see_entry(visit: Visit, snapshot: Snapshot, item_id: str) -> Seen:
    handed = _handed(visit, item_id)
    named = snapshot.row(
        "select founder from crosswalk where record_id = $id", {"id": handed.record_id}
    )
    scope = scoped(visit.actor, visit.desk.rights)
    founders = [named["founder"]] if named else []
    known = next(iter(behind(snapshot, founders, scope).values()), None)
    is_there = known is not None and handed.record_id in known.ids
    item = {
        **dict.fromkeys(("field", "value", "rival_value", "match_weight", "why")),
        **dict.fromkeys(("delivery_id", "row_number")),
        "item_id": item_id,
        "kind": ENTRY,
        "is_whole": known is not None and known.is_whole,
        "record_ids": [handed.own_record_id, *([handed.record_id] if is_there else [])],
        "customer_ids": [known.customer_id] if known and is_there else [],
    }
    theirs = known.records if known and is_there else []
    return Seen(item, [_record(visit, handed), *theirs], [], {})


def _handed(visit: Visit, item_id: str) -> Handed:
    found = visit.state.entries.of(item_id)
    if found is None:
        raise not_here()
    return found


def _content(handed: Handed) -> dict[str, str]:
    read: dict[str, str] = json.loads(handed.content) if handed.content else {}
    return read


def _record(visit: Visit, handed: Handed) -> Row:
    """What was typed, as the record that a run would make of it."""
    told: dict[str, object] = {}
    if handed.content:
        intake = intake_for(visit, handed)
        try:
            told = intake.read(handed.source, handed.content.encode(), time.time())
        except (Unfit, Problem):  # by rules that came since; the answer says what is wrong
            told = dict(_content(handed))
    return {field: told.get(field) for field in RECORD_FIELDS} | {
        "record_id": handed.own_record_id,
        "record_number": NOT_YET,
        "founder": NOT_YET,
        "customer_id": "",
        "source": handed.source,
        "campaign": handed.campaign,
        "received_at": handed.asked_at,
        "updated_at": handed.asked_at,
    }


def _customer(seen: Seen) -> Behind | None:
    """The customer that it equals, as far as the reader may see; none who is there no more."""
    theirs = seen.records[1:]
    if not theirs:
        return None
    return Behind(theirs[0]["founder"], theirs[0]["customer_id"], theirs, seen.item["is_whole"])


def _sources(known: Behind | None) -> set[str]:
    return {row["source"] for row in known.records} if known else set()


def _preview(visit: Visit, snapshot: Snapshot, known: Behind | None, entry: Row) -> Preview | None:
    """The golden record that would come of both."""
    if known is None:
        return None
    return preview_merge(snapshot, known.records, [entry], visit.desk.rulebook)


def _texts(row: Row) -> dict[str, str]:
    texts = ((field, as_text(row.get(field))) for field in RECORD_FIELDS)
    return {field: text for field, text in texts if text is not None}


def _lines(
    entry: Row, known: Behind | None, golden: dict[str, str], kinds: NumberKinds
) -> list[Line]:
    """What was typed beside what is known, field by field."""
    here, there = _texts(entry), golden if known else {}
    lines = []
    for field in COMPARED:
        one, other = _said(field, here), _said(field, there)
        records = known.records if known else []
        held = {row[name] for row in records for name in CONTACTS.get(field, ())}
        if one or other:
            lines.append(_line(field, one, one if one in held else other, other, kinds))
    return lines


def _said(field: str, said: dict[str, str]) -> str:
    if field == "name":
        has_name = any(said.get(part) for part in ("first_name", "last_name"))
        return spelt_name(said) if has_name else ""
    if field != "place":
        return said.get(field, "")
    return place_of(said) if any(said.get(part) for part in PLACE[:-1]) else ""


def _line(field: str, one: str, other: str, golden: str, kinds: NumberKinds) -> Line:
    """One comparison; of contact points any that the customer has will do."""
    left, right = mark(one, other)
    if not one or not other:
        kind, says = "null", "not typed" if other else "not known yet"
    elif _fold(one) == _fold(other):
        kind, says = "same", "same"
    else:
        is_near = any(part.is_marked for part in (*left, *right))
        kind, says = ("close", "nearly") if is_near else ("diff", "another")
    more = golden if golden and golden != other else None
    return Line(
        SHOWN.get(field, plain(field).capitalize()),
        kind,
        GLYPHS[kind],
        says,
        Side(_parts(field, one, left, kind, kinds), None, None),
        Side(_parts(field, other, right, kind, kinds), None, f"first {more}" if more else None),
        None,
        None,
    )


def _parts(field: str, text: str, marked: list[Part], kind: str, kinds: NumberKinds) -> list[Part]:
    if kind == "close" and field != "person_number":
        return marked
    return [Part(shown(field, text, kinds), is_marked=False)] if text else []


def _fold(text: str) -> str:
    return str(folded(pl.Series([text], dtype=pl.String)).item() or "")
