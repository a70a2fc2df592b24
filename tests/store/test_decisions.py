"""The decision log keeps every decision once, in order, and for ever."""

import contextlib
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from rules.decision import Delivery, Different, NewDecision, Row, Same, Value
from store.decisions import DECISIONS, DecisionLog, open_decisions
from store.errors import DecisionLogError
from store.migrations import REVISIONS
from store.state import engine as state_engine
from store.state import turns

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, 9, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def log(url: str) -> Iterator[DecisionLog]:
    with open_decisions(url, now=lambda: NOW) as opened:
        yield opened


def same(key: str = "key-1", because: str = "") -> NewDecision:
    return NewDecision(
        decided_by="ann",
        kind="same",
        subject=Same(records=("web:2", "crm:1")),
        because=because,
        idempotency_key=key,
    )


@contextlib.contextmanager
def database(url: str) -> Iterator[sa.Connection]:
    """Open the database beside the log, as a stranger with all rights would."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_decision_is_read_as_it_was_stored(log: DecisionLog) -> None:
    stored = log.add(
        NewDecision(
            decided_by="ann",
            kind="same",
            subject=Same(records=("web:2", "crm:Ærø\n'x")),
            because="same birth date; “sure”",
            item_id="I7",
            snapshot_run_id="R0003",
            fingerprint="f00d",
            idempotency_key="key-1",
        )
    )

    assert (stored.decision_id, stored.decided_at) == (1, NOW)
    assert log.read().rows(named=True) == [
        {
            "decision_id": 1,
            "decided_at": NOW,
            "decided_by": "ann",
            "kind": "same",
            "item_id": "I7",
            "subject": '{"records":["crm:Ærø\\n\'x","web:2"]}',
            "because": "same birth date; “sure”",
            "snapshot_run_id": "R0003",
            "fingerprint": "f00d",
            "idempotency_key": "key-1",
        }
    ]


def test_a_new_log_is_empty_and_has_its_columns(log: DecisionLog) -> None:
    frame = log.read()

    assert frame.is_empty()
    assert frame.columns == [column.name for column in DECISIONS.c]
    assert frame.schema["decided_at"] == pl.Datetime("us", "UTC")
    assert frame.schema["subject"] == pl.String


def test_decisions_are_numbered_in_order_and_read_after_a_number(log: DecisionLog) -> None:
    numbers = [log.add(same(key)).decision_id for key in ("a", "b", "c")]

    assert numbers == [1, 2, 3]
    assert log.read(after=1)["idempotency_key"].to_list() == ["b", "c"]


def test_a_retried_decision_is_stored_once(log: DecisionLog) -> None:
    first = log.add(same())

    again = log.add(same())

    assert again == first
    assert log.read().height == 1


def test_a_key_cannot_stand_for_two_decisions(log: DecisionLog) -> None:
    log.add(same())

    with pytest.raises(DecisionLogError, match="Decision 1 was stored under the same idempotency"):
        log.add(same(because="I changed my mind"))


def test_an_undo_names_a_decision_and_is_stored_once_per_key(log: DecisionLog) -> None:
    log.add(same())

    undo = log.undo(1, "ben", "not sure", idempotency_key="z")
    again = log.undo(1, "ben", "not sure", idempotency_key="z")

    assert undo == again
    assert log.read(after=1).select("kind", "subject", "decided_by", "because").rows() == [
        ("undo", '{"decision_id":1}', "ben", "not sure")
    ]


def test_an_undo_without_a_key_is_a_new_word_each_time(log: DecisionLog) -> None:
    log.add(same())

    numbers = [log.undo(1, "ben", "").decision_id for _ in range(2)]

    assert numbers == [2, 3]


def test_what_is_not_there_cannot_be_undone(log: DecisionLog) -> None:
    log.add(same())

    with pytest.raises(DecisionLogError, match="no decision 2 to undo; the last one is 1"):
        log.undo(2, "ben", "")

    assert log.read().height == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE decisions SET because = 'other' WHERE decision_id = 1",
        "DELETE FROM decisions",
        "DELETE FROM decisions WHERE decision_id = 2",
    ],
)
def test_the_database_refuses_to_change_a_decision(log: DecisionLog, url: str, change: str) -> None:
    log.add(same("a"))
    log.add(same("b"))
    before = log.read()

    with database(url) as connection, pytest.raises(sa.exc.DBAPIError, match="added to, never"):
        connection.exec_driver_sql(change)

    assert log.read().equals(before)


def test_sqlite_refuses_to_replace_a_decision(tmp_path: Path) -> None:
    file = tmp_path / "decisions.db"
    columns = "decided_at, decided_by, kind, subject, because, idempotency_key"
    with open_decisions(f"sqlite:///{file}") as log:
        log.add(same("a"))
        with contextlib.closing(sqlite3.connect(file)) as stranger:
            for number, key in [(1, "b"), (2, "a"), (3, "c")]:
                with pytest.raises(sqlite3.IntegrityError, match="in order and once"):
                    stranger.execute(
                        f"INSERT OR REPLACE INTO decisions (decision_id, {columns})"
                        " VALUES (?, '', 'eve', 'same', '{}', '', ?)",
                        (number, key),
                    )

        assert log.read()["decided_by"].to_list() == ["ann"]


def test_postgresql_refuses_to_empty_the_log(
    postgresql_socket: Path, request: pytest.FixtureRequest
) -> None:
    url = f"postgresql+pg8000://postgres@/postgres?unix_sock={postgresql_socket}/.s.PGSQL.5432"
    with open_decisions(url) as log:
        log.add(same(request.node.name))
        with database(url) as connection, pytest.raises(sa.exc.DBAPIError, match="never changed"):
            connection.exec_driver_sql("TRUNCATE decisions")

        assert not log.read().is_empty()


def test_opening_again_keeps_everything(url: str) -> None:
    with open_decisions(url) as log:
        log.add(same())

    with open_decisions(url) as log:
        assert log.read()["decision_id"].to_list() == [1]
        assert log.add(same("key-2")).decision_id == 2


def test_the_migrations_make_the_table_that_the_code_knows(log: DecisionLog, url: str) -> None:
    with database(url) as connection:
        made = [column["name"] for column in sa.inspect(connection).get_columns("decisions")]
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()

    assert made == [column.name for column in DECISIONS.c]
    assert revision == REVISIONS[-1]


def test_every_migration_is_listed() -> None:
    versions = ROOT / "store" / "migrations" / "versions"

    numbers = sorted(file.name[1:5] for file in versions.glob("r*.py"))

    assert numbers == list(REVISIONS)


def test_opening_a_new_log_says_nothing(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    loud = logging.StreamHandler(sys.stderr)
    root = logging.getLogger()
    level = root.level
    root.addHandler(loud)
    root.setLevel(logging.INFO)
    try:
        open_decisions(url).close()
    finally:
        root.removeHandler(loud)
        root.setLevel(level)

    assert capfd.readouterr() == ("", "")


def test_a_sqlite_log_is_on_the_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    log = open_decisions(f"sqlite:///{tmp_path}/decisions.db")

    with log, log._engine.connect() as connection:
        found = {
            pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
            for pragma in ("journal_mode", "synchronous", "busy_timeout")
        }

    assert found == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 30_000}


# What goes wrong


@contextlib.contextmanager
def before_each(log: DecisionLog, pragma: str) -> Iterator[None]:
    """Give SQLite a limit at the start of each transaction."""

    def limit(connection: sa.Connection) -> None:
        connection.exec_driver_sql(pragma)

    sa.event.listen(log._engine, "begin", limit)
    yield
    sa.event.remove(log._engine, "begin", limit)


def test_a_locked_log_says_that_another_program_has_it(url: str) -> None:
    take = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(7146053)"}
    with open_decisions(url, wait_seconds=0.05) as log, database(url) as other:
        other.exec_driver_sql(take[other.dialect.name])

        with pytest.raises(DecisionLogError, match="is in use by another program; try") as error:
            log.add(same())

    assert "crm:1" not in str(error.value)


def test_who_waits_too_long_behind_others_of_the_same_process_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LONGEST_LINE", 0.05)
    began, ended = threading.Event(), threading.Event()
    with open_decisions(f"sqlite:///{tmp_path / 'decisions.db'}") as log:

        def hold() -> None:
            with state_engine.writing(log._engine):
                began.set()
                ended.wait(10)

        holder = threading.Thread(target=hold)
        holder.start()
        began.wait(10)
        with pytest.raises(DecisionLogError, match="is in use by another program; try"):
            log.add(same())
        ended.set()
        holder.join()
        assert log.add(same()).decision_id == 1


def scribble(file: Path) -> None:
    file.write_bytes(b"not a database at all, but long enough to be looked at" * 100)


def tear(file: Path) -> None:
    open_decisions(f"sqlite:///{file}").close()
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


@pytest.mark.parametrize("damage", [scribble, tear])
def test_a_damaged_log_says_to_restore_it(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    file = tmp_path / "decisions.db"
    damage(file)

    with pytest.raises(DecisionLogError, match=r"damaged; restore it from the last backup"):
        open_decisions(f"sqlite:///{file}")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DecisionLogError, match=r"The folder of .*file/decisions.db cannot be made"):
        open_decisions(f"sqlite:///{tmp_path}/file/decisions.db")


def test_a_folder_in_the_place_of_the_file_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(DecisionLogError, match="cannot be opened; check that this user"):
        open_decisions(f"sqlite:///{tmp_path}")


def test_a_log_that_may_not_be_written_says_who_must_have_the_right(tmp_path: Path) -> None:
    with open_decisions(f"sqlite:///{tmp_path}/decisions.db") as log:
        with (
            before_each(log, "PRAGMA query_only = ON"),
            pytest.raises(DecisionLogError, match="may not be written; give this user"),
        ):
            log.add(same())

        assert log.read().is_empty()


def test_a_full_disk_stores_nothing_and_the_log_goes_on(tmp_path: Path) -> None:
    large = same("large", because="x" * 4_000)
    with open_decisions(f"sqlite:///{tmp_path}/decisions.db") as log:
        log.add(same("a"))
        with before_each(log, "PRAGMA max_page_count = 1"):  # the least: what there is
            with pytest.raises(DecisionLogError, match="has no room left on the disk"):
                log.add(large)
            assert log.read()["idempotency_key"].to_list() == ["a"]
        with before_each(log, "PRAGMA max_page_count = 1000"):
            assert log.add(large).decision_id == 2


def test_a_newer_log_says_to_upgrade(url: str) -> None:
    open_decisions(url).close()
    with database(url) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    with pytest.raises(DecisionLogError, match="written by a newer version; upgrade"):
        open_decisions(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "decisions.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:decisions.db?uri=true",
        "mysql://ann:hunter2@db/x",
        "oracle://ann:hunter2@db/x",
    ],
)
def test_a_url_of_no_known_kind_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(DecisionLogError, match="write sqlite:///FILE or postgresql://") as error:
        open_decisions(url)

    assert "hunter2" not in str(error.value)


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(DecisionLogError, match="cannot be reached; check that the server") as error:
        open_decisions(f"postgresql://ann:hunter2@/state?unix_sock={tmp_path}/none")

    assert "hunter2" not in str(error.value)


def test_a_driver_that_is_not_there_is_named() -> None:
    with pytest.raises(DecisionLogError, match="needs the Python package nonesuch; install it"):
        open_decisions("postgresql+nonesuch://db/state")


# What a decision may say


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("same", {"records": ["crm:1"]}),
        ("same", {"records": ["crm:1", "crm:1"]}),
        ("same", {"records": ["crm:1", "no-source"]}),
        ("same", {"records": ["crm:1", "crm:2\x00"]}),
        ("same", {"records": ["crm:1", "crm:2"], "extra": 1}),
        ("same", {"records": [f"crm:{n}" for n in range(1_001)]}),
        ("same", {"sha256": "a" * 64}),
        ("different", {}),
        ("different", {"records": ["crm:1", "crm:2", "crm:3"]}),
        ("different", {"groups": [["crm:1", "crm:2"]]}),
        ("different", {"groups": [["crm:1"], ["crm:1", "crm:2"]]}),
        ("different", {"groups": [["crm:1"], []]}),
        ("different", {"groups": [[f"a:{n}" for n in range(999)], ["b:1", "b:2"]]}),
        ("value", {"records": ["crm:1"], "field": "city", "value": ""}),
        ("value", {"records": ["crm:1"], "field": "city", "value": "x", "record_id": "crm:2"}),
        ("release", {"sha256": "A" * 64}),
        ("reject", {"sha256": "a" * 64, "row_number": 0}),
        ("undo", {"decision_id": 0}),
        ("bless", {"records": ["crm:1", "crm:2"]}),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(kind: str, subject: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NewDecision.model_validate(
            {"decided_by": "ann", "kind": kind, "subject": subject, "idempotency_key": "k"}
        )


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (Same(records=("b:1", "a:1", "b:1")), '{"records":["a:1","b:1"]}'),
        (Different(records=("b:1", "a:1")), '{"records":["a:1","b:1"]}'),
        (Different(groups=(("c:1", "b:1"), ("a:1",))), '{"groups":[["a:1"],["b:1","c:1"]]}'),
        (
            Value(records=("a:1",), field="city", value="Köln", record_id="a:1"),
            '{"field":"city","record_id":"a:1","records":["a:1"],"value":"Köln"}',
        ),
        (Delivery(sha256="0" * 64), '{"sha256":"' + "0" * 64 + '"}'),
        (Row(sha256="0" * 64, row_number=7), '{"row_number":7,"sha256":"' + "0" * 64 + '"}'),
    ],
)
def test_equal_subjects_are_equal_texts(subject: Same, text: str) -> None:
    assert subject.text() == text


# Several processes

ADDING = """
import itertools, sys
from rules.decision import NewDecision, Same
from store.decisions import open_decisions

url, name, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open_decisions(url) as log:
    for number in itertools.islice(itertools.count(), most):
        key = f"{name}-{number}"
        subject = Same(records=("crm:1", f"web:{key}"))
        added = log.add(
            NewDecision(decided_by=name, kind="same", subject=subject, idempotency_key=key)
        )
        print(added.decision_id, key, flush=True)
"""


def start_adding(url: str, name: str, most: int) -> subprocess.Popen[str]:
    """Start a process that adds decisions and says so after each."""
    return subprocess.Popen(
        [sys.executable, "-c", ADDING, url, name, str(most)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path]))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def acknowledged(said: str) -> list[tuple[int, str]]:
    """Return what was acknowledged; a last line without its end was not."""
    lines = [line.split() for line in said.splitlines(keepends=True) if line.endswith("\n")]
    return [(int(number), key) for number, key in lines]


def test_a_killed_process_loses_no_acknowledged_decision(url: str) -> None:
    chance = random.Random()
    said: list[tuple[int, str]] = []
    for turn in range(5):
        with start_adding(url, f"turn{turn}", 1_000_000) as process:
            assert process.stdout is not None
            before = [process.stdout.readline() for _ in range(chance.randint(1, 60))]
            process.send_signal(signal.SIGKILL)
            said += acknowledged("".join(before) + process.stdout.read())
        assert process.returncode == -signal.SIGKILL

    with open_decisions(url) as log:
        stored = log.read()
        retried = log.add(
            NewDecision(
                decided_by="turn0",
                kind="same",
                subject=Same(records=("crm:1", "web:turn0-0")),
                idempotency_key="turn0-0",
            )
        )

    rows = list(stored.select("decision_id", "idempotency_key").iter_rows())
    assert set(said) <= set(rows)
    assert len({turn.split("-")[0] for _, turn in said}) == 5
    assert len(rows) - len(said) <= 5, "only the decision at work may be there unacknowledged"
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
    assert stored["idempotency_key"].is_unique().all()
    assert (retried.decision_id, "turn0-0") in rows


def test_processes_that_add_at_once_lose_nothing(url: str) -> None:
    processes = [start_adding(url, f"steward{number}", 50) for number in range(2)]
    results = [process.communicate() for process in processes]

    said = [line for out, _ in results for line in acknowledged(out)]
    with open_decisions(url) as log:
        stored = log.read().select("decision_id", "idempotency_key").rows()

    assert [error for _, error in results] == ["", ""]
    assert sorted(said) == stored
    assert [number for number, _ in stored] == list(range(1, 101))
