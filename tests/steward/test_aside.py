"""What is asked of a process beside is answered, and the process outlives nobody."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from steward.aside import Aside, DiedError, FaultError
from store.errors import TouchstoneError
from tests.flows.builders import environment

EVALUATE = partial(partial, eval)
"""Makes a process that answers with what a text of Python is."""
OWN = "__import__('os').getpid()"
SLEEP = "__import__('time').sleep(600)"
REFUSE = "(_ for _ in ()).throw(__import__('store.errors').errors.TouchstoneError('Not now.'))"


@pytest.fixture(autouse=True)
def _packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])


@pytest.fixture
def aside() -> Iterator[Aside[str, Any]]:
    with closing(Aside[str, Any](EVALUATE, 60)) as started:
        yield started


def is_gone(process: int) -> bool:
    """Whether a process ends within some seconds."""
    until = time.monotonic() + 30
    while Path(f"/proc/{process}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    return not Path(f"/proc/{process}").exists()


def test_one_process_answers_one_question_after_the_other(aside: Aside[str, Any]) -> None:
    assert aside.process_id is None
    assert [aside.ask("6 * 7"), aside.ask("'ü' * 100_000")] == [42, "ü" * 100_000]
    assert aside.ask(OWN) == aside.ask(OWN) == aside.process_id != os.getpid()


def test_what_goes_wrong_there_is_told_by_its_kind_and_the_process_goes_on(
    aside: Aside[str, Any],
) -> None:
    process = aside.ask(OWN)

    with pytest.raises(FaultError, match=r"^KeyError$"):
        aside.ask("{}['anna@post.org']")
    with pytest.raises(TouchstoneError, match=r"^Not now\.$"):
        aside.ask(REFUSE)

    assert aside.ask(OWN) == process


def test_a_process_that_was_killed_is_started_again_and_asked_again(
    aside: Aside[str, Any],
) -> None:
    process = aside.ask(OWN)
    os.kill(process, signal.SIGKILL)

    again = aside.ask(OWN)

    assert again != process
    assert is_gone(process)


def test_a_question_that_kills_is_asked_twice_and_the_next_is_answered(
    aside: Aside[str, Any], tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    noted = f"open({str(asked)!r}, 'a').write('x')"

    with pytest.raises(DiedError):
        aside.ask(f"({noted}, __import__('os')._exit(1))")

    assert asked.read_text() == "xx"
    assert aside.ask("1 + 1") == 2


def test_a_process_that_is_not_ready_in_time_is_ended() -> None:
    with closing(Aside[str, Any](EVALUATE, 60)) as aside:
        process = aside.ask(OWN)
        aside._seconds = 0.1

        with pytest.raises(DiedError):
            aside.ask(SLEEP)

        assert is_gone(process)


def test_who_is_told_to_stop_is_the_app_and_the_process_goes_when_it_closes() -> None:
    with closing(Aside[str, Any](EVALUATE, 60)) as aside:
        process = aside.ask(OWN)
        for how in (signal.SIGTERM, signal.SIGINT):
            os.kill(process, how)
        assert aside.ask(OWN) == process

    assert is_gone(process)


def test_nothing_of_a_question_is_where_others_could_read_it(aside: Aside[str, Any]) -> None:
    aside.ask("'anna@post.org'")

    told = [
        Path(f"/proc/{aside.process_id}/{name}").read_bytes() for name in ("cmdline", "environ")
    ]

    assert b"steward.aside_process" in told[0]
    assert not any(b"anna" in one for one in told)


def test_a_process_at_work_ends_with_an_app_that_is_killed() -> None:
    program = (
        "import functools\n"
        "from steward.aside import Aside\n"
        "aside = Aside(functools.partial(functools.partial, eval), 600)\n"
        f"print(aside.ask({OWN!r}), flush=True)\n"
        f"aside.ask({SLEEP!r})\n"
    )
    words = [sys.executable, "-c", program]
    with subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout is not None
        process = int(app.stdout.readline())
        time.sleep(0.2)  # it sleeps by then
        app.kill()

    assert is_gone(process)


def test_a_frame_goes_there_while_all_threads_of_polars_wait_for_the_interpreter() -> None:
    """To pickle it then would be to wait for those threads with the interpreter's lock held."""
    program = (
        "import operator, threading, polars as pl\n"
        "from functools import partial\n"
        "from steward.aside import Aside\n"
        "part = pl.DataFrame({'a': [1], 'b': [2]})\n"
        "many = [pl.DataFrame({'a': range(100_000), 'b': range(100_000)})] * 5\n"
        "whole = pl.concat(many, rechunk=False)\n"
        "aside = Aside(partial(partial, operator.is_, whole), 60)\n"
        "inside, over = threading.Event(), threading.Event()\n"
        "def hold(some):\n"
        "    inside.set(); over.wait(); return some\n"
        "held = pl.all().map_batches(hold, pl.Int64)\n"
        "threading.Thread(target=part.select, args=(held,)).start()\n"
        "inside.wait()\n"
        "print(aside.ask(None), flush=True)\n"
        "over.set(); aside.close()\n"
    )
    words = [sys.executable, "-c", program]
    told = subprocess.run(
        words,
        env=environment() | {"POLARS_MAX_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert told.stdout == "False\n"
