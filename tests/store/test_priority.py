"""A run gives way to people: its threads go down, once, and never up."""

import subprocess
import sys
from pathlib import Path

from tests.flows.builders import environment

THREADS = """
import os, threading
from store.priority import THREADS, give_way
stay = threading.Event()
early = threading.Thread(target=stay.wait); early.start()
os.nice({before})
told = give_way({asked})
late = threading.Thread(target=stay.wait); late.start()
threads = [int(one.name) for one in THREADS.iterdir()]
print(told, *sorted({{os.getpriority(os.PRIO_PROCESS, one) for one in threads}}))
stay.set()
"""


def outcome(code: str, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment() | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def here() -> int:
    return int(outcome("import os; print(os.getpriority(os.PRIO_PROCESS, 0))"))


def test_threads_that_are_there_and_those_that_come_go_down() -> None:
    below = min(here() + 3, 19)

    assert outcome(THREADS.format(before=0, asked=below)) == f"{below} {below}"


def test_what_is_lower_already_is_not_added_to() -> None:
    told = outcome(THREADS.format(before=19, asked=5))

    assert told.split()[0] == "19"


def test_none_is_asked_for_and_nothing_changes() -> None:
    assert outcome(THREADS.format(before=0, asked=0)).split()[0] == str(here())


def test_a_night_goes_down_before_it_begins_and_a_question_does_not(tmp_path: Path) -> None:
    code = (
        "import os, flows.cli; flows.cli.main({words}); print(os.getpriority(os.PRIO_PROCESS, 0))"
    )
    places = ["--data", str(tmp_path), "--rules", str(tmp_path / "none")]
    night = code.format(words=["nightly", *places])
    question = code.format(words=["query", *places, "select 1"])

    assert outcome(night, TOUCHSTONE_NIGHTLY_NICENESS="19") == "19"
    assert outcome(question, TOUCHSTONE_NIGHTLY_NICENESS="19") == str(here())
