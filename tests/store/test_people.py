"""People, their passwords and sessions: who is signed in, and who is not any more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.settings import Settings
from store.state.open import State, open_state
from store.state.people import INVITATION_LASTS, LONGEST_WAIT, User, UserError
from store.state.sessions import IDLE, LONGEST

PASSWORD = "four words in a row"
ANN = User("ann", "editor", True, frozenset({"spring"}), frozenset(), frozenset({"data_steward"}))


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, time: timedelta) -> None:
        self.at += time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(tmp_path: Path, clock: Clock) -> Iterator[State]:
    with open_state(Settings(data=tmp_path), now=clock) as opened:
        yield opened


def invite(state: State, user: User = ANN) -> None:
    """Add a person who has a password."""
    state.people.add(user)
    state.people.accept(state.people.invite(user.name), PASSWORD)


def test_a_person_is_found_as_they_were_added(state: State) -> None:
    state.people.add(ANN)

    assert state.people.find("ann") == ANN
    assert state.people.every() == [ANN]
    assert state.people.find("bob") is None


def test_a_name_belongs_to_one_person(state: State) -> None:
    state.people.add(ANN)

    with pytest.raises(UserError, match="There is a person called ann already"):
        state.people.add(ANN)


@pytest.mark.parametrize("name", ["", " ann", "a\nb", "x" * 101])
def test_a_name_that_cannot_be_read_is_refused(state: State, name: str) -> None:
    with pytest.raises(UserError, match="1 to 100 printable characters"):
        state.people.add(ANN._replace(name=name))


def test_a_password_opens_for_its_person_alone(state: State) -> None:
    invite(state)

    assert state.people.check("ann", PASSWORD) == ANN
    assert state.people.check("ann", PASSWORD.upper()) is None
    assert state.people.check("bob", PASSWORD) is None


def test_a_person_without_a_password_cannot_sign_in(state: State) -> None:
    state.people.add(ANN)

    assert state.people.check("ann", "") is None


def test_an_invitation_is_used_once(state: State) -> None:
    state.people.add(ANN)
    token = state.people.invite("ann")
    assert state.people.invited(token) == "ann"

    state.people.accept(token, PASSWORD)

    assert state.people.invited(token) is None
    with pytest.raises(UserError, match="was used or is too old"):
        state.people.accept(token, "another four words")


def test_an_invitation_ends(state: State, clock: Clock) -> None:
    state.people.add(ANN)
    token = state.people.invite("ann")

    clock.pass_(INVITATION_LASTS + timedelta(seconds=1))

    assert state.people.invited(token) is None


@pytest.mark.parametrize("password", ["short", "x" * 129])
def test_a_password_too_short_or_too_long_is_refused(state: State, password: str) -> None:
    state.people.add(ANN)

    with pytest.raises(UserError, match="12 to 128 characters"):
        state.people.accept(state.people.invite("ann"), password)


def test_who_guesses_must_wait_and_is_never_locked_out_for_ever(state: State, clock: Clock) -> None:
    invite(state)

    for _ in range(5):
        assert state.people.check("ann", "a wrong password") is None

    assert state.people.check("ann", PASSWORD) is None
    clock.pass_(LONGEST_WAIT)
    assert state.people.check("ann", PASSWORD) == ANN


def test_an_inactive_person_cannot_sign_in(state: State) -> None:
    invite(state)

    state.people.change(ANN._replace(is_active=False))

    assert state.people.check("ann", PASSWORD) is None


def test_no_password_and_no_token_is_in_the_database(state: State) -> None:
    invite(state)
    token = state.sessions.begin("ann", "browser")
    invitation = state.people.invite("ann")

    with state.engine.connect() as connection:
        rows = [
            str(row)
            for table in sa.inspect(state.engine).get_table_names()
            for row in connection.exec_driver_sql(f"select * from {table}")
        ]

    assert rows
    assert not [row for row in rows if PASSWORD in row or token in row or invitation in row]


def test_a_session_knows_its_person(state: State) -> None:
    invite(state)

    token = state.sessions.begin("ann", "browser")

    assert state.sessions.user(token) == ANN
    assert state.sessions.user("another") is None


@pytest.mark.parametrize("ended", ["idle", "long", "sign out", "changed", "disabled"])
def test_a_session_that_ended_is_nobody(state: State, clock: Clock, ended: str) -> None:
    invite(state)
    token = state.sessions.begin("ann", "browser")

    if ended == "idle":
        clock.pass_(IDLE)
    elif ended == "long":
        for _ in range(LONGEST // (IDLE / 2)):
            clock.pass_(IDLE / 2)
            state.sessions.user(token)
    elif ended == "sign out":
        state.sessions.end(token)
    elif ended == "changed":
        state.people.change(ANN._replace(role="viewer"))
    else:
        state.people.change(ANN._replace(is_active=False))

    assert state.sessions.user(token) is None
    state.sessions.sweep()
    assert state.sessions.of("ann") == []


def test_use_keeps_a_session_open(state: State, clock: Clock) -> None:
    invite(state)
    token = state.sessions.begin("ann", "browser")

    for _ in range(4):
        clock.pass_(IDLE * 0.75)
        assert state.sessions.user(token) == ANN


def test_a_person_ends_one_of_their_sessions_or_all(state: State) -> None:
    invite(state)
    first, second, third = (state.sessions.begin("ann", f"device {n}") for n in range(3))
    listed = {session.device: session.token_digest for session in state.sessions.of("ann")}

    state.sessions.end_one("bob", listed["device 0"])
    state.sessions.end_one("ann", listed["device 1"])

    assert state.sessions.user(first) == ANN
    assert state.sessions.user(second) is None
    state.sessions.end_all("ann")
    assert state.sessions.user(third) is None


def test_the_audit_cannot_be_changed(state: State) -> None:
    row = "1, '2026-03-01', 'ann', 'see', 'C1-1', ''"
    with state.engine.connect() as connection:
        connection.exec_driver_sql(f"insert into audit values ({row})")
        connection.commit()

        for statement in ("update audit set user_name = 'bob'", "delete from audit"):
            with pytest.raises(sa.exc.DBAPIError, match="added to, never changed"):
                connection.exec_driver_sql(statement)
            connection.rollback()
