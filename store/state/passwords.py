"""Say whether a new password will do, and hold passwords against their hashes.

A password may have any characters and may be pasted; what matters is that it is long and that
nobody guesses it early.
"""

from functools import cache
from importlib.resources import files
from secrets import token_urlsafe
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from store.errors import TouchstoneError

LONGEST_PASSWORD = 128
AT_ONCE = 2
"""Hashes worked out at once, of 64 MiB each: a flood of sign-ins must not eat the memory."""
SHORTEST_PART = 4
"""What is written over and over is judged once, and so few letters are no password."""


class UserError(TouchstoneError):
    """The person cannot be added or changed as asked; the message says why."""


class Hashing:
    """Argon2id with its own salt for each password, a few at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turns = BoundedSemaphore(AT_ONCE)

    def hash(self, password: str) -> str:
        """What is stored of a password."""
        with self._turns:
            return self._hasher.hash(password)

    def fits(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the one; where there is none, it takes as long to say no."""
        with self._turns:
            try:
                self._hasher.verify(hashed or _hash_of_nobody(), password[: LONGEST_PASSWORD + 1])
            except (Argon2Error, InvalidHashError):
                return False
        return hashed is not None


def check_password(password: str, name: str, shortest: int) -> None:
    """Refuse a password that is too short, too long, or among the first that anybody tries."""
    if not shortest <= len(password) <= LONGEST_PASSWORD:
        raise UserError(
            f"A password has {shortest} to {LONGEST_PASSWORD} characters; "
            "a few words in a row are easy to remember."
        )
    part = _repeated(password.casefold())
    if len(part) < SHORTEST_PART or part in common_passwords() | {name.casefold(), "touchstone"}:
        raise UserError(
            "This password is among the first that somebody who guesses would try; "
            "a few words in a row that only you would put together are better."
        )


@cache
def common_passwords() -> frozenset[str]:
    """The passwords that many people have, in small letters."""
    text = files("store.state").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("# "))


def _repeated(text: str) -> str:
    """What a text is made of when it is one thing over and over; else the text itself."""
    return text[: (text + text).find(text, 1)]


@cache
def _hash_of_nobody() -> str:
    """What the password of an unknown person is held against: made when first somebody signs in."""
    return PasswordHasher().hash(token_urlsafe())
