"""Items about the customers of an account manager are theirs first, and go up when past due."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import rules
from rules.queues import Queues
from store.rulebook import read_rule
from store.state.audit import Audit
from store.state.engine import open_engine
from store.state.escalation import escalate_due
from store.state.passwords import UserError
from store.state.people import People, User
from store.state.scope import Reader
from tests.store.test_queue import Desk, ids

QUEUES = read_rule(Path(rules.__file__).parent / "queues.toml", Queues)
SPRING = frozenset({"spring"})
STAN = Reader("stan", SPRING)
MONA = Reader("mona", SPRING, only_accounts=True)
ADAM = Reader("adam", None)
FRESH = {
    "opened_at": "2026-03-01T00:00:00.000000Z",
    "manager_until": "2026-03-03T00:00:00.000000Z",
    "due_at": "2026-03-08T00:00:00.000000Z",
}


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    engine = open_engine(url, 30.0)
    yield Desk(engine)
    engine.dispose()


def people(desk: Desk) -> People:
    return People(desk.engine, lambda: desk.at)


def mona(*accounts: str, campaigns: frozenset[str] = SPRING) -> User:
    functions = frozenset({"account_manager"})
    return User("mona", "editor", True, campaigns, frozenset(), functions, frozenset(accounts))  # type: ignore[arg-type]  # of those there are


def test_the_manager_has_her_customers_alone_and_then_with_all(desk: Desk) -> None:
    people(desk).add(mona("source:crm"))
    desk.publish(1, {"item_id": "I-1", **FRESH})

    before = ids(desk, STAN, ADAM, MONA)
    desk.queue.release(MONA, "I-1")
    desk.at += timedelta(days=2)
    after = ids(desk, STAN)

    assert before == [None, None, "I-1"]
    assert after == ["I-1"]


def test_a_manager_answers_for_her_own_customers_alone(desk: Desk) -> None:
    people(desk).add(mona("source:crm"))
    desk.publish(1, {"item_id": "I-1", "accounts": ["source:erp"], **FRESH})

    assert ids(desk, MONA, STAN) == [None, "I-1"]
    assert desk.queue.counts(MONA) == {}


def test_nobody_is_manager_of_what_they_may_not_see_whole(desk: Desk) -> None:
    people(desk).add(mona("source:crm"))
    desk.publish(1, {"item_id": "I-1", "campaigns": ["spring", "autumn"], **FRESH})
    both = Reader("bea", frozenset({"spring", "autumn"}))

    assert desk.work.manager_of("I-1") is None
    assert ids(desk, MONA, both) == [None, "I-1"]


def test_another_grant_takes_effect_at_once(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1", **FRESH})
    known = people(desk)
    known.add(mona("campaign:autumn"))
    managers = [desk.work.manager_of("I-1")]

    known.change(mona("campaign:spring"))
    managers.append(desk.work.manager_of("I-1"))
    known.change(mona("campaign:spring")._replace(is_active=False))
    managers.append(desk.work.manager_of("I-1"))

    assert managers == [None, "mona", None]


def test_the_first_by_name_is_the_manager_of_a_customer_of_two(desk: Desk) -> None:
    known = people(desk)
    known.add(mona("source:crm"))
    known.add(mona("source:crm")._replace(name="lena"))

    desk.publish(1, {"item_id": "I-1", **FRESH})

    assert desk.work.manager_of("I-1") == "lena"


def test_the_manager_of_a_customer_comes_before_that_of_its_source(desk: Desk) -> None:
    known = people(desk)
    known.add(mona("customer:C1-2"))
    known.add(mona("source:crm")._replace(name="lena"))

    desk.publish(1, {"item_id": "I-1"}, {"item_id": "I-2", "customers": ["C1-7"]})

    assert (desk.work.manager_of("I-1"), desk.work.manager_of("I-2")) == ("mona", "lena")


def test_a_customer_is_given_and_taken_at_once(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    known = people(desk)
    known.add(mona("customer:C1-1"))
    managers = [desk.work.manager_of("I-1")]

    known.change(mona("customer:C9-9"))
    managers.append(desk.work.manager_of("I-1"))

    assert managers == ["mona", None]


def test_an_item_about_another_customer_than_before_has_another_manager(desk: Desk) -> None:
    people(desk).add(mona("customer:C1-1"))
    desk.publish(1, {"item_id": "I-1"})

    desk.publish(2, {"item_id": "I-1", "customers": ["C1-3"]})

    assert desk.work.manager_of("I-1") is None


def test_the_manager_of_a_customer_must_see_it_whole(desk: Desk) -> None:
    people(desk).add(mona("customer:C1-1"))

    desk.publish(1, {"item_id": "I-1", "campaigns": ["spring", "autumn"]})

    assert desk.work.manager_of("I-1") is None


def test_an_account_that_is_none_is_refused(desk: Desk) -> None:
    with pytest.raises(UserError, match=r"source:NAME or customer:ID; spring is none"):
        people(desk).add(mona("spring"))


def test_what_is_past_due_goes_to_the_manager_and_then_to_administrators(desk: Desk) -> None:
    people(desk).add(mona("source:crm"))
    desk.publish(1, {"item_id": "I-1", **FRESH}, {"item_id": "I-2", **FRESH, "accounts": []})
    due = datetime(2026, 3, 8, tzinfo=UTC)
    after_due = [timedelta(0), timedelta(minutes=1), timedelta(minutes=2), timedelta(days=8)]

    went = [escalate_due(desk.engine, QUEUES, due + after) for after in after_due]

    first, last = Counter(account_manager=1), Counter(administrator=2)
    assert went == [Counter(), first, Counter(), last]
    noted = [(row.user_name, row.action, row.detail) for row in _about(desk, "I-1")]
    levels = ["account_manager", "administrator"]
    assert noted == [("touchstone", "past_due", level) for level in levels]


def test_what_went_up_is_taken_from_nobody_and_listed_longest_overdue_first(desk: Desk) -> None:
    late = {**FRESH, "due_at": "2026-03-02T00:00:00.000000Z"}
    later = {**FRESH, "due_at": "2026-03-05T00:00:00.000000Z", "urgency": 9.0}
    desk.publish(1, {"item_id": "I-1", **late}, {"item_id": "I-2", **later}, {"item_id": "I-3"})
    desk.at = datetime(2026, 3, 20, tzinfo=UTC)
    escalate_due(desk.engine, QUEUES, desk.at)

    found = desk.work.past_due(STAN, ("match",), 10)

    assert [one.item_id for one in found] == ["I-3", "I-1", "I-2"]
    assert {one.escalated_to for one in found} == {"administrator"}


def test_an_item_that_is_asked_anew_begins_below(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1", **FRESH})
    escalate_due(desk.engine, QUEUES, datetime(2026, 4, 1, tzinfo=UTC))

    desk.publish(2, {"item_id": "I-1", **FRESH, "fingerprint": "g"})

    found = desk.work.find(STAN, "I-1")
    assert found is not None
    assert found.escalated_to is None


def _about(desk: Desk, item_id: str) -> list[object]:
    return list(Audit(desk.engine, lambda: desk.at).about(item_id))
