"""An item whose customer was asked waits until a day, and no longer than there is a reason to."""

from datetime import UTC, date, datetime, timedelta

import pytest

from rules.queues import Queues
from store.state.asking import Asking
from store.state.audit import Audit
from store.state.escalation import escalate_due
from store.state.queue import StaleError
from store.state.workload import Workload
from tests.store.test_queue import ANN, BOB, KINDS, Desk, desk

__all__ = ["desk"]

UNTIL = date(2026, 3, 9)
BACK = datetime(2026, 3, 9, tzinfo=UTC)
STEPS = [{"to": "administrator", "after_days": 2}]
QUEUES = Queues.model_validate(
    {
        kind: {"title": kind, "stake": 2.0, "due_days": 7, "escalation": STEPS}
        for kind in ("match", "cluster", "conflict", "quarantine", "delivery")
    }
)


def asked(desk: Desk, until: date = UNTIL) -> Asking:
    """Ann asks the customer of the first of two items."""
    desk.publish(1, {"item_id": "I-1", "urgency": 9.0}, {"item_id": "I-2"})
    desk.queue.take(ANN, "I-1")
    asking = Asking(desk.engine, lambda: desk.at)
    asking.ask(ANN, "I-1", until, "Which number do you use now?")
    return asking


def listed(desk: Desk) -> list[str]:
    return [one.item_id for one in desk.work.waiting(BOB, KINDS, 10)]


def test_who_asked_and_what_and_until_when_is_kept(desk: Desk) -> None:
    asking = asked(desk)

    found = asking.of("I-1")
    (comment,) = desk.work.comments("I-1")

    assert found is not None
    assert (found.user_name, found.asked_at, found.until) == ("ann", desk.at, BACK)
    assert (comment.user_name, comment.said_at) == ("ann", desk.at)
    assert comment.text == "Asked the customer, until 9 Mar 2026: Which number do you use now?"
    noted = Audit(desk.engine, lambda: desk.at).about("I-1")
    assert [(one.user_name, one.action, one.detail) for one in noted][-1] == (
        "ann",
        "ask_customer",
        "2026-03-09",
    )


def test_until_its_day_nobody_is_handed_the_item(desk: Desk) -> None:
    asking = asked(desk)

    taken = [desk.queue.next(reader, KINDS) for reader in (ANN, BOB)]

    assert [one.item_id if one else None for one in taken] == ["I-2", None]
    assert listed(desk) == ["I-2"]
    assert desk.queue.counts(BOB) == {"match": 1}
    assert [one.item_id for one in desk.work.asked(BOB, KINDS, 10)] == ["I-1"]
    assert asking.count(BOB, KINDS) == 1
    assert len(Workload(desk.engine, lambda: desk.at).waiting(None)) == 1


def test_on_its_day_it_waits_for_stewards_again(desk: Desk) -> None:
    asking = asked(desk)
    desk.at = BACK - timedelta(seconds=1)
    before = listed(desk)
    desk.at = BACK

    taken = desk.queue.next(BOB, KINDS)

    assert before == ["I-2"]
    assert taken is not None
    assert taken.item_id == "I-1"
    assert asking.count(BOB, KINDS) == 0
    assert asking.of("I-1") is not None  # the page still says who asked


def test_new_evidence_brings_it_back_before(desk: Desk) -> None:
    asking = asked(desk)

    desk.publish(2, {"item_id": "I-1", "urgency": 9.0, "fingerprint": "g"}, {"item_id": "I-2"})

    assert listed(desk) == ["I-1", "I-2"]
    assert asking.of("I-1") is None


def test_a_night_without_new_evidence_leaves_it_away(desk: Desk) -> None:
    asked(desk)

    desk.publish(2, {"item_id": "I-1", "urgency": 8.0}, {"item_id": "I-2"})

    assert listed(desk) == ["I-2"]


def test_it_is_brought_back_by_hand_and_once(desk: Desk) -> None:
    asking = asked(desk)

    asking.bring_back(BOB, "I-1")
    asking.bring_back(BOB, "I-1")

    noted = Audit(desk.engine, lambda: desk.at).about("I-1")
    assert listed(desk) == ["I-1", "I-2"]
    assert [one.action for one in noted].count("bring_back") == 1


def test_whoever_has_the_answer_decides_it_before_its_day(desk: Desk) -> None:
    asking = asked(desk)
    desk.queue.take(BOB, "I-1")

    said = desk.say(BOB, "I-1")

    assert said.decision_id == 1
    assert asking.of("I-1") is None


def test_who_does_not_have_the_item_cannot_send_it_away(desk: Desk) -> None:
    desk.publish(1, {"item_id": "I-1"})
    desk.queue.take(BOB, "I-1")

    with pytest.raises(StaleError):
        Asking(desk.engine, lambda: desk.at).ask(ANN, "I-1", UNTIL, "?")

    assert desk.queue.counts(ANN) == {"match": 1}
    assert desk.work.comments("I-1") == []


def test_what_customers_are_asked_about_is_not_late_and_goes_up_from_its_day(desk: Desk) -> None:
    """It was due on 8 February; two days late it goes to administrators."""
    asked(desk)
    late = desk.work.past_due(BOB, KINDS, 10)

    went = [
        escalate_due(desk.engine, QUEUES, BACK + timedelta(days=days, minutes=1))
        for days in (-1, 1, 2)
    ]

    assert [one.item_id for one in late] == ["I-2"]
    assert [one["administrator"] for one in went] == [1, 0, 1]
