"""Drafts are their author's alone, end after a month, and go with the person they tell of."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from store.state.drafts import LASTS, MOST, Drafts, TooManyDraftsError
from store.state.engine import open_engine
from store.state.striking import Struck, said, strike

ZOE = {"first_name": "Zoë", "last_name": "Nagy"}


class Desk:
    """Drafts with a clock that a test moves."""

    def __init__(self, engine: sa.Engine) -> None:
        self.at = datetime(2026, 3, 1, 9, tzinfo=UTC)
        self.drafts = Drafts(engine, lambda: self.at)


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    engine = open_engine(url, 30.0)
    yield Desk(engine)
    engine.dispose()


def test_a_draft_that_is_kept_again_is_one(desk: Desk) -> None:
    desk.drafts.keep("eve", "one", {"first_name": "Zoë"})
    desk.at += timedelta(minutes=1)
    desk.drafts.keep("eve", "one", ZOE)

    assert [one.typed for one in desk.drafts.of_person("eve")] == [ZOE]


def test_nobody_else_has_it(desk: Desk) -> None:
    desk.drafts.keep("eve", "one", ZOE)
    desk.drafts.drop("ann", "one")

    assert desk.drafts.find("ann", "one") is None
    assert desk.drafts.find("eve", "one") is not None


def test_it_ends_after_a_month(desk: Desk) -> None:
    desk.drafts.keep("eve", "one", ZOE)
    desk.at += LASTS + timedelta(seconds=1)
    before = desk.drafts.of_person("eve")
    desk.drafts.keep("ann", "two", ZOE)
    desk.at -= timedelta(days=2)

    assert before == []
    assert desk.drafts.of_person("eve") == []


def test_there_are_so_many_and_no_more(desk: Desk) -> None:
    for number in range(MOST):
        desk.drafts.keep("eve", str(number), ZOE)
    desk.drafts.keep("eve", "0", ZOE)

    with pytest.raises(TooManyDraftsError, match="finish or discard"):
        desk.drafts.keep("eve", "another", ZOE)


def test_it_goes_with_the_person_whom_it_tells_of(desk: Desk, url: str) -> None:
    desk.drafts.keep("eve", "one", ZOE)
    desk.drafts.keep("eve", "two", {"last_name": "Other"})
    told = [one for one in said(url) if one[0] == "draft" and "Zoë Nagy" in one[3]]

    strike(url, Struck([], [], [], drafts=[name for _, name, _, _ in told]), lambda _, text: text)

    assert [one.draft_id for one in desk.drafts.of_person("eve")] == ["two"]
