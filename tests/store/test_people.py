"""People, their passwords and sessions: who is signed in, and who is not any more."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Literal

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from store.settings import Settings
from store.state.backing_off import FREE_OF_ADDRESS, LONGEST_OF_ADDRESS, LONGEST_WAIT
from store.state.open import State, open_state
from store.state.passwords import Hashing, UserError, common_passwords
from store.state.people import INVITATION_LASTS, User
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
def state(tmp_path: Path, url: str, clock: Clock) -> Iterator[State]:
    with open_state(Settings(data=tmp_path, decisions_url=url), now=clock) as opened:
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


@pytest.mark.parametrize("password", ["x-y" * 4, "fourteen chars", "x-y" * 43])
def test_a_password_too_short_or_too_long_is_refused(state: State, password: str) -> None:
    state.people.add(ANN)

    with pytest.raises(UserError, match="15 to 128 characters"):
        state.people.accept(state.people.invite("ann"), password)


@pytest.mark.parametrize(
    "password",
    ["1234567890QWERTY", "q1w2e3r4t5y6u7i8", "PasswordPassword", "password1password1", "a" * 20,
     "abcabcabcabcabcabc", "touchstonetouchstone", "annannannannann", "Ann of the Great House"],
)  # fmt: skip
def test_what_everybody_would_guess_is_no_password(state: State, password: str) -> None:
    ann = ANN._replace(name="Ann of the Great House" if " " in password else "ann")
    state.people.add(ann)

    with pytest.raises(UserError, match="among the first"):
        state.people.accept(state.people.invite(ann.name), password)


@pytest.mark.parametrize(
    "password", ["fifteen letters", "пароль из четырёх слов", "  four  words \t 🔑", "x-yz" * 32]
)
def test_a_password_may_have_any_characters_up_to_128(state: State, password: str) -> None:
    state.people.add(ANN)

    state.people.accept(state.people.invite("ann"), password)

    assert state.people.check("ann", password) == ANN


def test_a_password_is_stored_as_rfc_9106_asks() -> None:
    """In a process of its own: tests hash with less memory."""
    asked = "from store.state.passwords import Hashing; print(Hashing().hash('four words'))"
    made = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True)
    assert made.stdout.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_the_three_thousand_most_frequent_passwords_are_known() -> None:
    assert len([one for one in common_passwords() if len(one) >= 8]) >= 3_000


def test_the_shortest_password_is_a_setting_with_a_floor(tmp_path: Path) -> None:
    with open_state(Settings(data=tmp_path, shortest_password=8)) as opened:
        opened.people.add(ANN)
        token = opened.people.invite("ann")
        with pytest.raises(UserError, match="among the first"):
            opened.people.accept(token, "iloveyou")
        opened.people.accept(token, "vqbx-k9w")

    with pytest.raises(ValueError, match="greater than or equal to 8"):
        Settings(data=tmp_path, shortest_password=7)


def test_who_guesses_must_wait_and_is_never_locked_out_for_ever(state: State, clock: Clock) -> None:
    invite(state)

    for _ in range(5):
        assert state.people.check("ann", "a wrong password") is None

    assert state.people.check("ann", PASSWORD) is None
    clock.pass_(LONGEST_WAIT)
    assert state.people.check("ann", PASSWORD) == ANN


def test_who_tries_on_while_one_must_wait_does_not_make_it_longer(
    state: State, clock: Clock
) -> None:
    invite(state)
    for _ in range(20):
        state.people.check("ann", "a wrong password")

    clock.pass_(timedelta(seconds=2))

    assert state.people.check("ann", PASSWORD) == ANN


def test_an_address_that_guesses_for_many_people_must_wait(state: State, clock: Clock) -> None:
    invite(state)
    for number in range(FREE_OF_ADDRESS + 1):
        state.people.check(f"person {number}", "a wrong password", "192.0.2.7")

    assert state.people.check("ann", PASSWORD, "192.0.2.7") is None
    assert state.people.check("ann", PASSWORD, "192.0.2.8") == ANN
    clock.pass_(LONGEST_OF_ADDRESS)
    assert state.people.check("ann", PASSWORD, "192.0.2.7") == ANN


def test_signing_in_oneself_clears_no_address(state: State) -> None:
    invite(state)
    for number in range(FREE_OF_ADDRESS):
        state.people.check(f"person {number}", "a wrong password", "2001:db8::1")

    assert state.people.check("ann", PASSWORD, "2001:db8::1") == ANN
    state.people.check("bob", "a wrong password", "2001:db8::2")

    assert state.people.check("ann", PASSWORD, "2001:db8::3") is None


def test_no_address_is_kept_as_it_is_or_for_long(state: State, clock: Clock) -> None:
    state.people.check("ann", "a wrong password", "192.0.2.7")
    clock.pass_(timedelta(days=1))
    state.people.check("ann", "a wrong password", "192.0.2.8")

    with state.engine.connect() as connection:
        rows = connection.exec_driver_sql("select address from addresses").all()

    assert len(rows) == 1
    assert "192.0" not in str(rows)


@pytest.mark.parametrize("who", ["ann", "nobody", "without a password", "inactive", "must wait"])
def test_whoever_it_is_one_password_is_worked_out(
    state: State, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    invite(state)
    state.people.add(ANN._replace(name="without a password"))
    invite(state, ANN._replace(name="inactive", is_active=False))
    invite(state, ANN._replace(name="must wait"))
    for _ in range(5):
        state.people.check("must wait", "a wrong password")
    asked: list[str] = []
    fits = Hashing.fits
    monkeypatch.setattr(Hashing, "fits", lambda *said: asked.append(who) or fits(*said))

    assert state.people.check(who, "a wrong password") is None

    assert asked == [who]


def test_a_flood_of_passwords_is_worked_out_two_at_a_time(state: State) -> None:
    invite(state)
    at_once, most = 0, 0
    lock = Lock()

    class Slow(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
            try:
                time.sleep(0.02)  # as long as it takes with the memory that the product takes
                return super().verify(hash, password)
            finally:
                with lock:
                    at_once -= 1

    state.people._hashing._hasher = Slow()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: state.people.check("ann", f"a wrong password {n}"), range(12)))

    assert most == 2


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
    assert state.sessions.of("ann") == []


def test_a_session_that_ended_is_forgotten_when_the_next_begins(state: State, clock: Clock) -> None:
    invite(state)
    state.sessions.begin("ann", "an old browser")
    clock.pass_(IDLE * 2)

    state.sessions.begin("bob", "a new browser")

    with state.engine.connect() as connection:
        devices = connection.exec_driver_sql("select device from sessions").scalars().all()
    assert devices == ["a new browser"]


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
