"""What the queue is told of an item: in which order it comes, and whose it may be."""

from pathlib import Path

import duckdb

import rules
from rules.queues import Queues
from store.queueing import queue_of
from store.rulebook import read_rule
from store.schema import golden_schema

QUEUES = read_rule(Path(rules.__file__).parent / "queues.toml", Queues)


def test_a_customer_is_known_by_the_ids_that_it_had_before() -> None:
    with duckdb.connect() as con:
        con.execute(golden_schema(["email"], ["verified"]))
        con.execute(
            "insert into review_items (item_id, kind, priority, opened_at, due_at, customer_ids) "
            "values ('I-1', 'match', 2.0, '2026-03-01', '2026-03-08', ['C1-1', 'C1-5'])"
        )
        con.execute(
            "insert into redirects (founder, old_customer_id, customer_id) "
            "values (2, 'C1-2', 'C1-1'), (9, 'C1-9', 'C1-8')"
        )

        items = queue_of(con, {}, QUEUES)

    assert sorted(items["customers"].item()) == ["C1-1", "C1-2", "C1-5"]
