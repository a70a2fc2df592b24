"""Answer pairs that agree and differ in exactly the same at once, after a look at some of them.

Two people are always asked. Which of the pairs each has to open is up to chance, and not to them.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

import polars as pl
from starlette.responses import Response

from rules.decision import NewDecision
from steward.desk.comparison import Line, compare
from steward.desk.items import gone, insist_may_answer
from steward.desk.pages import Page
from steward.desk.queue import go_on
from steward.desk.refused import Refused, may_not, not_here, unreadable
from steward.desk.seen import Seen, name_of, reach_of, see_item, see_soon
from steward.desk.verdicts import VERDICT_ID
from steward.desk.visit import Visit, see_other
from steward.permission import Resource
from store.opened import Row, Snapshot
from store.state.bulk import Alike, Batch, verdict_of
from store.state.given import key_of
from store.state.queue import StaleError
from transforms.answer import AnswerError, answer_item, fingerprint

ANSWERS = ("same", "different")


class Pair(NamedTuple):
    """One of the pairs."""

    alike: Alike
    seen: Seen
    one: Row
    other: Row
    names: tuple[str, str]
    weight: float | None


class Group(NamedTuple):
    """Pairs that are alike, as they are shown."""

    pairs: list[Pair]
    sample: list[Pair]
    """Those that must be opened before."""
    opened: set[str]
    pattern: list[Line]

    @property
    def is_looked_at(self) -> bool:
        """Whether the one who asks has opened the whole sample."""
        return {pair.alike.item_id for pair in self.sample} <= self.opened


def show_alike(visit: Visit) -> Response:
    """The pairs with the pattern of an item, for a first answer."""
    item_id = visit.request.path_params["item_id"]
    with visit.desk.snapshots.reading() as snapshot:
        group = _like(visit, snapshot, item_id)
        return _page(visit, snapshot, group, f"/items/{item_id}", f"/items/{item_id}/alike")


def answer_alike(visit: Visit) -> Response:
    """Store the first answer; somebody else is asked the same."""
    item_id = visit.request.path_params["item_id"]
    batch_id = _batch_id(visit)
    if visit.state.bulk.find(batch_id) is None:
        with visit.desk.snapshots.reading() as snapshot:
            group = _like(visit, snapshot, item_id)
            _say(visit, snapshot, group, batch_id, batch_id)
    return see_other(f"/batches/{batch_id}")


def show_batch(visit: Visit) -> Response:
    """An answer to many: what became of it for who gave it, else the same question anew."""
    first = _first(visit)
    if first.user_name == visit.actor.name:
        left = visit.state.bulk.count_of(first.batch_id)
        return visit.page("batch.html", batch=first, counts=left)
    with visit.desk.snapshots.reading() as snapshot:
        group = _left(visit, snapshot, first)
        if not group.pairs:
            raise StaleError("Nothing of this waits for you any more.")
        where = f"/batches/{first.batch_id}"
        return _page(visit, snapshot, group, "/queue?tab=second", where)


def answer_batch(visit: Visit) -> Response:
    """Store the second answer; where it is the first one's too, that is the decision."""
    first, batch_id = _first(visit), _batch_id(visit)
    if visit.state.bulk.find(batch_id) is None:
        with visit.desk.snapshots.reading() as snapshot:
            group = _left(visit, snapshot, first)
            _say(visit, snapshot, group, batch_id, first.batch_id)
    return see_other(f"/batches/{batch_id}")


def take_back_batch(visit: Visit) -> Response:
    """Undo an answer to many, all of it."""
    batch = _first(visit)
    stands = visit.state.bulk.stands(batch.batch_id)
    if not visit.may("undo", Resource(author=batch.user_name, is_obeyed=not stands)):
        raise may_not("You may take back what you decided yourself.")
    visit.state.bulk.take_back(visit.actor.name, batch.batch_id)
    return go_on(visit, "match")


def _like(visit: Visit, snapshot: Snapshot, item_id: str) -> Group:
    """The pairs like this one that the one who asks may answer at once."""
    waiting = visit.state.work.find(visit.reader, item_id)
    if waiting is None:
        raise gone(visit, item_id)
    seen = see_item(snapshot, item_id, visit.actor, visit.desk.rulebook)
    insist_may_answer(visit, seen, waiting)
    visit.insist("bulk", seen.resource())
    queue = visit.desk.rulebook.queues.match
    names = _same_pattern(visit, snapshot, item_id)
    if waiting.kind != "match" or not names or not queue.bulk_most:
        raise Refused(
            409,
            "This is decided one by one",
            "Only pairs that the model scored are answered at once, and rules/queues.toml says "
            "how many.",
            ("Back to the item", f"/items/{item_id}"),
        )
    found = visit.state.bulk.open_among(visit.reader, names, queue.bulk_most)
    return _group(visit, snapshot, found)


def _left(visit: Visit, snapshot: Snapshot, first: Batch) -> Group:
    """The pairs of a first answer that the one who asks may give the second look."""
    group = _group(visit, snapshot, visit.state.bulk.left_of(visit.reader, first.batch_id))
    second = [
        pair
        for pair in group.pairs
        if visit.may("second_look", pair.seen.resource()._replace(author=first.user_name))
    ]
    return _sampled(visit, snapshot, second)


def _group(visit: Visit, snapshot: Snapshot, found: list[Alike]) -> Group:
    rulebook = visit.desk.rulebook
    see_soon(snapshot, [one.item_id for one in found], reach_of(visit.actor), rulebook)
    pairs = [_pair(see_item(snapshot, one.item_id, visit.actor, rulebook), one) for one in found]
    return _sampled(
        visit, snapshot, [pair for pair in pairs if visit.may("bulk", pair.seen.resource())]
    )


def _sampled(visit: Visit, snapshot: Snapshot, pairs: list[Pair]) -> Group:
    """Choose what must be opened: by chance, and the same however often it is asked."""

    def chance(pair: Pair) -> str:
        told = f"{visit.actor.name}\x1f{snapshot.run_id}\x1f{pair.alike.item_id}"
        return hashlib.sha256(told.encode()).hexdigest()

    most = visit.desk.rulebook.queues.match.bulk_sample
    sample = sorted(pairs, key=chance)[:most]
    opened = visit.state.bulk.looked(visit.actor.name, [pair.alike.item_id for pair in sample])
    pattern: list[Line] = []
    if pairs:
        shown = compare(pairs[0].seen, pairs[0].one, pairs[0].other, visit.desk.rulebook)
        pattern = [line for line in shown.lines if line.weight is not None]
    return Group(pairs, sample, opened, pattern)


def _pair(seen: Seen, alike: Alike) -> Pair:
    one, other = seen.sides()
    scored = seen.pair(one, other)
    weight = None if scored is None else float(scored["match_weight"])
    return Pair(alike, seen, one, other, (name_of(one), name_of(other)), weight)


def _same_pattern(visit: Visit, snapshot: Snapshot, item_id: str) -> set[str]:
    """The items whose comparisons all came out at the same levels."""
    levels = [f"p.level_{name}" for name in visit.desk.rulebook.matching.comparisons]

    def lay_out(of: Snapshot) -> pl.DataFrame:
        return of.frame(
            f"""
            with sides as (
                select item_id, a.record_number as one, b.record_number as other
                from review_items i join crosswalk a on a.record_id = i.record_ids[1]
                join crosswalk b on b.record_id = i.record_ids[2]
                where i.kind = 'match' and i.why is null)
            select item_id, concat_ws(',', {", ".join(levels)}) as pattern
            from sides join pair_weights p on p.record_a = least(one, other)
                and p.record_b = greatest(one, other)"""
        )

    snapshot.keep("patterns", "pattern, item_id", lay_out)
    rows = snapshot.rows(
        "select item_id from memory.patterns where pattern = "
        "(select pattern from memory.patterns where item_id = $item_id)",
        {"item_id": item_id},
    )
    return {row["item_id"] for row in rows}


def _page(visit: Visit, snapshot: Snapshot, group: Group, back: str, where: str) -> Response:
    return visit.page(
        "alike.html",
        group=group,
        back=back,
        where=where,
        is_second=where.startswith("/batches/"),
        batch_id=str(uuid4()),
        run_id=snapshot.run_id,
        because=visit.form.get("because", ""),
    )


def _say(
    visit: Visit, snapshot: Snapshot, group: Group, batch_id: str, first_batch_id: str
) -> None:
    answer = visit.form.get("answer", "")
    if answer not in ANSWERS:
        raise unreadable()
    if not group.is_looked_at:
        raise Refused(
            422,
            "Open the sample first",
            f"{len(group.sample)} of these pairs were chosen by chance. Open each of them, then "
            "answer for all.",
            ("Back to them", visit.request.url.path),
        )
    chosen = {text for name, text in visit.form.items() if name.startswith("item_")}
    because = visit.form.get("because", "").replace("\x00", "").strip()[:2_000]
    batch = Batch(
        batch_id,
        first_batch_id,
        visit.actor.name,
        datetime.now(UTC),
        answer,
        because,
        "; ".join(f"{line.title}: {line.said}" for line in group.pattern),
    )
    pairs = [pair for pair in group.pairs if _token(pair) in chosen]
    entries = dict(_entries(visit, snapshot, batch, pairs))
    visit.state.bulk.say(visit.reader, batch, entries)


def _entries(
    visit: Visit, snapshot: Snapshot, batch: Batch, pairs: Iterable[Pair]
) -> Iterable[tuple[Alike, NewDecision]]:
    """What the log is to hold of each; a pair that the answer does not fit is left out."""
    for pair in pairs:
        item = pair.seen.item
        try:
            meant = answer_item(item, batch.answer, visit.desk.rulebook.survivorship)
        except AnswerError:
            continue
        yield (
            pair.alike,
            NewDecision(
                decided_by=batch.user_name,
                kind=meant.kind,
                subject=meant.subject,
                because=f"{batch.because} [batch {batch.first_batch_id}]".strip(),
                item_id=pair.alike.item_id,
                snapshot_run_id=snapshot.run_id,
                fingerprint=fingerprint(item),
                idempotency_key=key_of(verdict_of(batch.batch_id, pair.alike.item_id)),
            ),
        )


def _token(pair: Pair) -> str:
    return f"{pair.alike.item_id} {pair.alike.version}"


def _first(visit: Visit) -> Batch:
    """The answer of this address, when the one who asks may know of anything in it."""
    batch = visit.state.bulk.find(visit.request.path_params["batch_id"])
    if batch is None:
        raise not_here()
    is_mine = batch.user_name == visit.actor.name
    if not is_mine and not visit.state.bulk.is_in_scope(visit.reader, batch.batch_id):
        raise not_here()
    return batch


def _batch_id(visit: Visit) -> str:
    batch_id = visit.form.get("batch_id", "")
    if not VERDICT_ID.fullmatch(batch_id):
        raise unreadable()
    return batch_id


PAGES = (
    Page("/items/{item_id}/alike", show_alike, "bulk"),
    Page("/items/{item_id}/alike", answer_alike, "bulk", "POST"),
    Page("/batches/{batch_id}", show_batch, "bulk"),
    Page("/batches/{batch_id}", answer_batch, "bulk", "POST"),
    Page("/batches/{batch_id}/undo", take_back_batch, "undo", "POST"),
)
