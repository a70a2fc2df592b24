"""Every post that was answered is in the next run exactly once, whatever is killed."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.flows.builders import environment
from tests.steward.doors import company_with_a_door, signature, spooled
from tests.steward.served import Served, served

KILLS = int(os.environ.get("TOUCHSTONE_KILLS", "2"))
"""How many times the app is killed under load."""


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(verify=False) as client:
        yield client


def post_until_told(
    client: httpx.Client, url: str, name: str, body: bytes, until: threading.Event
) -> int:
    """Send a post under its name until it is answered; the status, or 0 when time is up."""
    while not until.is_set():
        try:
            answer = client.post(
                f"{url}/intake/site",
                content=body,
                headers=signature(name, body) | {"content-type": "application/json"},
            )
        except httpx.TransportError:
            time.sleep(0.02)
            continue
        if answer.status_code != 503:
            return answer.status_code
    return 0


def test_posts_answered_between_kills_are_records_exactly_once(
    client: httpx.Client, tmp_path: Path
) -> None:
    company = company_with_a_door(tmp_path)
    chance = random.Random(5)
    is_over = threading.Event()
    statuses: dict[str, int] = {}

    def somebody(who: int) -> None:
        for number in range(1_000):
            name = f"w{who}-{number}"
            body = b'{"first":"Person%d","last":"N%d","email":"%s@post.org"}' % (
                number, who, name.encode(),
            )  # fmt: skip
            statuses[name] = post_until_told(client, app.url, name, body, is_over)
            if is_over.is_set():
                return

    people = [threading.Thread(target=somebody, args=(who,)) for who in range(4)]
    with served(company.settings) as app:
        for person in people:
            person.start()
        for kill in range(KILLS):
            time.sleep(0.2 + chance.random())
            if kill % 2 == 0:
                company.night(kill + 1)  # while posts come in
            assert app.end(signal.SIGKILL) == -signal.SIGKILL
            app.start()
        is_over.set()
        for person in people:
            person.join()
        app.end(signal.SIGTERM)
    company.night(KILLS + 1)
    company.night(KILLS + 2)

    told = {name for name, status in statuses.items() if status == 202}
    open_still = {name for name, status in statuses.items() if status == 0}
    names = company.ask("select source_key from crosswalk")["source_key"].to_list()
    counts = company.ask("select sum(row_count) as rows, sum(new_count) as new from deliveries")
    assert told
    assert set(statuses.values()) <= {202, 0}
    assert len(names) == len(set(names))
    assert told <= set(names) <= told | open_still
    assert counts.row(0) == (len(names), len(names))
    assert spooled(company.settings) == []


def test_a_second_app_on_the_same_data_does_not_start(tmp_path: Path) -> None:
    company = company_with_a_door(tmp_path)
    with served(company.settings) as app:
        words = Served(company.settings).words
        second = subprocess.run(words, env=environment(), capture_output=True, check=False)
        first = app.end(signal.SIGTERM)

    assert second.returncode == 1
    assert second.stderr.decode().startswith("touchstone: Another steward app is running (process")
    assert first in {0, -signal.SIGTERM}


def test_an_app_that_is_told_to_stop_seals_what_it_has(
    client: httpx.Client, tmp_path: Path
) -> None:
    company = company_with_a_door(tmp_path)
    body = b'{"first":"Ann","email":"ann@post.org"}'
    with served(company.settings) as app:
        status = post_until_told(client, app.url, "last", body, threading.Event())
        app.end(signal.SIGTERM)

    assert status == 202
    assert [path.suffix for path in company.settings.spool.glob("site/*")] == [".ndjson"]
    assert "ann" not in app.log.read_text().lower()
