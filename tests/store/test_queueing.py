"""What the queue is told of an item: in which order it comes, and whose it may be."""

from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest

import rules
from rules.queues import Queues
from store.lock import one_writer
from store.queueing import leave_time, queue_of
from store.rulebook import read_rule
from store.schema import golden_schema
from store.settings import Settings

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


@pytest.mark.parametrize(
    ("has_app", "size", "waits"), [(True, 10, [3.0]), (True, 9, []), (False, 10, [])]
)
def test_a_run_leaves_an_app_time_for_a_large_snapshot_before_its_queue_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_app: bool, size: int, waits: list[float]
) -> None:
    settings = Settings(data=tmp_path)
    for folder in (settings.published / "R0001", settings.spool):
        folder.mkdir(parents=True)
    (settings.published / "R0001" / "golden.duckdb").write_bytes(b"x" * size)
    waited: list[float] = []
    monkeypatch.setattr("store.queueing.LARGE", 10)
    monkeypatch.setattr("store.queueing.time.sleep", waited.append)

    with one_writer(settings.spool / "app.lock") if has_app else nullcontext():
        leave_time(settings, "R0001")

    assert waited == waits
