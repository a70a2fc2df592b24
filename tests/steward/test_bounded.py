"""What a page asks of the state database does not grow with the queue."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from store.settings import Settings
from store.state.scope import Reader
from tests.steward.desks import office
from tests.steward.test_desk import follow, item_of, say

MOST = 32


@contextmanager
def counted(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements that are sent meanwhile, without where transactions begin and end."""
    sent: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", ["/queue", "/conflicts", "/held", "/customers", "/dashboard"])
def test_a_page_asks_few_questions(seeded: Settings, path: str) -> None:
    with office(seeded) as desk:
        adam = desk.person("adam", "administrator")
        engine = desk.desk.state.engine
        page = follow(adam, path)
        with counted(engine) as sent:
            follow(adam, path)
        waiting = sum(desk.desk.state.queue.counts(Reader("adam", None)).values())

    assert page.status_code == 200
    assert waiting > MOST
    assert 0 < len(sent) <= MOST


def test_a_verdict_asks_few_questions(seeded: Settings) -> None:
    with office(seeded) as desk:
        adam = desk.person("adam", "administrator")
        page = follow(adam, "/queue")
        with counted(desk.desk.state.engine) as sent:
            answer = say(adam, page, "different")

    assert answer.headers["location"].rpartition("/")[2] != item_of(page)
    assert 0 < len(sent) <= MOST
