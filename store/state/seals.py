"""Seal the audit trail: each seal is a digest of the rows since the last one and of that seal.

Writers note what they do and never wait for a seal; sealing is done beside them, again and again.
A row that is changed, taken away or put in afterwards breaks the chain from there on, and so does
a seal. Rows after the last seal are only kept by the triggers; who keeps a copy of the newest seal
elsewhere can prove that nothing was cut off.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from store.state.engine import reading_in_parts, writing
from store.state.moments import to_moment, to_text
from store.state.tables import AUDIT, SEALS

BEFORE_ALL = "0" * 64
ROWS_AT_A_TIME = 10_000
MOST_AT_ONCE = 50_000
"""Rows under one seal: so long a transaction may last at most."""


class Chain(NamedTuple):
    """What the seals say of the audit trail."""

    rows: int
    """Rows under a seal."""
    open_rows: int
    """Rows since the last seal."""
    sealed_at: datetime | None
    digest: str
    """The newest seal."""
    broken_after: int | None
    """The last row before the first seal that does not hold; none when all hold."""


def seal(engine: sa.Engine, now: datetime) -> int:
    """Put what was noted since the last seal under another one; how many rows that were.

    What was noted does not change any more, so nobody waits while it is read.
    """
    with reading_in_parts(engine) as connection:
        last, before = _newest(connection)
        newest = connection.scalar(sa.select(sa.func.max(AUDIT.c.audit_id))) or 0
        until = min(newest, last + MOST_AT_ONCE)
        if until <= last:
            return 0
        digest = _digest(connection, last, until, before)
    with writing(engine) as connection:
        if _newest(connection) != (last, before):
            return 0  # somebody else has sealed them meanwhile
        row = {"last_audit_id": until, "sealed_at": to_text(now), "digest": digest}
        connection.execute(sa.insert(SEALS).values(row))
    return until - last


def verify(engine: sa.Engine) -> Chain:
    """Work out every seal again and say from where on they do not hold."""
    with reading_in_parts(engine) as connection:
        last, digest, at = 0, BEFORE_ALL, None
        count = sa.select(sa.func.count()).select_from(AUDIT)
        for row in connection.execute(sa.select(SEALS).order_by(SEALS.c.last_audit_id)).all():
            digest = _digest(connection, last, row.last_audit_id, digest)
            if digest != row.digest:
                return Chain(last, int(connection.scalar(count) or 0) - last, at, digest, last)
            last, at = row.last_audit_id, to_moment(row.sealed_at)
        return Chain(last, int(connection.scalar(count) or 0) - last, at, digest, None)


def _newest(connection: sa.Connection) -> tuple[int, str]:
    row = connection.execute(sa.select(SEALS).order_by(SEALS.c.last_audit_id.desc())).first()
    return (0, BEFORE_ALL) if row is None else (row.last_audit_id, row.digest)


def _digest(connection: sa.Connection, after: int, until: int, before: str) -> str:
    """Of the rows of a stretch and of the seal before it; a row that is missing is missed."""
    whole = hashlib.sha256(before.encode())
    whole.update(f"{after}-{until}".encode())
    for row in _rows(connection, after, until):
        whole.update(json.dumps([*row], ensure_ascii=False, separators=(",", ":")).encode())
    return whole.hexdigest()


def _rows(connection: sa.Connection, after: int, until: int) -> Iterator[sa.Row[tuple[object]]]:
    stretch = AUDIT.c.audit_id <= until
    if after:  # below the first seal lies whatever has a number that small, 0 and less too
        stretch &= AUDIT.c.audit_id > after
    query = sa.select(AUDIT).where(stretch).order_by(AUDIT.c.audit_id)
    yield from connection.execute(query.execution_options(yield_per=ROWS_AT_A_TIME))
