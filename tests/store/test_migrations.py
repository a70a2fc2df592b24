"""A state database that an earlier version made becomes one of today, and keeps what it holds."""

import sqlite3
from pathlib import Path

import sqlalchemy as sa

from store.state.engine import open_engine, reading, remove_copies
from store.state.scope import Reader, in_scope
from store.state.tables import ITEMS

AS_BEFORE = (
    "drop table item_customers",
    "drop index verdicts_by_user",
    "drop index verdicts_by_batch",
    "drop table batches",
    "alter table verdicts drop column batch_id",
    "drop index items_by_due",
    "drop table account_sets",
    "drop index items_that_wait",
    "drop index items_counted",
    "drop index items_seen_once",
    "drop table campaign_sets",
    "alter table items drop column campaign_set",
    "alter table items drop column account_set",
    "alter table items drop column manager",
    "alter table items drop column manager_until",
    "alter table items drop column escalated_to",
    "create table item_campaigns (item_id text, campaign text, primary key (item_id, campaign))",
    "alter table items rename column urgency to priority",
    "create index items_in_order on items (kind, priority desc, item_id) where state = 'open'",
    "insert into live values (1, 1, '2026-11-22T02:15:00.000000Z')",
    "insert into items values ('I-1', 'match', 'open', 1, 1.0, '2026', '2026', 'f', null, 1)",
    "insert into items values ('I-2', 'match', 'open', 1, 2.0, '2026', '2026', 'f', null, 1)",
    "insert into items values ('I-3', 'quarantine', 'open', 1, 3.0, '2026', '2026', 'f', null, 1)",
    "insert into item_campaigns values ('I-1', 'spring')",
    "insert into item_campaigns values ('I-2', 'spring')",
    "insert into item_campaigns values ('I-2', 'autumn')",
    "insert into item_campaigns values ('I-3', '')",
    "update alembic_version set version_num = '0002'",
)
"""What an empty database of today lacks to be one of before, with three items."""


def copies_of(url: str) -> list[Path]:
    """What is kept of before: of an SQLite database one file, of PostgreSQL nothing."""
    database = Path(sa.make_url(url).database or "")
    return sorted(database.parent.glob("*.before-*")) if url.startswith("sqlite") else []


def seen_by(engine: sa.Engine, *campaigns: str) -> list[str]:
    reader = Reader("ann", frozenset(campaigns) if campaigns else None)
    with reading(engine) as connection:
        rows = connection.execute(in_scope(reader).order_by(ITEMS.c.item_id))
        return [row.item_id for row in rows]


def test_items_keep_their_campaigns(url: str) -> None:
    before = open_engine(url, 5)
    with before.begin() as connection:
        for statement in AS_BEFORE:
            connection.exec_driver_sql(statement)
    before.dispose()

    engine = open_engine(url, 5)

    copies = copies_of(url)
    assert [copy.name for copy in copies] == ["decisions.db.before-0002"] * len(copies)
    for copy in copies:
        with sqlite3.connect(copy) as con:
            assert con.execute("select count(*) from item_campaigns").fetchone() == (4,)
        con.close()
    remove_copies(url)
    assert copies_of(url) == []
    assert seen_by(engine) == ["I-1", "I-2", "I-3"]
    assert seen_by(engine, "spring") == ["I-1"]
    assert seen_by(engine, "spring", "autumn") == ["I-1", "I-2"]
    assert seen_by(engine, "winter") == []
    engine.dispose()
