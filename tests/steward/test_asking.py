"""The customer is asked from the page of an item, which comes back with what was asked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from store.settings import Settings
from tests.steward.desks import Office, office
from tests.steward.test_desk import follow, item_of

TODAY = datetime.now(UTC).date()
NEXT_WEEK = (TODAY + timedelta(days=7)).isoformat()


@pytest.fixture
def desk(seeded: Settings) -> Iterator[Office]:
    with office(seeded) as started:
        yield started


def test_an_item_leaves_the_queue_until_its_day_and_says_who_asked(desk: Office) -> None:
    ann, bob = (desk.person(name, "administrator") for name in ("ann", "bob"))
    page = follow(ann, "/conflicts")
    item = item_of(page)

    answer = ann.post(f"/items/{item}/ask", text="Which <b>address</b>?", until=NEXT_WEEK)

    listed, left = follow(bob, "/conflicts?tab=asked"), follow(bob, "/conflicts")
    assert f'value="{NEXT_WEEK}"' in page.text  # the usual day stands there
    assert answer.status_code == 303
    assert item not in answer.headers["location"]
    assert f"/items/{item}" not in left.text
    assert "1 with customers" in left.text
    assert item_of(listed) == item
    assert "ann asked the customer" in listed.text
    assert "Which &lt;b&gt;address&lt;/b&gt;?" in listed.text


def test_it_is_brought_back_when_the_answer_is_there(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    item = item_of(follow(ann, "/queue"))
    ann.post(f"/items/{item}/ask", text="Is this you?", until=NEXT_WEEK)

    follow(ann, "/queue?tab=asked")
    answer = ann.post(f"/items/{item}/back")

    assert answer.headers["location"] == f"/items/{item}"
    assert "with customers" not in follow(ann, "/queue").text


@pytest.mark.parametrize(
    ("days", "text", "says"),
    [
        (0, "Which?", "Choose a day from tomorrow on"),
        (367, "Which?", "Choose a day from tomorrow on"),
        (None, "Which?", "Choose a day from tomorrow on"),
        (7, " ", "Write what you ask the customer."),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays(
    desk: Office, days: int | None, text: str, says: str
) -> None:
    ann = desk.person("ann", "administrator")
    item = item_of(follow(ann, "/queue"))
    until = "some day" if days is None else (TODAY + timedelta(days=days)).isoformat()

    page = ann.post(f"/items/{item}/ask", text=text, until=until)

    assert page.status_code == 422
    assert says in page.text
    assert f'value="{text.strip()}"' in page.text
    assert desk.desk.state.asking.of(item) is None


def test_there_is_no_customer_to_ask_about_a_row_or_a_delivery(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/held")

    answer = ann.post(f"/items/{item_of(page)}/ask", text="Which?", until=NEXT_WEEK)

    assert "Ask the customer" not in page.text
    assert answer.status_code == 404


def test_who_may_not_answer_an_item_cannot_send_it_away(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    vera = desk.person("vera", "viewer", datasets=("web_signup",))
    item = item_of(follow(ann, "/queue"))

    answer = vera.post(f"/items/{item}/ask", text="Which?", until=NEXT_WEEK)

    assert answer.status_code in {403, 404}
    assert desk.desk.state.asking.of(item) is None
