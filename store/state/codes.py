"""Keep the codes by which customers show that a contact point is theirs: hashed, and for a while.

A code is for the one who asked for it. Five tries and a quarter of an hour, whichever ends first;
so many for one contact point in an hour, and for one person at the desk. No contact point stands
here, only its digest.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from secrets import randbelow
from typing import NamedTuple
from uuid import uuid4

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from rules.decision import ConfirmedContact, NewDecision
from store.decisions import add_decision
from store.errors import TouchstoneError
from store.state.audit import Noted, note
from store.state.engine import reading, writing
from store.state.moments import to_moment, to_text
from store.state.tables import CODES

DIGITS = 6
TRIES = 5
LASTS = timedelta(minutes=15)
HOUR = timedelta(hours=1)
MOST_TO_ONE = 3
"""Codes to one contact point in an hour, whoever asks."""
MOST_BY_ONE = 30
"""Codes that one person asks for in an hour."""
WAITS, SPENT, RIGHT = "waits", "spent", "right"
FORGOTTEN = timedelta(days=1)
"""After so long nothing is told of a code."""


class TooManyError(TouchstoneError):
    """So many codes were asked for that this one is not sent."""


class Asked(NamedTuple):
    """For what a code is to be sent."""

    contact: str
    digest: str
    records: tuple[str, ...]
    """Of the customer, that say the contact point."""
    back: str
    """The page to go back to; it has no value in its address."""


class Code(NamedTuple):
    """A code that was sent."""

    code_id: str
    asked: Asked
    user_name: str
    expires_at: datetime
    tries_left: int
    state: str


class Codes:
    """The codes of an open state database."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._hasher = PasswordHasher()

    def make(self, name: str, asked: Asked) -> tuple[str, str]:
        """Make a code: its name, and the code itself, which is kept nowhere.

        One that was made before for the same contact point by the same person ends.
        """
        now, code = self._now(), f"{randbelow(10**DIGITS):0{DIGITS}}"
        code_hash, code_id = self._hasher.hash(code), uuid4().hex
        with writing(self._engine) as connection:
            old = CODES.c.asked_at < to_text(now - FORGOTTEN)
            connection.execute(sa.delete(CODES).where(old))
            self._insist_on_few(connection, name, asked.digest)
            before = (CODES.c.digest == asked.digest) & (CODES.c.user_name == name)
            waits = before & (CODES.c.state == WAITS)
            connection.execute(sa.update(CODES).where(waits).values(state=SPENT))
            row = asked._asdict() | {"records": json.dumps(asked.records), "user_name": name}
            times = {"asked_at": to_text(now), "expires_at": to_text(now + LASTS)}
            made = {"code_id": code_id, "code_hash": code_hash, "tries": 0, "state": WAITS}
            connection.execute(sa.insert(CODES).values(**row, **times, **made))
            note(connection, Noted(now, name, "send_code", asked.records[0], code_id))
        return code_id, code

    def drop(self, code_id: str) -> None:
        """A code that could not be sent is none, and does not count."""
        with writing(self._engine) as connection:
            connection.execute(sa.delete(CODES).where(CODES.c.code_id == code_id))

    def find(self, name: str, code_id: str) -> Code | None:
        """A code that this person asked for."""
        with reading(self._engine) as connection:
            row = connection.execute(_named(name, code_id)).first()
        return None if row is None else self._told(row)

    def confirm(self, name: str, code_id: str, code: str, run_id: str) -> int | None:
        """Store the decision if the code is right; its number. A wrong one is a try less.

        The try is counted before the code is compared, so that many at once are as many tries.
        Told again, a right one is the same decision.
        """
        with writing(self._engine) as connection:
            row = connection.execute(_named(name, code_id)).first()
            if row is None or self._told(row).state == SPENT:
                return None
            if row.state == WAITS:
                tried = {"tries": row.tries + 1}
                named = CODES.c.code_id == code_id
                connection.execute(sa.update(CODES).where(named).values(**tried))
        if not self._is_right(row.code_hash, code):
            with writing(self._engine) as connection:
                said = Noted(self._now(), name, "wrong_code", json.loads(row.records)[0], code_id)
                note(connection, said)
            return None
        return self._decide(name, row, run_id)

    def _decide(self, name: str, row: sa.Row[tuple[object, ...]], run_id: str) -> int:
        records = tuple(json.loads(str(row.records)))
        subject = ConfirmedContact(contact=row.contact, digest=row.digest, records=records)
        decision = NewDecision(
            decided_by=name,
            kind="confirm",
            subject=subject,
            because="the customer told the code",
            snapshot_run_id=run_id,
            idempotency_key=f"code-{row.code_id}",
        )
        with writing(self._engine) as connection:
            number = add_decision(connection, decision, self._now()).decision_id
            named = CODES.c.code_id == row.code_id
            connection.execute(sa.update(CODES).where(named).values(state=RIGHT))
            done = Noted(self._now(), name, "confirm", records[0], f"decision {number}")
            note(connection, done)
            return number

    def _is_right(self, code_hash: str, code: str) -> bool:
        try:
            return self._hasher.verify(code_hash, code)
        except (Argon2Error, InvalidHashError):
            return False

    def _insist_on_few(self, connection: sa.Connection, name: str, digest: str) -> None:
        recent = CODES.c.asked_at > to_text(self._now() - HOUR)
        for which, most in (
            (CODES.c.digest == digest, MOST_TO_ONE),
            (CODES.c.user_name == name, MOST_BY_ONE),
        ):
            counted = sa.select(sa.func.count()).select_from(CODES).where(recent & which)
            if int(connection.scalar(counted) or 0) >= most:
                raise TooManyError(f"{most} codes were sent within an hour; wait a while.")

    def _told(self, row: sa.Row[tuple[object, ...]]) -> Code:
        ends, left = to_moment(row.expires_at), max(0, TRIES - row.tries)
        is_over = row.state == WAITS and (ends <= self._now() or not left)
        asked = Asked(row.contact, row.digest, tuple(json.loads(row.records)), row.back)
        state = SPENT if is_over else row.state
        return Code(row.code_id, asked, row.user_name, ends, left, state)


def _named(name: str, code_id: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(CODES).where((CODES.c.code_id == code_id) & (CODES.c.user_name == name))
