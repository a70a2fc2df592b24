"""Tell what a run changed of an item while somebody had it before them.

What they saw is read from the snapshot that their page was made of, as long as it is kept, and laid
beside what the live one has: no further than the reader's scope in either of them.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rules.number_kinds import NumberKinds
from steward.desk.items import is_blind
from steward.desk.numbered import shown, shown_whole
from steward.desk.preview import SHOWN
from steward.desk.refused import Refused
from steward.desk.seen import Seen, see_item, see_records
from steward.desk.survivors import as_text
from steward.desk.visit import Visit
from steward.desk.words import plain, signed, spoken, yes_or_no
from store.opened import Row
from store.reading import NoSnapshotError
from store.schema import RECORD_FIELDS
from store.state.queue import ClaimEndedError, StaleError
from store.state.scope import CLOSED

MOST, MOST_NAMED = 40, 5
"""Changes of values, and records, that a page tells; an item of more is another one altogether."""


class Value(NamedTuple):
    """One value that is not what it was."""

    whose: str
    field: str
    was: str
    now: str


class Change(NamedTuple):
    """What a run changed of an item."""

    before: str
    """The run whose page was answered."""
    now: str
    says: list[str]
    """What is not as it was, beside values."""
    values: list[Value]
    more: int
    """Values that are not told."""


def superseded(
    visit: Visit, item_id: str, form: Mapping[str, str], error: StaleError
) -> StaleError | Refused:
    """What to say instead of `error` where a run, and no person, is behind it."""
    if isinstance(error, ClaimEndedError):
        return error
    waiting = visit.state.work.find(visit.reader, item_id)
    is_settled = waiting is None and visit.state.work.state_of(item_id) == CLOSED
    is_another = waiting is not None and str(waiting.version) != form.get("version", "")
    if not (is_settled or is_another):
        return error
    change = _change(visit, item_id, form.get("run", ""))
    if change is None and not is_settled:
        return error
    return _settled(change) if is_settled else _changed(item_id, change)


def _settled(change: Change | None) -> Refused:
    return Refused(
        409,
        "This question is settled",
        "A run has settled it since, and nobody is asked any more. Your answer was not needed, and "
        "nothing was saved.",
        ("Take the next one", "/queue"),
        change=change,
    )


def _changed(item_id: str, change: Change | None) -> Refused:
    return Refused(
        409,
        "This is not as you saw it",
        "A run has published other evidence since. Your answer was about what you saw, and was not "
        "saved: look at what changed, and answer again.",
        ("Look at it again", f"/items/{item_id}"),
        change=change,
    )


def _change(visit: Visit, item_id: str, run_id: str) -> Change | None:
    """What is not as the page of that run showed it; none where that cannot be told any more."""
    snapshots, rulebook = visit.desk.snapshots, visit.desk.rulebook
    with snapshots.reading() as live:
        if run_id in {"", live.run_id}:
            return None
        try:
            with snapshots.reading_old(run_id) as old:
                before = see_item(old, item_id, visit.actor, rulebook)
        except (NoSnapshotError, Refused):
            return None
        now = see_records(live, before.item, visit.actor, rulebook)
        item = live.row("select * from review_items where item_id = $id", {"id": item_id})
        told = _Told(visit, before, now, item)
        values, says = [*told.disputed(), *told.said()], list(told.sentences())
        if not (values or says):
            return None
        return Change(run_id, live.run_id, says, values[:MOST], max(0, len(values) - MOST))


class _Told(NamedTuple):
    """An item as it was and as it is."""

    visit: Visit
    before: Seen
    now: Seen
    item: Row | None
    """The item of the live run, if that asks it."""

    def disputed(self) -> Iterator[Value]:
        """Of a conflict, the two values that are not the same two any more."""
        field = self.before.item["field"]
        if not field or self.item is None:
            return
        for name, title in (("value", "golden value"), ("rival_value", "stands against it")):
            was, now = self.before.item[name], self.item[name]
            if was != now:
                told = (shown_whole(field, one or "", self._kinds) for one in (was, now))
                yield Value(title.capitalize(), _title(field), *told)

    def said(self) -> Iterator[Value]:
        """What records say otherwise than they did."""
        after = {row["record_id"]: row for row in self.now.records}
        for row in self._records():
            other = after.get(row["record_id"])
            if other is None:
                continue
            for field in RECORD_FIELDS:
                was, now = (self._eyed(field, as_text(one.get(field))) for one in (row, other))
                if was != now:
                    yield Value(self._label(row), _title(field), was, now)

    def sentences(self) -> Iterator[str]:
        """What else is not as it was."""
        then, after = self._customers(self.before), self._customers(self.now)
        own = set(self.before.item["record_ids"] or ())
        for row in self._records():
            if row["record_id"] not in after:
                yield f"{self._label(row)} {self._gone(row['record_id'] in own)}."
        if self.before.is_secret:
            return
        yield from _joined(
            {then[one] for one in own & then.keys()}, {after[one] for one in own & after.keys()}
        )
        new = [row for row in self.now.records if row["record_id"] not in then]
        for row in new[:MOST_NAMED]:
            yield f"{self._label(row)} came to {row['customer_id']}."
        if len(new) > MOST_NAMED:
            yield f"So did {len(new) - MOST_NAMED} more records."
        yield from self._weights()

    def _gone(self, is_own: bool) -> str:
        if not is_own:
            return "is not behind these customers any more"
        is_all = self.visit.reader.campaigns is None
        return "was withdrawn" + ("" if is_all else ", or is not of your campaigns any more")

    def _weights(self) -> Iterator[str]:
        """The score, for whom it is not hidden from."""
        if self.item is None or is_blind(self.visit, self.before):
            return
        was, now = self.before.item["match_weight"], self.item["match_weight"]
        if was is not None and now is not None and signed(was) != signed(now):
            yield f"The evidence weighed {signed(was)} and weighs {signed(now)}."

    def _records(self) -> list[Row]:
        """Those that were told of: of a pair that is judged blind the two alone."""
        own = self.before.item["record_ids"] or ()
        return [
            row
            for row in self.before.records
            if not self.before.is_secret or row["record_id"] in own
        ]

    def _customers(self, seen: Seen) -> dict[str, str]:
        return {row["record_id"]: row["customer_id"] for row in seen.records}

    def _label(self, row: Row) -> str:
        feed = self.visit.desk.rulebook.feeds.get(row["source"])
        return f"{feed.title if feed else row['source']} {row['source_key']}"

    @property
    def _kinds(self) -> NumberKinds:
        return self.visit.desk.rulebook.number_kinds

    def _eyed(self, field: str, value: str | None) -> str:
        return spoken(shown(field, yes_or_no(value or ""), self._kinds))


def _joined(then: set[str], after: set[str]) -> Iterator[str]:
    """Whether what were several customers is one, or the other way about."""
    if len(then) > 1 and len(after) == 1:
        yield f"They are one customer now, {min(after)}."
    elif len(then) == 1 and len(after) > 1:
        yield f"They are {len(after)} customers now, {' and '.join(sorted(after))}."


def _title(field: str) -> str:
    return SHOWN.get(field, plain(field).capitalize())
