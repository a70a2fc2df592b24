"""Have who guesses passwords wait: by the account and by the address that they guess from.

Waits double and end: nobody is locked out for ever, and what is tried while one waits counts for
nothing, so that nobody can keep another outside by trying on.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network

import sqlalchemy as sa

from store.state.moments import to_moment, to_text
from store.state.tables import ADDRESSES, USERS

FREE_FAILURES = 3
"""Wrong passwords before a person must wait, twice as long each time."""
LONGEST_WAIT = timedelta(minutes=15)
FREE_OF_ADDRESS = 20
"""Wrong passwords from one address, for whomever: a whole office may be behind it."""
LONGEST_OF_ADDRESS = timedelta(minutes=5)
FADES = timedelta(minutes=3)
"""After so long an address is forgiven one failure."""


def must_wait(connection: sa.Connection, name: str, address: str, now: datetime) -> bool:
    """Whether nobody is let in to this account, or from this address, just now."""
    until = [
        connection.scalar(sa.select(USERS.c.wait_until).where(USERS.c.name == name)),
        connection.scalar(
            sa.select(ADDRESSES.c.wait_until).where(ADDRESSES.c.address == _known_as(address))
        ),
    ]
    return any(moment is not None and to_moment(moment) > now for moment in until)


def note_failure(connection: sa.Connection, name: str, address: str, now: datetime) -> None:
    """Count a wrong password against the account, if there is one, and the address."""
    failures = connection.scalar(sa.select(USERS.c.failures).where(USERS.c.name == name))
    told = _told((failures or 0) + 1, FREE_FAILURES, LONGEST_WAIT, now)
    connection.execute(sa.update(USERS).where(USERS.c.name == name).values(**told))
    connection.execute(
        sa.delete(ADDRESSES).where(ADDRESSES.c.failed_at < to_text(now - _FORGOTTEN))
    )
    _note_address(connection, _known_as(address), now)


def forgive(connection: sa.Connection, name: str) -> None:
    """Count nothing against the account any more; who has one cannot clear an address by it."""
    nothing = {"failures": 0, "wait_until": None}
    connection.execute(sa.update(USERS).where(USERS.c.name == name).values(**nothing))


def _note_address(connection: sa.Connection, address: str, now: datetime) -> None:
    here = ADDRESSES.c.address == address
    row = connection.execute(sa.select(ADDRESSES).where(here)).first()
    before = 0 if row is None else row.failures - (now - to_moment(row.failed_at)) // FADES
    told = _told(max(before, 0) + 1, FREE_OF_ADDRESS, LONGEST_OF_ADDRESS, now)
    told["failed_at"] = to_text(now)
    if row is None:
        connection.execute(sa.insert(ADDRESSES).values(address=address, **told))
    else:
        connection.execute(sa.update(ADDRESSES).where(here).values(**told))


def _told(failures: int, free: int, longest: timedelta, now: datetime) -> dict[str, object]:
    wait = min(timedelta(seconds=2 ** min(failures - free, 20)), longest)
    until = to_text(now + wait) if failures > free else None
    return {"failures": failures, "wait_until": until}


def _known_as(address: str) -> str:
    """A digest of the address; of IPv6 the network, of which one person has all addresses."""
    try:
        read = ip_address(address)
    except ValueError:
        told = address
    else:
        told = str(ip_network(f"{address}/64", strict=False) if read.version == 6 else read)
    return sha256(told.encode()).hexdigest()


_FORGOTTEN = FADES * FREE_OF_ADDRESS * 4
"""After so long without a failure nothing is left of an address, not even its digest."""
