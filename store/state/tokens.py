"""Keep the tokens with which programs ask the read API, each on behalf of a person.

A token opens no more than its person may see, and of that no more than its scopes say. So a right
that is taken from the person is taken from the token.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from secrets import token_hex, token_urlsafe
from typing import Literal, NamedTuple, get_args

import sqlalchemy as sa

from store.errors import TouchstoneError
from store.state.engine import reading, writing
from store.state.moments import to_moment, to_text
from store.state.people import User, digest_of, user_of
from store.state.tables import TOKENS

TokenScope = Literal["customers", "search", "changes", "match"]
SCOPES: tuple[TokenScope, ...] = get_args(TokenScope)
"""What a token may ask: customers by id, customers by what is typed, changes, and matches."""
PREFIX = "tst_"
"""How every token begins, so that one that has strayed into a file is known for what it is."""
LONGEST_DAYS = 366


class Token(NamedTuple):
    """A token as the list of them shows it."""

    token_id: str
    user_name: str
    scopes: tuple[str, ...]
    purpose: str
    created_at: datetime
    expires_at: datetime
    is_revoked: bool


class Issued(NamedTuple):
    """A new token: itself, told this once, and what the list shows of it."""

    token: str
    told: Token


class Bearer(NamedTuple):
    """Who asks by a token that holds, and what it is for."""

    token_id: str
    user: User
    scopes: frozenset[str]


class Tokens:
    """The tokens of an open state database."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def add(self, name: str, scopes: Sequence[TokenScope], days: int, purpose: str) -> Issued:
        """A token for this person, told once; of it only a digest is stored."""
        if not 1 <= days <= LONGEST_DAYS:
            raise TouchstoneError(f"A token lasts 1 to {LONGEST_DAYS} days; give other --days.")
        token, now = PREFIX + token_urlsafe(32), self._now()
        scopes = tuple(dict.fromkeys(scopes))
        told = Token(
            token_hex(4), name, scopes, purpose[:200], now, now + timedelta(days=days), False
        )
        with writing(self._engine) as connection:
            if user_of(connection, name) is None:
                raise TouchstoneError(
                    f"There is no person called {name}; add one with `touchstone user add`."
                )
            connection.execute(
                sa.insert(TOKENS).values(
                    token_digest=digest_of(token),
                    token_id=told.token_id,
                    user_name=name,
                    scopes=" ".join(scopes),
                    purpose=told.purpose,
                    created_at=to_text(now),
                    expires_at=to_text(told.expires_at),
                )
            )
        return Issued(token, told)

    def bearer(self, token: str) -> Bearer | None:
        """Who asks with this token; none unless it holds and its person is active."""
        key = TOKENS.c.token_digest == digest_of(token)
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(TOKENS).where(key)).first()
            if row is None or row.revoked_at or to_moment(row.expires_at) <= self._now():
                return None
            user = user_of(connection, row.user_name)
        if user is None or not user.is_active:
            return None
        return Bearer(row.token_id, user, frozenset(row.scopes.split()))

    def every(self) -> list[Token]:
        """All tokens, the newest first."""
        with reading(self._engine) as connection:
            order = (TOKENS.c.created_at.desc(), TOKENS.c.token_id)
            rows = connection.execute(sa.select(TOKENS).order_by(*order)).all()
        return [_token(row) for row in rows]

    def revoke(self, token_id: str) -> None:
        """Let a token open nothing any more."""
        now = to_text(self._now())
        with writing(self._engine) as connection:
            named = sa.update(TOKENS).where(TOKENS.c.token_id == token_id)
            if connection.execute(named.values(revoked_at=now)).rowcount == 0:
                raise TouchstoneError(
                    f"There is no token {token_id}; `touchstone token list` names all."
                )


def _token(row: sa.Row[tuple[object, ...]]) -> Token:
    return Token(
        row.token_id,
        row.user_name,
        tuple(row.scopes.split()),
        row.purpose,
        to_moment(row.created_at),
        to_moment(row.expires_at),
        row.revoked_at is not None,
    )
