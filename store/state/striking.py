"""Take an erased person out of what was decided and said, in the database that only adds.

The triggers that refuse a change are put away for the length of one transaction, which nobody else
writes in, and put back. SQLite is told to overwrite what it frees, and its write-ahead log is
emptied; in PostgreSQL what lies in the server's own log and backups is the server's matter.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa

from store.decisions import DECISIONS
from store.errors import TouchstoneError
from store.state.engine import explained, open_engine, writing
from store.state.entries import blank_entries
from store.state.scope import CLOSED
from store.state.tables import CODES, COMMENTS, DRAFTS, ENTRIES, ITEMS, VERDICTS

ERASED = "erased"


class Struck(NamedTuple):
    """What is to be struck out."""

    decisions: Sequence[int]
    verdicts: Sequence[str]
    comments: Sequence[str]
    entries: Sequence[str] = ()
    drafts: Sequence[str] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is to be struck out."""
        return not any(self)


def strike(url: str, struck: Struck, rewrite: Callable[[int, str], str]) -> None:
    """Strike out free text, and let `rewrite` make each decision's subject anew."""
    if struck.is_nothing:
        return
    engine = open_engine(url, 30.0)
    try:
        with writing(engine) as connection, _changeable(connection):
            for number in struck.decisions:
                _strike_decision(connection, number, rewrite)
            for verdict in struck.verdicts:
                values = {"because": ERASED, "answer": ERASED}
                named = VERDICTS.c.verdict_id == verdict
                connection.execute(sa.update(VERDICTS).where(named).values(**values))
            for comment in struck.comments:
                named = COMMENTS.c.comment_id == comment
                connection.execute(sa.update(COMMENTS).where(named).values(text=ERASED))
            _strike_entries(connection, struck.entries)
            gone = DRAFTS.c.draft_id.in_(list(struck.drafts))
            connection.execute(sa.delete(DRAFTS).where(gone))
        _overwrite(engine)
    finally:
        engine.dispose()


def end_codes(url: str) -> None:
    """Remove all codes that were sent: they are told within minutes, and have digests of values."""
    engine = open_engine(url, 30.0)
    try:
        with writing(engine) as connection:
            connection.execute(sa.delete(CODES))
    finally:
        engine.dispose()


def said(url: str) -> Iterator[tuple[str, str, str, str]]:
    """Every verdict and comment: kind, its id, the item that it is about, what was said.

    And every entry that a steward has: `entry`, its item, the record that it equals, what it says;
    and every `draft`.
    """
    engine = open_engine(url, 30.0)
    try:
        with explained(engine.url), engine.connect() as connection:
            v, c = VERDICTS.c, COMMENTS.c
            verdicts = sa.select(v.verdict_id, v.item_id, v.because + " " + v.answer)
            comments = sa.select(c.comment_id, c.item_id, c.text)
            e = ENTRIES.c
            entries = sa.select(e.item_id, e.record_id, e.content).where(e.content != "")
            kinds = (("verdict", verdicts), ("comment", comments), ("entry", entries))
            for kind, query in kinds:
                for name, item, text in connection.execute(query):
                    yield kind, name, item, text
            for draft_id, typed in connection.execute(
                sa.select(DRAFTS.c.draft_id, DRAFTS.c.content)
            ):
                yield "draft", draft_id, "", " ".join(json.loads(typed).values())
    finally:
        engine.dispose()


def _strike_entries(connection: sa.Connection, item_ids: Sequence[str]) -> None:
    """What was typed goes, and is asked about no more."""
    if item_ids:
        blank_entries(connection, ENTRIES.c.item_id.in_(item_ids))
        gone = ITEMS.c.item_id.in_(item_ids)
        connection.execute(sa.update(ITEMS).where(gone).values(state=CLOSED))


def _strike_decision(
    connection: sa.Connection, number: int, rewrite: Callable[[int, str], str]
) -> None:
    named = DECISIONS.c.decision_id == number
    subject = connection.scalar(sa.select(DECISIONS.c.subject).where(named))
    if subject is None:
        return
    values = {"subject": rewrite(number, subject), "because": ERASED, "fingerprint": None}
    connection.execute(sa.update(DECISIONS).where(named).values(**values))


@contextmanager
def _changeable(connection: sa.Connection) -> Iterator[None]:
    """Put away what refuses a change of a row, until the end of the block."""
    if connection.dialect.name == "sqlite":
        kept = connection.exec_driver_sql(
            "select name, sql from sqlite_master where type = 'trigger' "
            "and name glob '*_refuse_update'"
        ).all()
        for name, _ in kept:
            connection.exec_driver_sql(f"drop trigger {name}")
        yield
        for _, statement in kept:
            connection.exec_driver_sql(statement)
        return
    tables = ("decisions", "verdicts", "comments")
    for table in tables:
        connection.exec_driver_sql(f"alter table {table} disable trigger user")
    yield
    for table in tables:
        connection.exec_driver_sql(f"alter table {table} enable trigger user")


def _overwrite(engine: sa.Engine) -> None:
    """Leave nothing of the old rows in the files that are ours."""
    with explained(engine.url), closing(engine.raw_connection()) as raw:
        if engine.dialect.name == "sqlite":
            _compact(raw.driver_connection)
            return
        driver: Any = raw.driver_connection
        driver.autocommit = True
        for table in ("decisions", "verdicts", "comments"):
            raw.cursor().execute(f"vacuum full {table}")


def _compact(connection: Any) -> None:  # of the driver
    connection.execute("vacuum")
    busy = connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
    if busy:
        raise TouchstoneError(
            "Somebody is reading the decisions, and what was struck out is still in their log; "
            "the next run goes on with the erasure."
        )
