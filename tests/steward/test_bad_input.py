"""When something is in the way, a page says what to do, and nothing that was said is lost."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.settings import Settings
from tests.steward.desks import Office, office
from tests.steward.test_desk import decisions, follow, hidden, item_of, say

LONG = "\N{LOWER LEFT FOUNTAIN PEN}" * 2_000
"""More than a page of the database has room for."""


@pytest.fixture
def desk(seeded: Settings) -> Iterator[Office]:
    with office(seeded) as started:
        yield started


def test_on_a_full_disk_the_page_says_so_and_the_answer_can_be_sent_again(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/queue")
    form = {name: hidden(page, name) for name in ("version", "verdict_id")}
    where = f"/items/{item_of(page)}/verdict"
    room = {"pages": 1}

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"pragma max_page_count = {room['pages']}")

    sa.event.listen(desk.desk.state.engine, "checkout", limit)
    comments = f"/items/{item_of(page)}/comments"
    filled = [ann.post(comments, text=LONG).status_code for _ in range(20)]
    full = ann.post(where, **form, answer="different", because=LONG)
    between = decisions(desk)
    room["pages"] = 1_000_000
    again = ann.post(where, **form, answer="different", because=LONG)
    sa.event.remove(desk.desk.state.engine, "checkout", limit)

    assert filled[-1] == full.status_code == 503
    assert "no room left on the disk; free some, then decide again" in full.text
    assert between == []
    assert again.status_code == 303
    assert decisions(desk) == ["different"]


def test_a_damaged_decision_database_says_what_to_do(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    engine = desk.desk.state.engine
    with engine.connect() as connection:
        connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
    engine.dispose()
    path = Path(str(engine.url.database))
    whole = path.read_bytes()
    path.write_bytes(b"no database at all" * 4_000)

    page = ann.get("/queue")

    path.write_bytes(whole)
    engine.dispose()
    assert page.status_code == 503
    assert "damaged; restore it from the last backup" in page.text
    assert follow(ann, "/queue").status_code == 200


def test_a_snapshot_that_is_removed_while_it_is_read_stays_readable(
    desk: Office, seeded: Settings
) -> None:
    ann = desk.person("ann", "administrator")
    before = follow(ann, "/queue")
    shutil.rmtree(seeded.published / "R0001")

    answer = say(ann, before, "different")
    after = follow(ann, "/queue")

    assert answer.status_code == 303
    assert after.status_code == 200
    assert item_of(after) != item_of(before)


def test_a_snapshot_that_is_gone_says_what_to_do_and_loses_no_decision(seeded: Settings) -> None:
    with office(seeded) as desk:
        ann = desk.person("ann", "administrator")
        say(ann, follow(ann, "/queue"), "different")
    shutil.rmtree(seeded.published / "R0001")

    with office(seeded) as desk:
        page = follow(desk.person("ann"), "/queue")

        assert page.status_code == 503
        assert "publishes another, or restore the folder from a backup" in page.text
        assert decisions(desk) == ["different"]
