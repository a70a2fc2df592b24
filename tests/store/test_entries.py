"""What was typed at the desk waits for a steward, whatever a run publishes meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import rules
from rules.decision import Entry, NewDecision
from rules.queues import Queues
from store.rulebook import read_rule
from store.state.engine import open_engine
from store.state.entries import ENTRY, Entries, NewEntry
from store.state.given import key_of
from store.state.queue import Queue
from store.state.scope import Reader
from store.state.staging import carry_over, publish_queue
from store.state.striking import Struck, said, strike
from store.state.verdicts import Verdict
from store.state.work import Work
from tests.store.test_queue import frame

QUEUES = read_rule(Path(rules.__file__).parent / "queues.toml", Queues)
NOON = "2026-03-01T00:00:00Z"
BOTH = Reader("stan", frozenset({"spring", "dach"}))
SPRING = Reader("sue", frozenset({"spring"}))


class Desk:
    """A queue with one entry in it, and a clock that a test moves."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.at = datetime(2026, 3, 1, 9, tzinfo=UTC)
        self.queue = Queue(engine, lambda: self.at)
        self.work = Work(engine, lambda: self.at)
        self.entries = Entries(engine, lambda: self.at)
        publish_queue(engine, frame({"item_id": "I-1"}), 1, NOON)
        self.entries.hand_over("eve", ENTERED, QUEUES)

    def waiting(self, reader: Reader) -> list[str]:
        waiting = self.work.waiting(reader, ("match", ENTRY), 9)
        return sorted(one.item_id for one in waiting)

    def verdict(self, answer: str = "discard", version: int = 1) -> Verdict:
        name = f"v-{answer}-{version}"
        return Verdict(name, "E-1", version, answer, "a reason", needs_second=False)

    def discard(self) -> None:
        self.queue.take(BOTH, "E-1")
        verdict = self.verdict()
        decision = NewDecision(
            decided_by=BOTH.name,
            kind="discard",
            subject=Entry(record_id="desk_entry:k"),
            item_id="E-1",
            snapshot_run_id="R0001",
            idempotency_key=key_of(verdict.verdict_id),
        )
        self.queue.say(BOTH, verdict, decision)


ENTERED = NewEntry(
    item_id="E-1",
    entry_id="k",
    source="desk_entry",
    campaign="spring",
    content='{"email": "zoe@nagy.hu"}',
    fingerprint="f",
    record_id="members:M1",
    campaigns=frozenset({"spring", "dach"}),
    accounts=frozenset({"campaign:dach", "source:members"}),
    customer_id="C1-1",
)


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    engine = open_engine(url, 30.0)
    yield Desk(engine)
    engine.dispose()


def content(desk: Desk) -> str:
    found = desk.entries.of("E-1")
    assert found is not None
    return found.content


def test_an_entry_waits_for_those_who_see_both_campaigns(desk: Desk) -> None:
    assert desk.waiting(BOTH) == ["E-1", "I-1"]
    assert desk.waiting(SPRING) == ["I-1"]
    assert desk.waiting(Reader("root", None)) == ["E-1", "I-1"]


def test_it_is_there_once_however_often_it_is_sent(desk: Desk) -> None:
    desk.entries.hand_over("eve", ENTERED, QUEUES)

    assert desk.waiting(BOTH).count("E-1") == 1


def test_no_run_takes_it_away(desk: Desk) -> None:
    publish_queue(desk.engine, frame({"item_id": "I-2"}), 2, NOON)
    carry_over(desk.engine, 3, NOON)

    assert desk.waiting(BOTH) == ["E-1", "I-2"]
    assert content(desk) == ENTERED.content
    with desk.engine.connect() as connection:
        rows = connection.exec_driver_sql("select item_id from item_customers order by item_id")
        assert {str(item) for item in rows.scalars()} == {"E-1", "I-2"}


def test_what_was_typed_goes_with_the_run_that_follows_the_answer(desk: Desk) -> None:
    desk.discard()
    before = content(desk)
    carry_over(desk.engine, 2, NOON)

    told = desk.entries.answered("E-1")
    assert before == ENTERED.content
    assert content(desk) == ""
    assert told is not None
    assert (told.answer, told.because) == ("discard", "a reason")


def test_an_answer_that_is_taken_back_lets_it_wait_again(desk: Desk) -> None:
    desk.discard()

    desk.work.take_back("stan", "v-discard-1")

    assert desk.waiting(BOTH) == ["E-1", "I-1"]
    told = desk.entries.answered("E-1")
    assert told is not None
    assert told.answer == ""


def test_nobody_lets_in_what_is_not_before_them_or_not_as_they_saw_it(desk: Desk) -> None:
    alone = desk.entries.let_in(BOTH, desk.verdict("same"))
    desk.queue.take(BOTH, "E-1")
    stale = desk.entries.let_in(BOTH, desk.verdict("same", version=2))
    twice = desk.entries.let_in(BOTH, desk.verdict("same")._replace(needs_second=True))
    theirs = desk.entries.let_in(BOTH, desk.verdict("same"))

    assert [alone, stale, twice, theirs] == [False, False, False, True]
    assert desk.entries.let_in_of(frozenset({"spring"})) == {"desk_entry:k"}
    assert desk.entries.let_in_of(frozenset({"dach"})) == set()


def test_an_entry_goes_with_the_person_whom_it_is_about(desk: Desk, url: str) -> None:
    told = [one for one in said(url) if one[0] == "entry"]

    strike(url, Struck([], [], [], ["E-1"]), lambda _, subject: subject)

    assert told == [("entry", "E-1", "members:M1", ENTERED.content)]
    assert content(desk) == ""
    assert desk.waiting(BOTH) == ["I-1"]


def test_it_goes_up_when_nobody_answers(desk: Desk) -> None:
    desk.at += timedelta(days=3)

    assert [one.item_id for one in desk.work.past_due(BOTH, (ENTRY,), 9)] == ["E-1"]
