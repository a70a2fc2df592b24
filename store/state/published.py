"""Note in the audit trail what was published, under which digest: sealed, and never taken back."""

from typing import NamedTuple

import sqlalchemy as sa

from store.state.audit import Noted, note
from store.state.engine import reading, writing
from store.state.moments import to_moment
from store.state.tables import AUDIT

PUBLISHED = "published"


class Published(NamedTuple):
    """What the trail says of a snapshot."""

    at: str
    digest: str


def note_published(engine: sa.Engine, run_id: str, digest: str, at: str) -> None:
    """Add a row, once; a run that is made anew under the same name has another digest."""
    found = noted_digest(engine, run_id)
    if found is not None and found.digest == digest:
        return
    with writing(engine) as connection:
        note(connection, Noted(to_moment(at), "", PUBLISHED, run_id, digest))


def noted_digest(engine: sa.Engine, run_id: str) -> Published | None:
    """What was noted last of the snapshot of this run."""
    query = (
        sa.select(AUDIT.c.at, AUDIT.c.detail)
        .where((AUDIT.c.subject == run_id) & (AUDIT.c.action == PUBLISHED))
        .order_by(AUDIT.c.audit_id.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(query).first()
    return None if row is None else Published(row.at, row.detail)
