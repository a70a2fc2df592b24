"""What a page asks of the state database does not grow with the queue."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from steward.desk.index import prepare
from store.opened import Snapshot
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


def test_who_works_the_queue_does_not_wait_with_those_who_search(
    seeded: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_laid_out = threading.Event()

    def when_laid_out(snapshot: Snapshot) -> None:
        is_laid_out.wait(30)
        prepare(snapshot)

    monkeypatch.setattr("steward.desk.finding.prepare", when_laid_out)
    with office(seeded) as desk:
        adam = desk.person("adam", "administrator")
        threads = desk.app.state.threads
        where = adam.post("/customers", q="smith").headers["location"]

        async def at_once() -> tuple[int, list[bool], list[int]]:
            asked = [asyncio.ensure_future(adam.ask(where)) for _ in range(12)]
            while not threads.searching.statistics().tasks_waiting:
                await asyncio.sleep(0)
            page = await asyncio.wait_for(adam.ask("/queue"), 20)
            are_found = [one.done() for one in asked]
            is_laid_out.set()
            found = await asyncio.gather(*asked)
            return page.status_code, are_found, [one.status_code for one in found]

        led_on, are_found, found = desk.loop.run_until_complete(at_once())

    assert (led_on, any(are_found)) == (303, False)
    assert found == [200] * 12
