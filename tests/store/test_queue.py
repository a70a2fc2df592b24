"""The queue: one item is before one person, and a verdict is stored once."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from rules.decision import NewDecision, Same
from store.decisions import DecisionLog
from store.state import staging
from store.state.counting import COUNT_LASTS
from store.state.engine import open_engine, reading, writing
from store.state.given import key_of
from store.state.moments import to_text
from store.state.queue import CLAIM_LASTS, SKIP_LASTS, Queue, StaleError
from store.state.scope import ADMINISTRATORS, Reader, visible
from store.state.staging import live_run, publish_queue
from store.state.tables import ITEMS
from store.state.verdicts import Said, Verdict
from store.state.work import Work
from store.state.workload import Workload

KINDS = ("match", "conflict")
ANN = Reader("ann", None)
BOB = Reader("bob", None)
SPRING = Reader("stan", frozenset({"spring"}))
NUMBERS = count(1)


class Desk:
    """A queue with a clock that a test moves."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.at = datetime(2026, 3, 1, 9, tzinfo=UTC)
        self.queue = Queue(engine, lambda: self.at)
        self.work = Work(engine, lambda: self.at)
        self.log = DecisionLog(engine, lambda: self.at)

    def publish(self, run_number: int, *items: dict[str, object]) -> None:
        publish_queue(self.engine, frame(*items), run_number, "2026-03-01T00:00:00Z")

    def say(self, reader: Reader, item_id: str, version: int = 1, **changes: object) -> Said:
        verdict = Verdict(f"v{next(NUMBERS)}", item_id, version, "same", "", needs_second=False)
        verdict = verdict._replace(**changes)
        return self.queue.say(reader, verdict, decision(reader, verdict))


def frame(*items: dict[str, object]) -> pl.DataFrame:
    plain = {
        "kind": "match",
        "urgency": 1.0,
        "opened_at": "2026-02-01T00:00:00.000000Z",
        "due_at": "2026-02-08T00:00:00.000000Z",
        "fingerprint": "f",
        "campaigns": ["spring", "spring"],
        "manager_until": "2026-02-03T00:00:00.000000Z",
        "accounts": ["campaign:spring", "source:crm"],
        "customers": ["C1-1", "C1-2"],
        "assigned_to": None,
    }
    schema = {"item_id": pl.String, **dict.fromkeys(plain, pl.String)}
    schema |= {"urgency": pl.Float64}
    schema |= dict.fromkeys(("campaigns", "accounts", "customers"), pl.List(pl.String))
    return pl.DataFrame([plain | item for item in items], schema=schema, orient="row")


def decision(reader: Reader, verdict: Verdict) -> NewDecision:
    return NewDecision(
        decided_by=reader.name,
        kind="same",
        subject=Same(records=("crm:1", "crm:2")),
        item_id=verdict.item_id,
        snapshot_run_id="R0001",
        idempotency_key=key_of(verdict.verdict_id),
    )


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    engine = open_engine(url, 30.0)
    yield Desk(engine)
    engine.dispose()


def ids(desk: Desk, *readers: Reader) -> list[str | None]:
    claimed = [desk.queue.next(reader, KINDS) for reader in readers]
    return [None if item is None else item.item_id for item in claimed]


def test_the_most_urgent_item_comes_first(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1", "urgency": 1.0}, {"item_id": "I-2", "urgency": 3.0})

    assert ids(desk, ANN) == ["I-2"]


def test_two_people_never_have_the_same_item(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"}, {"item_id": "I-2"})

    assert ids(desk, ANN, BOB, Reader("cat", None)) == ["I-1", "I-2", None]
    assert desk.queue.holders() == {"I-1": "ann", "I-2": "bob"}


def test_a_second_tab_shows_the_same_item(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"}, {"item_id": "I-2"})

    assert ids(desk, ANN, ANN) == ["I-1", "I-1"]


def test_the_next_item_is_kept_for_who_looks_at_another_and_comes_after_it(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"}, {"item_id": "I-2"}, {"item_id": "I-3"})
    assert ids(desk, ANN) == ["I-1"]

    kept = [desk.queue.next(ANN, KINDS, after="I-1") for _ in range(2)]

    assert [item.item_id for item in kept if item] == ["I-2", "I-2"]
    assert ids(desk, BOB, ANN) == ["I-3", "I-1"], "a second tab shows what she looks at"
    desk.say(ANN, "I-1")
    assert ids(desk, ANN) == ["I-2"]


def test_a_clock_that_jumps_back_locks_no_item(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    desk.at += timedelta(days=2)
    assert ids(desk, ANN) == ["I-1"]

    desk.at -= timedelta(days=1)

    assert ids(desk, BOB) == ["I-1"]
    assert desk.queue.holders() == {"I-1": "bob"}
    with pytest.raises(StaleError, match="bob has this item now"):
        desk.say(ANN, "I-1")
    assert desk.say(BOB, "I-1").decision_id == 1


def test_a_clock_that_jumps_ahead_takes_an_item_and_loses_no_answer(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    assert ids(desk, ANN) == ["I-1"]
    desk.at += timedelta(days=400)

    with pytest.raises(StaleError, match="take it again to decide it"):
        desk.say(ANN, "I-1")

    desk.queue.take(ANN, "I-1")
    assert desk.say(ANN, "I-1").decision_id == 1


def test_a_claim_ends_and_the_item_is_free(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    assert ids(desk, ANN, BOB) == ["I-1", None]

    desk.at += CLAIM_LASTS

    assert ids(desk, BOB) == ["I-1"]
    with pytest.raises(StaleError, match="Your claim ended and bob has this item now"):
        desk.say(ANN, "I-1")
    with pytest.raises(StaleError, match="bob has this item now"):
        desk.queue.take(ANN, "I-1")


def test_what_is_left_is_free_and_what_was_taken_since_is_kept(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    first = desk.queue.take(ANN, "I-1")
    desk.at += timedelta(seconds=1)
    again = desk.queue.take(ANN, "I-1")

    desk.queue.release(ANN, "I-1", first.expires_at)
    kept = desk.queue.holders()
    desk.queue.release(BOB, "I-1", again.expires_at)
    others = desk.queue.holders()
    for _ in range(2):
        desk.queue.release(ANN, "I-1", again.expires_at)

    assert kept == others == {"I-1": "ann"}
    assert desk.queue.holders() == {}
    assert ids(desk, BOB) == ["I-1"]


def test_a_skipped_item_comes_back_after_an_hour_and_others_have_it_at_once(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)

    desk.queue.skip(ANN, "I-1")

    assert ids(desk, ANN) == [None]
    assert ids(desk, BOB) == ["I-1"]
    desk.queue.release(BOB, "I-1")
    desk.at += SKIP_LASTS
    assert ids(desk, ANN) == ["I-1"]


@pytest.mark.parametrize(
    ("campaigns", "is_seen"),
    [(["spring"], True), (["spring", "autumn"], False), (["spring", None], False), ([None], False)],
)
def test_an_item_is_seen_only_when_all_its_records_are_in_scope(
    desk: Desk, campaigns: list[str | None], is_seen: bool
) -> None:
    desk.publish(1, {"item_id": "I-1", "campaigns": campaigns})

    assert ids(desk, SPRING) == ["I-1" if is_seen else None]
    assert desk.queue.counts(SPRING) == ({"match": 1} if is_seen else {})
    if not is_seen:
        with pytest.raises(StaleError, match="There is no item I-1 that waits for you"):
            desk.queue.take(SPRING, "I-1")


def test_a_verdict_is_a_decision_and_the_item_waits_no_more(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)

    said = desk.say(ANN, "I-1")

    assert said == Said(1, is_replayed=False)
    assert desk.log.read()["item_id"].to_list() == ["I-1"]
    assert ids(desk, ANN) == [None]


def test_a_verdict_that_is_sent_again_is_stored_once(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)

    first = desk.say(ANN, "I-1", verdict_id="v")
    again = desk.say(ANN, "I-1", verdict_id="v")

    assert (first.decision_id, again) == (1, Said(1, is_replayed=True))
    assert desk.log.read().height == 1


def test_a_stale_verdict_is_refused_and_says_who_decided(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)
    desk.say(ANN, "I-1")

    with pytest.raises(StaleError, match=r"ann decided this at 09:00 on 1 Mar \(UTC\): same"):
        desk.say(BOB, "I-1")
    assert desk.log.read().height == 1


def test_a_verdict_without_a_claim_is_refused(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})

    with pytest.raises(StaleError, match="Nobody has this item now: take it again"):
        desk.say(ANN, "I-1")


def test_what_needs_four_eyes_is_decided_when_two_say_the_same(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)

    first = desk.say(ANN, "I-1", needs_second=True)

    assert first.decision_id is None
    assert desk.log.read().is_empty()
    assert ids(desk, ANN) == [None]
    assert ids(desk, BOB) == ["I-1"]
    assert desk.say(BOB, "I-1", needs_second=True).decision_id == 1


def test_two_who_disagree_leave_it_to_a_third(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    for reader, answer in ((ANN, "same"), (BOB, "different")):
        ids(desk, reader)
        said = desk.say(reader, "I-1", answer=answer, needs_second=True)
        assert said.decision_id is None

    third = Reader("cat", None)
    assert ids(desk, ANN, BOB, third) == [None, None, "I-1"]
    assert desk.say(third, "I-1", answer="different", needs_second=True).decision_id == 1


def test_a_reopened_item_is_another_version(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)
    desk.say(ANN, "I-1", verdict_id="v-last")

    assert desk.work.take_back("ann", "v-last") == "I-1"

    item = desk.queue.next(ANN, KINDS)
    assert item is not None
    assert (item.item_id, item.version) == ("I-1", 3)


def test_what_was_taken_back_is_undone_in_the_log_and_once(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)
    desk.say(ANN, "I-1", verdict_id="v-last")

    for _ in range(2):
        desk.work.take_back("ann", "v-last")

    assert desk.log.read()["kind"].to_list() == ["same", "undo"]
    assert [item.version for item in desk.work.waiting(ANN, KINDS, 9)] == [3]


def test_a_verdict_that_waits_for_a_second_person_can_be_taken_back(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)
    desk.say(ANN, "I-1", verdict_id="v-last", needs_second=True)

    desk.work.take_back("ann", "v-last")

    assert ids(desk, ANN) == ["I-1"]
    assert desk.log.read().is_empty()


def test_what_a_run_has_obeyed_waits_again_from_the_next_run_on(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)
    desk.say(ANN, "I-1", verdict_id="v-last")
    desk.publish(2, {"item_id": "I-2"})

    desk.work.take_back("ann", "v-last")

    assert desk.log.read()["kind"].to_list() == ["same", "undo"]
    assert [item.item_id for item in desk.work.waiting(ANN, KINDS, 9)] == ["I-2"]
    desk.publish(3, {"item_id": "I-1"})
    assert [item.item_id for item in desk.work.waiting(ANN, KINDS, 9)] == ["I-1"]


def test_a_decision_is_pending_until_the_next_run(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)
    desk.say(ANN, "I-1")

    before = desk.work.pending(["I-1"])
    desk.publish(2, {"item_id": "I-2"})

    assert before == {"I-1": "ann"}
    assert desk.work.pending(["I-1"]) == {}


def test_who_is_unsure_leaves_it_to_somebody_else_whose_word_is_enough(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)
    unsure = Verdict("v-unsure", "I-1", 1, "unsure", "", needs_second=False)

    assert desk.queue.say(ANN, unsure, None).decision_id is None

    assert ids(desk, ANN, BOB) == [None, "I-1"]
    assert desk.say(BOB, "I-1").decision_id == 1


def test_what_is_escalated_waits_for_administrators_alone(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1", "campaigns": ["spring"]})
    ids(desk, SPRING)

    desk.queue.escalate(SPRING, "I-1")

    assert ids(desk, SPRING, ANN) == [None, "I-1"]


def test_the_list_says_who_has_what_before_them(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1", "urgency": 2.0}, {"item_id": "I-2"})
    ids(desk, ANN)

    listed = desk.work.waiting(BOB, KINDS, 9)

    assert [(item.item_id, item.holder) for item in listed] == [("I-1", "ann"), ("I-2", None)]


def test_a_run_shows_its_items_and_no_others(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"}, {"item_id": "I-2"})
    desk.publish(2, {"item_id": "I-2"}, {"item_id": "I-3", "kind": "conflict"})

    assert desk.queue.counts(ANN) == {"match": 1, "conflict": 1}
    assert live_run(desk.engine) == 2


def test_a_decided_item_is_asked_again_only_when_its_evidence_changed(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)
    desk.say(ANN, "I-1")

    desk.publish(2, {"item_id": "I-1", "urgency": 9.0})
    assert ids(desk, ANN) == [None]
    desk.publish(3, {"item_id": "I-1", "fingerprint": "other"})

    assert ids(desk, ANN) == ["I-1"]


def test_what_is_decided_while_a_run_finds_that_it_is_asked_no_more_stays_decided(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.publish(1, {"item_id": "I-1"}, {"item_id": "I-2"})
    stage = staging._prepare

    def meanwhile(*words: Any) -> None:
        desk.queue.take(ANN, "I-1")
        desk.say(ANN, "I-1")
        stage(*words)

    monkeypatch.setattr(staging, "_prepare", meanwhile)
    desk.publish(2)

    with reading(desk.engine) as connection:
        rows = connection.execute(sa.select(ITEMS).order_by(ITEMS.c.item_id)).all()
    assert [row.state for row in rows] == ["decided", "closed"]


def test_a_closed_question_that_comes_back_is_asked(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    desk.publish(2)
    assert ids(desk, ANN) == [None]

    desk.publish(3, {"item_id": "I-1"})

    assert ids(desk, ANN) == ["I-1"]


def test_what_a_run_that_died_had_staged_is_not_shown(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("update live set run_number = 0")  # as before the switch

    assert ids(desk, ANN) == [None]
    desk.publish(1, {"item_id": "I-2"})

    assert ids(desk, ANN) == ["I-2"]
    assert desk.queue.counts(ANN) == {"match": 1}


def test_what_people_do_while_a_run_stages_its_queue_stays_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("I-1", "I-2", "I-3")
    desk.publish(1, *({"item_id": name} for name in names))
    stage = staging._prepare

    def meanwhile(*words: Any) -> None:
        desk.queue.take(ANN, "I-1")
        desk.say(ANN, "I-1")
        desk.queue.take(ANN, "I-2")
        desk.say(ANN, "I-2", needs_second=True)
        desk.queue.escalate(ANN, "I-3")
        stage(*words)

    monkeypatch.setattr(staging, "_prepare", meanwhile)
    desk.publish(2, *({"item_id": name, "urgency": 2.0} for name in names))

    with reading(desk.engine) as connection:
        rows = connection.execute(sa.select(ITEMS).order_by(ITEMS.c.item_id)).all()
    assert [(row.state, row.urgency) for row in rows] == [
        ("decided", 2.0),
        ("second_look", 2.0),
        ("open", 2.0),
    ]
    assert rows[2].assigned_to == ADMINISTRATORS


def test_a_verdict_on_an_item_whose_evidence_changed_meanwhile_is_refused(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    ids(desk, ANN)

    desk.publish(2, {"item_id": "I-1", "fingerprint": "other"})

    with pytest.raises(StaleError, match="not as you saw it"):
        desk.say(ANN, "I-1")


@pytest.mark.parametrize("reader", [ANN, SPRING])
def test_the_next_item_is_found_without_sorting_those_that_wait(
    reader: Reader, tmp_path: Path
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'state.sqlite'}", 5)
    desk = Desk(engine)
    desk.publish(1, *({"item_id": f"I-{number}"} for number in range(1_000)))
    asked = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _(con: object, cur: object, text: str, values: object, *_: object) -> None:
        asked.append((text, values))

    desk.queue.next(reader, KINDS)

    ((text, values),) = [one for one in asked if "ORDER BY items.urgency" in one[0]]
    with engine.connect() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all())
    engine.dispose()
    assert "items_that_wait" in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan


def test_a_long_queue_is_counted_now_and_then(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.state.counting.LONG", 2)
    desk.publish(1, {"item_id": "I-1"}, {"item_id": "I-2"})
    before = desk.queue.counts(ANN)
    desk.publish(2, {"item_id": "I-1"})

    at_once = desk.queue.counts(ANN)
    of_somebody_else = desk.queue.counts(BOB)
    desk.at += COUNT_LASTS

    assert (before, at_once, of_somebody_else) == ({"match": 2}, {"match": 2}, {"match": 2})
    assert (desk.queue.counts(ANN), desk.queue.counts(BOB)) == ({"match": 1}, {"match": 1})


@pytest.fixture
def shrunk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> tuple[Queue, list[Callable[[], object]]]:
    """A long queue that Ann was told of before one of two items went, and what is counted soon."""
    monkeypatch.setattr("store.state.counting.LONG", 2)
    soon: list[Callable[[], object]] = []
    queue = Queue(desk.engine, lambda: desk.at, beside=soon.append)
    desk.publish(1, {"item_id": "I-1"}, {"item_id": "I-2"})
    queue.counts(ANN)
    desk.publish(2, {"item_id": "I-1"})
    return queue, soon


def test_a_long_queue_is_counted_anew_while_nobody_waits_for_it(
    desk: Desk, shrunk: tuple[Queue, list[Callable[[], object]]]
) -> None:
    queue, soon = shrunk
    desk.at += COUNT_LASTS

    told = [queue.counts(ANN) for _ in range(2)]
    (count_anew,) = soon
    count_anew()

    assert told == [{"match": 2}, {"match": 2}]
    assert queue.counts(ANN) == {"match": 1}


def test_a_long_queue_is_counted_once_for_all_of_the_same_campaigns(
    desk: Desk, shrunk: tuple[Queue, list[Callable[[], object]]]
) -> None:
    queue, soon = shrunk
    desk.at += COUNT_LASTS

    told = queue.counts(BOB)
    of_another_campaign = queue.counts(BOB._replace(campaigns=frozenset({"autumn"})))
    of_a_manager = queue.counts(BOB._replace(only_accounts=True))
    queue.counts(ANN)
    (count_anew,) = soon
    count_anew()

    assert told == {"match": 2}
    assert (of_another_campaign, of_a_manager) == ({}, {"match": 1})
    assert queue.counts(ANN) == queue.counts(BOB) == {"match": 1}


def test_what_is_counted_for_many_at_once_is_what_each_of_them_sees(desk: Desk) -> None:
    ann, bob = (reader._replace(campaigns=SPRING.campaigns) for reader in (ANN, BOB))
    readers = [ann, bob, ANN, *(one._replace(only_accounts=True) for one in (ann, bob))]
    readers.append(ann._replace(campaigns=frozenset({"autumn"})))
    desk.publish(1, *({"item_id": f"I-{number}"} for number in range(9)))
    later = to_text(desk.at + timedelta(days=1))
    with writing(desk.engine) as connection:
        for item_id, told in {
            "I-0": {"assigned_to": "ann", "kind": "cluster"},
            "I-1": {"assigned_to": "administrators"},
            "I-2": {"manager": "bob", "manager_until": later},
            "I-3": {"manager": "bob", "manager_until": to_text(desk.at)},
        }.items():
            connection.execute(sa.update(ITEMS).where(ITEMS.c.item_id == item_id).values(**told))
    for item_id in ("I-4", "I-5"):
        desk.queue.take(ann, item_id)
        desk.say(ann, item_id, needs_second=True)

    told = [desk.queue.counts(reader) for reader in readers]

    for reader, counts in zip(readers, told, strict=True):
        with reading(desk.engine) as connection:
            kinds = [row.kind for row in connection.execute(visible(reader, desk.at))]
        assert counts == {kind: kinds.count(kind) for kind in kinds}
    assert [sum(counts.values()) for counts in told] == [5, 7, 7, 0, 2, 0]


def test_how_long_a_verdict_took_counts_from_when_the_one_before_was_given(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"}, {"item_id": "I-2"})
    began = desk.at
    desk.queue.take(ANN, "I-1")
    desk.at = began + CLAIM_LASTS
    for item_id in ("I-1", "I-2"):  # the second one ahead
        desk.queue.take(ANN, item_id)
    for item_id in ("I-1", "I-2"):
        desk.at += timedelta(seconds=8)
        desk.say(ANN, item_id)

    workload = Workload(desk.engine, lambda: desk.at)

    assert workload.seconds_taken(began) == [8.0, 8.0]
    assert workload.seconds_taken(began, "bob") == []
    assert workload.seconds_taken(desk.at + timedelta(seconds=1)) == []
