"""Many items answered at once: two people, an entry for each, and one undo."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from rules.decision import NewDecision, Same
from store.state.bulk import Alike, Batch, Bulk, verdict_of
from store.state.engine import open_engine
from store.state.given import key_of
from store.state.scope import Reader
from tests.store.test_queue import ANN, BOB, SPRING, Desk, ids

ALL = ("I-1", "I-2", "I-3")
CAT = Reader("cat", None)


class BulkDesk(Desk):
    """A queue of three items that are alike."""

    def __init__(self, url: str) -> None:
        super().__init__(open_engine(url, 30.0))
        self.bulk = Bulk(self.engine, lambda: self.at)
        self.publish(1, *({"item_id": item} for item in ALL))

    def answer(self, reader: Reader, answer: str = "same", first: str = "", *without: str) -> str:
        batch_id = str(uuid4())
        found = self.bulk.left_of(reader, first) if first else self.free(reader)
        chosen = [item for item in found if item.item_id not in without]
        batch = Batch(batch_id, first or batch_id, reader.name, self.at, answer, "", "p")
        self.bulk.say(reader, batch, {item: decision(reader, batch, item) for item in chosen})
        return batch_id

    def free(self, reader: Reader) -> list[Alike]:
        return self.bulk.open_among(reader, set(ALL), 10)


def decision(reader: Reader, batch: Batch, item: Alike) -> NewDecision:
    return NewDecision(
        decided_by=reader.name,
        kind="same",
        subject=Same(records=("crm:1", f"crm:{item.item_id}")),
        item_id=item.item_id,
        snapshot_run_id="R0001",
        idempotency_key=key_of(verdict_of(batch.batch_id, item.item_id)),
    )


@pytest.fixture
def desk(url: str) -> Iterator[BulkDesk]:
    made = BulkDesk(url)
    yield made
    made.engine.dispose()


def test_one_person_alone_decides_nothing(desk: BulkDesk) -> None:
    batch_id = desk.answer(ANN)

    assert desk.log.read().height == 0
    assert desk.bulk.count_of(batch_id) == (3, 0, 3)
    assert desk.bulk.waiting(ANN, 10) == []
    assert desk.bulk.waiting(BOB, 10) == [(batch_id, 3)]


def test_two_who_say_the_same_decide_each_item_with_an_entry_of_its_own(desk: BulkDesk) -> None:
    first = desk.answer(ANN)

    second = desk.answer(BOB, "same", first)

    stored = desk.log.read()
    assert stored["item_id"].to_list() == list(ALL)
    assert stored["decided_by"].unique().to_list() == ["bob"]
    assert desk.bulk.count_of(second) == (3, 3, 0)
    assert ids(desk, CAT) == [None]


def test_two_who_disagree_leave_it_to_a_third(desk: BulkDesk) -> None:
    first = desk.answer(ANN)
    desk.answer(BOB, "different", first)
    undecided = desk.log.read().height

    desk.answer(CAT, "same", first)

    assert undecided == 0
    assert desk.log.read().height == 3


def test_the_same_answer_sent_twice_is_stored_once(desk: BulkDesk) -> None:
    first = desk.answer(ANN)
    left = desk.bulk.left_of(BOB, first)
    batch = Batch(str(UUID(int=7)), first, "bob", desk.at, "same", "", "p")
    entries = {item: decision(BOB, batch, item) for item in left}

    counts = [desk.bulk.say(BOB, batch, entries) for _ in range(2)]

    assert counts == [3, 3]
    assert desk.log.read().height == 3


def test_what_somebody_has_or_what_changed_meanwhile_is_left_out(desk: BulkDesk) -> None:
    found = desk.free(ANN)
    desk.queue.take(BOB, "I-1")
    desk.publish(2, *({"item_id": item} for item in ALL[:2]), {"item_id": "I-3", "urgency": 2.0})
    desk.publish(3, *({"item_id": item} for item in ALL[:2]))
    batch = Batch(str(uuid4()), "", "ann", desk.at, "same", "", "p")
    stale = {Alike("I-2", 9): decision(ANN, batch, found[1])}
    entries = {item: decision(ANN, batch, item) for item in found} | stale

    count = desk.bulk.say(ANN, batch._replace(first_batch_id=batch.batch_id), entries)

    assert count == 1
    assert [item.item_id for item in desk.free(ANN)] == []
    assert desk.queue.holders() == {"I-1": "bob"}


def test_an_item_left_out_stays_in_the_queue(desk: BulkDesk) -> None:
    desk.answer(ANN, "same", "", "I-2")

    assert [item.item_id for item in desk.free(ANN)] == ["I-2"]


def test_nobody_answers_at_once_what_they_may_not_see(desk: BulkDesk) -> None:
    desk.publish(2, {"item_id": "I-1"}, {"item_id": "I-2", "campaigns": ["spring", "autumn"]})
    first = desk.answer(ANN)

    assert desk.free(SPRING) == []
    assert [item.item_id for item in desk.bulk.left_of(SPRING, first)] == ["I-1"]
    assert desk.bulk.waiting(SPRING, 10) == [(first, 1)]
    assert desk.bulk.is_in_scope(Reader("x", frozenset({"winter"})), first) is False


def test_an_answer_that_waits_is_taken_back_whole(desk: BulkDesk) -> None:
    first = desk.answer(ANN)

    desk.bulk.take_back("ann", first)

    assert [item.item_id for item in desk.free(BOB)] == list(ALL)
    assert desk.bulk.waiting(BOB, 10) == []


def test_what_two_decided_is_taken_back_whole(desk: BulkDesk) -> None:
    second = desk.answer(BOB, "same", desk.answer(ANN))

    counts = [desk.bulk.take_back("bob", second) for _ in range(2)]

    kinds = desk.log.read()["kind"].to_list()
    assert kinds == ["same"] * 3 + ["undo"] * 3
    assert counts == [3, 3]
    assert [item.item_id for item in desk.free(CAT)] == list(ALL)
