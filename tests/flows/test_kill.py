"""Law 7: a run that is killed at any moment leaves the last snapshot, and the next finishes it."""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.stages import ingest
from tests.flows.builders import Company, command, differences, environment, found, person

KILLS = int(os.environ.get("TOUCHSTONE_KILLS", "2"))
"""How many times a run is killed, spread over its length."""
TIME = "2026-03-03T02:15:00+00:00"
LATER = "2026-03-04T02:15:00+00:00"
RUN = """
import os, signal, sys, threading
part, seconds = sys.argv.pop(1), float(sys.argv.pop(1))
import flows.line, flows.nightly
from flows.cli import main
parts = flows.line.STAGES if part in flows.line.STAGES else vars(flows.nightly)
work = parts[part]
def deadly(*given, **more):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return work(*given, **more)
parts[part] = deadly
sys.exit(main(sys.argv[1:]))
"""
"""A night in which, some seconds into one of its parts, the process is killed."""
PARTS = (
    "prepare",
    "ingest",
    "standardise",
    "validate",
    "match",
    "cluster",
    "survive",
    "review",
    "publish",
    "close",
)


def one_night_and_another_to_come(folder: Path) -> Company:
    """A company that has published once, with deliveries of the second night in its inbox."""
    company = found(folder)
    ann = person("Margaret", "Miller", email="margaret@millers.org", phone="07911 123401")
    bob = person("Robert", "Miller", email="robert@millers.org", postcode="LS1 4AP")
    company.drop("forms", [ann, bob, person("Tom", "Baker", email="tom@mail.org")], name="1")
    company.drop("members", [{"no": str(n), **ann, "last": f"Miller{n}"} for n in range(9)])
    company.night(1)
    company.drop("partner", [{"op": "upsert", "id": "1", **bob, "born": "1978-07-04"}], name="2")
    company.drop(
        "partner", [{"op": "upsert", "id": "2", "first": "Test", "last": "Test"}], name="3"
    )
    company.drop("members", [{"no": str(n), **ann, "last": f"Millers{n}"} for n in range(8)])
    return company


def copy_of(company: Company, folder: Path) -> Company:
    shutil.copytree(company.settings.data, folder / "data", symlinks=True)
    return Company(folder, company.settings.model_copy(update={"data": folder / "data"}))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return one_night_and_another_to_come(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def undisturbed(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    calm = copy_of(company, tmp_path_factory.mktemp("undisturbed"))
    calm.night(2)
    return calm


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_killed_night_is_finished_by_the_next(
    kill: int, company: Company, undisturbed: Company, tmp_path: Path
) -> None:
    chance = random.Random(kill)
    killed = copy_of(company, tmp_path)
    part = PARTS[(6 + 7 * kill) % len(PARTS)]
    before = killed.tables()

    code = die_in(killed, part, chance.random() * 0.4)

    assert code in {-signal.SIGKILL, 0}  # 0: the part was over sooner
    if killed.ask("select max(run_id) from runs").item() == "R0001":
        assert differences(before, killed.tables()) == {}
    killed.night(2)
    assert differences(undisturbed.tables(), killed.tables()) == {}
    assert not list(killed.settings.inbox.rglob("*.csv"))
    assert len(list(killed.settings.raw.glob("[0-9]*"))) == 5


def test_the_work_of_a_run_that_died_at_its_end_is_removed_by_the_next(
    undisturbed: Company, tmp_path: Path
) -> None:
    company = copy_of(undisturbed, tmp_path)
    left = company.settings.work / "R0002" / "landed_000001.arrow"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"rows")

    company.night(3)

    assert not list(company.settings.work.glob("R*"))


def test_what_came_after_a_run_that_died_had_read_its_own_is_taken_in_at_once(
    company: Company, tmp_path: Path
) -> None:
    killed, calm = copy_of(company, tmp_path / "killed"), copy_of(company, tmp_path / "calm")
    late = [{"op": "upsert", "id": "77", "first": "Late", "last": "Comer", "email": "l@mail.org"}]
    die_in(killed, "match", 0.0)
    run(calm, "nightly", "--now", TIME)
    for one in (killed, calm):
        one.drop("partner", late, name="late")

    told = run(killed, "nightly", "--now", LATER)
    run(calm, "nightly", "--now", LATER)

    assert "had been cut short and was finished" in told
    assert differences(calm.tables(), killed.tables()) == {}
    assert "nothing to do" in run(killed, "nightly", "--now", LATER)


def test_what_was_decided_after_a_run_that_died_had_begun_is_obeyed_at_once(
    company: Company, tmp_path: Path
) -> None:
    killed = copy_of(company, tmp_path)
    run(killed, "nightly", "--now", TIME)
    row = killed.ask("from review_items where kind = 'quarantine'")["item_id"].item()
    die_in(killed, "match", 0.0)
    run(killed, "decide", row, "reject", "--by", "Ann", "--because", "it is a test")

    told = run(killed, "nightly", "--now", LATER, "--decisions-only")

    assert "had been cut short and was finished" in told
    assert killed.ask(f"from review_items where item_id = '{row}'").is_empty()


def run(company: Company, *words: str) -> str:
    """Run a command that must succeed; what it says."""
    words = tuple(command(company, *words))
    return subprocess.run(
        words, env=environment(), capture_output=True, text=True, check=True
    ).stdout


def die_in(company: Company, part: str, seconds: float) -> int:
    """Run a night and kill it so many seconds into a part; how the process ended."""
    words = command(company, "nightly", "--now", TIME)
    words = [sys.executable, "-c", RUN, part, str(seconds), *words[3:]]
    return subprocess.run(words, env=environment(), capture_output=True, check=False).returncode


def test_what_a_rebuild_that_was_given_up_left_half_written_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full while it took in deliveries, and the next run has its number."""
    struck, calm = found(tmp_path / "struck"), found(tmp_path / "calm")
    ann = person("Margaret", "Miller", email="margaret@millers.org", phone="07911 123401")
    for company in (struck, calm):
        company.drop("forms", [ann], name="1")
        company.drop("partner", [{"op": "upsert", "id": "1", **ann}], name="2")
        company.night(1)

    def half_written(*_: object) -> None:
        (struck.settings.work / "R0002" / "landed_000002_000000.arrow").write_bytes(b"")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "keep_cells", half_written)
        with pytest.raises(OSError, match="No space left"):
            struck.rebuild(2)
    for company in (struck, calm):
        company.drop("forms", [person("Tom", "Baker", email="tom@mail.org")], name="3")
        company.night(3)
    assert not differences(struck.tables(), calm.tables())
