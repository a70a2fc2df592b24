"""A code that a customer tells confirms a contact point; a wrong one soon ends it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from store.decisions import DecisionLog
from store.state.codes import LASTS, MOST_TO_ONE, SPENT, TRIES, Asked, Codes, TooManyError
from store.state.engine import open_engine

ASKED = Asked("phone", "a" * 64, ("crm:1",), "/customers/C1-1")


class Desk:
    """Codes with a clock that a test moves."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.at = datetime(2026, 3, 1, 9, tzinfo=UTC)
        self.codes = Codes(engine, lambda: self.at)

    def kinds(self) -> list[str]:
        return DecisionLog(self.engine, lambda: self.at).read()["kind"].to_list()

    def trail(self) -> list[tuple[str, str]]:
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql("select action, subject from audit order by audit_id")
            return [(str(action), str(subject)) for action, subject in rows]


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    engine = open_engine(url, 30.0)
    yield Desk(engine)
    engine.dispose()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_a_right_code_is_one_decision_however_often_it_is_told(desk: Desk) -> None:
    code_id, code = desk.codes.make("eve", ASKED)

    numbers = [desk.codes.confirm("eve", code_id, code, "R0001") for _ in range(2)]

    assert re.fullmatch("[0-9]{6}", code)
    assert numbers == [1, 1]
    assert desk.kinds() == ["confirm"]
    assert desk.trail()[0] == ("send_code", "crm:1")
    assert desk.trail()[1] == ("confirm", "crm:1")


def test_the_code_itself_is_kept_nowhere(desk: Desk) -> None:
    code_id, code = desk.codes.make("eve", ASKED)
    desk.codes.confirm("eve", code_id, code, "R0001")

    with desk.engine.connect() as connection:
        tables = ("codes", "audit", "decisions")
        rows = [connection.exec_driver_sql(f"select * from {table}").all() for table in tables]

    told = [str(cell) for some in rows for row in some for cell in row]
    assert [cell for cell in told if cell == code or f'"{code}"' in cell] == []
    assert any(cell.startswith("$argon2id$") for cell in told)


def test_after_so_many_wrong_ones_the_right_one_is_wrong_too(desk: Desk) -> None:
    code_id, code = desk.codes.make("eve", ASKED)

    for _ in range(TRIES):
        assert desk.codes.confirm("eve", code_id, wrong(code), "R0001") is None

    found = desk.codes.find("eve", code_id)
    assert desk.codes.confirm("eve", code_id, code, "R0001") is None
    assert found is not None
    assert (found.tries_left, found.state) == (0, SPENT)
    assert desk.trail().count(("wrong_code", "crm:1")) == TRIES
    assert desk.kinds() == []


def test_the_last_try_can_be_right(desk: Desk) -> None:
    code_id, code = desk.codes.make("eve", ASKED)
    for _ in range(TRIES - 1):
        desk.codes.confirm("eve", code_id, wrong(code), "R0001")

    assert desk.codes.confirm("eve", code_id, code, "R0001") == 1


def test_a_code_ends_with_its_time(desk: Desk) -> None:
    code_id, code = desk.codes.make("eve", ASKED)

    desk.at += LASTS

    assert desk.codes.confirm("eve", code_id, code, "R0001") is None


def test_a_newer_code_ends_the_one_before(desk: Desk) -> None:
    first, code = desk.codes.make("eve", ASKED)
    desk.codes.make("eve", ASKED)

    assert desk.codes.confirm("eve", first, code, "R0001") is None


def test_a_code_is_for_the_one_who_asked(desk: Desk) -> None:
    code_id, code = desk.codes.make("eve", ASKED)

    assert desk.codes.find("ann", code_id) is None
    assert desk.codes.confirm("ann", code_id, code, "R0001") is None
    assert desk.codes.confirm("eve", code_id, code, "R0001") == 1


def test_one_contact_point_is_not_flooded_whoever_asks(desk: Desk) -> None:
    for number in range(MOST_TO_ONE):
        desk.codes.make(f"person {number}", ASKED)

    with pytest.raises(TooManyError, match="within an hour"):
        desk.codes.make("eve", ASKED)
    desk.codes.make("eve", ASKED._replace(digest="b" * 64))
    desk.at += timedelta(hours=1)
    desk.codes.make("eve", ASKED)


def test_what_could_not_be_sent_does_not_count(desk: Desk) -> None:
    for _ in range(MOST_TO_ONE + 1):
        code_id, _ = desk.codes.make("eve", ASKED)
        desk.codes.drop(code_id)

    assert desk.codes.find("eve", code_id) is None
