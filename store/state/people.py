"""Keep who may sign in, with which role, functions and scope."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, NamedTuple

import sqlalchemy as sa

from rules.access import Function, Role
from store.state.accounts import KINDS, assign_managers
from store.state.backing_off import forgive, must_wait, note_failure
from store.state.engine import reading, writing
from store.state.moments import to_moment, to_text
from store.state.passwords import Hashing, UserError, check_password
from store.state.tables import GRANTS, INVITATIONS, SESSIONS, USERS

SHORTEST_PASSWORD = 15
"""Unless the settings say otherwise."""
INVITATION_LASTS = timedelta(days=3)

TOLD_OF_USERS = (USERS.c.name, USERS.c.role, USERS.c.is_active, GRANTS.c.kind, GRANTS.c.value)
"""What is read of people, with their grants."""


class User(NamedTuple):
    """A person as the state database knows them."""

    name: str
    role: Role
    is_active: bool
    campaigns: frozenset[str]
    datasets: frozenset[str]
    functions: frozenset[Function]
    accounts: frozenset[str] = frozenset()
    """What an account manager answers for: `campaign:NAME`, `source:NAME`, `customer:ID`."""


class People:
    """The people of an open state database."""

    def __init__(
        self, engine: sa.Engine, now: Callable[[], datetime], shortest: int = SHORTEST_PASSWORD
    ) -> None:
        self._engine = engine
        self._now = now
        self._hashing = Hashing()
        self.shortest_password = shortest

    def add(self, user: User) -> None:
        """Add a person, who has no password until an invitation is used."""
        _check_name(user.name)
        _check_accounts(user)
        with writing(self._engine) as connection:
            if _row(connection, user.name) is not None:
                raise UserError(f"There is a person called {user.name} already; change that one.")
            connection.execute(
                sa.insert(USERS).values(
                    name=user.name,
                    role=user.role,
                    is_active=int(user.is_active),
                    created_at=to_text(self._now()),
                    failures=0,
                    preferences="{}",
                )
            )
            _grant(connection, user)
            assign_managers(connection)

    def change(self, user: User) -> None:
        """Give a person another role, scope or state; their open sessions end."""
        _check_accounts(user)
        with writing(self._engine) as connection:
            _known(connection, user.name)
            connection.execute(
                sa.update(USERS)
                .where(USERS.c.name == user.name)
                .values(role=user.role, is_active=int(user.is_active))
            )
            _grant(connection, user)
            assign_managers(connection)
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.user_name == user.name))

    def find(self, name: str) -> User | None:
        """The person of this name."""
        with reading(self._engine) as connection:
            return _user(connection, name)

    def every(self) -> list[User]:
        """All people, by name."""
        with reading(self._engine) as connection:
            names = connection.scalars(sa.select(USERS.c.name).order_by(USERS.c.name)).all()
            found = [_user(connection, name) for name in names]
        return [user for user in found if user is not None]

    def invite(self, name: str) -> str:
        """A token with which the person sets a password, once, within three days."""
        token = token_urlsafe(32)
        with writing(self._engine) as connection:
            _known(connection, name)
            connection.execute(sa.delete(INVITATIONS).where(INVITATIONS.c.user_name == name))
            connection.execute(
                sa.insert(INVITATIONS).values(
                    token_digest=digest_of(token),
                    user_name=name,
                    expires_at=to_text(self._now() + INVITATION_LASTS),
                )
            )
        return token

    def first_invitation(self, name: str) -> str | None:
        """An invitation for the first administrator; none once anybody is known here.

        As long as nobody but them is known and they have set no password, each start invites anew.
        """
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(USERS.c.name, USERS.c.password_hash)).all()
        if rows and (len(rows) > 1 or rows[0].name != name or rows[0].password_hash):
            return None
        if not rows:
            nothing: frozenset[str] = frozenset()
            self.add(User(name, "administrator", True, nothing, nothing, frozenset()))
        return self.invite(name)

    def invited(self, token: str) -> str | None:
        """Whose invitation this is, when it still holds."""
        with reading(self._engine) as connection:
            return self._invited(connection, token)

    def accept(self, token: str, password: str) -> str:
        """Set the password that an invitation is for; the name of the person."""
        with reading(self._engine) as connection:
            check_password(password, self._invited(connection, token) or "", self.shortest_password)
        hashed = self._hashing.hash(password)
        with writing(self._engine) as connection:
            name = self._invited(connection, token)
            if name is None:
                raise UserError("This link was used or is too old; ask for another one.")
            connection.execute(sa.delete(INVITATIONS).where(INVITATIONS.c.user_name == name))
            of_them = sa.update(USERS).where(USERS.c.name == name)
            connection.execute(of_them.values(password_hash=hashed))
            forgive(connection, name)
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.user_name == name))
        return name

    def check(self, name: str, password: str, address: str = "") -> User | None:
        """The person, when the password is theirs and nobody need wait.

        Unknown people cost the same time as known ones, so that nobody learns who is known.
        """
        with reading(self._engine) as connection:
            row = _row(connection, name)
            waits = must_wait(connection, name, address, self._now())
        is_right = self._hashing.fits(None if row is None else row.password_hash, password)
        if waits:
            return None
        with writing(self._engine) as connection:
            if row is None or not is_right or not row.is_active:
                note_failure(connection, name, address, self._now())
                return None
            if must_wait(connection, name, address, self._now()):
                return None  # what was guessed at the same time, elsewhere
            forgive(connection, name)
            return _user(connection, name)

    def _invited(self, connection: sa.Connection, token: str) -> str | None:
        row = connection.execute(
            sa.select(INVITATIONS).where(INVITATIONS.c.token_digest == digest_of(token))
        ).first()
        if row is None or to_moment(row.expires_at) < self._now():
            return None
        return str(row.user_name)


def digest_of(token: str) -> str:
    """What is stored of a token: who reads the database cannot use it."""
    return sha256(token.encode()).hexdigest()


def user_of(connection: sa.Connection, name: str) -> User | None:
    """The person of this name, inside a transaction."""
    return _user(connection, name)


def _row(connection: sa.Connection, name: str) -> sa.Row[tuple[object, ...]] | None:
    return connection.execute(sa.select(USERS).where(USERS.c.name == name)).first()


def _known(connection: sa.Connection, name: str) -> None:
    if _row(connection, name) is None:
        raise UserError(f"There is no person called {name}; `touchstone user list` names all.")


def _user(connection: sa.Connection, name: str) -> User | None:
    grants = GRANTS.c.user_name == USERS.c.name
    query = sa.select(*TOLD_OF_USERS).outerjoin_from(USERS, GRANTS, grants)
    rows = connection.execute(query.where(USERS.c.name == name)).all()
    return granted_to(rows) if rows else None


def granted_to(rows: Sequence[Any]) -> User:
    """A person, from one row of `TOLD_OF_USERS` for each of their grants, or one without.

    Rows may tell of something else too, which is why they are of any type.
    """

    def granted(kind: str) -> frozenset[str]:
        return frozenset(row.value for row in rows if row.kind == kind)

    return User(
        name=rows[0].name,
        role=rows[0].role,
        is_active=bool(rows[0].is_active),
        campaigns=granted("campaign"),
        datasets=granted("dataset"),
        functions=granted("function"),  # type: ignore[arg-type]  # the database has only these
        accounts=granted("account"),
    )


def _grant(connection: sa.Connection, user: User) -> None:
    connection.execute(sa.delete(GRANTS).where(GRANTS.c.user_name == user.name))
    rows = [
        {"user_name": user.name, "kind": kind, "value": value}
        for kind, values in (
            ("campaign", user.campaigns),
            ("dataset", user.datasets),
            ("function", user.functions),
            ("account", user.accounts),
        )
        for value in sorted(values)
    ]
    if rows:
        connection.execute(sa.insert(GRANTS), rows)


def _check_name(name: str) -> None:
    if not name or len(name) > 100 or not name.isprintable() or name != name.strip():
        raise UserError("A person's name has 1 to 100 printable characters; write another one.")


def _check_accounts(user: User) -> None:
    for account in sorted(user.accounts):
        kind, _, name = account.partition(":")
        if kind not in KINDS or not name:
            raise UserError(
                f"An account is written campaign:NAME, source:NAME or customer:ID; {account} is "
                "none of these."
            )
