"""What runs did to customers is told once, in order, signed, until it is taken."""

import base64
import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from standardwebhooks import Webhook

from flows import announcing
from flows.announcing import announce_to_folder, announce_to_webhook
from flows.cli import main
from store.errors import TouchstoneError
from tests.flows.builders import Company, found, person

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


class Hook:
    """A real server that takes messages, or answers as it was told."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Any]] = []
        self.answers: list[int] = []
        self.retry_after = ""
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = hook.answers.pop(0) if hook.answers else 204
                if status < 300:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    said = Webhook(SECRET).verify(body, headers)
                    hook.taken.append((headers["webhook-id"], said))
                self.send_response(status)
                if status == 429 and hook.retry_after:
                    self.send_header("Retry-After", hook.retry_after)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def changes(self) -> list[tuple[str, str]]:
        """What was taken, in order."""
        told = [change for _, said in self.taken for change in said["data"]["changes"]]
        return [(one["run_id"], one["customer_id"]) for one in told]


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    thread = Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = found(tmp_path_factory.mktemp("announced"))
    company.drop("forms", [person(f"Ann{x}", f"Moor{x}", email=f"{x}@moor{x}.org",
                                  sent="2026-02-01") for x in "abc"])  # fmt: skip
    company.night(1)
    return company


@pytest.fixture
def company(first_night: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setenv("WEBHOOK_KEY", SECRET)
    monkeypatch.setattr(announcing, "MOST", 2)
    shutil.copytree(first_night.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    places = {"data": tmp_path / "data", "rules": tmp_path / "rules"}
    return Company(tmp_path, first_night.settings.model_copy(update=places))


def all_of(company: Company) -> list[tuple[str, str]]:
    query = "select run_id, customer_id from changes order by run_id, customer_id, change"
    return [(run, customer) for run, customer in company.ask(query).rows()]


def test_a_webhook_is_told_each_change_once_and_then_what_is_new(
    company: Company, hook: Hook
) -> None:
    told = announce_to_webhook(company.settings, hook.url, None)
    assert (told.changes, told.parts) == (3, 2)
    again = announce_to_webhook(company.settings, hook.url, None)
    assert again.changes == 0
    company.drop("forms", [person("Cy", "Dent", email="cy@dent.org", sent="2026-02-02")])
    company.night(2)

    announce_to_webhook(company.settings, hook.url, None)

    assert hook.changes() == all_of(company)
    assert "moor" not in json.dumps([said for _, said in hook.taken])


def test_a_message_that_is_not_taken_is_sent_again_under_its_id(
    company: Company, hook: Hook
) -> None:
    waits: list[float] = []
    hook.answers = [500, 503]

    announce_to_webhook(company.settings, hook.url, None, waits.append)

    assert waits == [1.0, 2.0]
    assert hook.changes() == all_of(company)


@pytest.mark.parametrize(
    ("said", "first"),
    [("7", 7.0), ("0", 1.0), ("", 1.0), ("tomorrow", 1.0), ("99999", announcing.LONGEST_PAUSE)],
)
def test_a_webhook_that_wants_a_pause_gets_it(
    company: Company, hook: Hook, said: str, first: float
) -> None:
    waits: list[float] = []
    hook.answers, hook.retry_after = [429], said

    announce_to_webhook(company.settings, hook.url, None, waits.append)

    assert waits == [first]
    assert hook.changes() == all_of(company)


def test_a_webhook_that_is_always_busy_is_left_and_taken_up_again(
    company: Company, hook: Hook
) -> None:
    hook.answers = [204, *[429] * (len(announcing.PAUSES) + 1)]

    with pytest.raises(TouchstoneError, match="status 429"):
        announce_to_webhook(company.settings, hook.url, None, lambda _: None)
    announce_to_webhook(company.settings, hook.url, None)

    assert hook.changes() == all_of(company)


def test_who_stops_taking_is_told_from_there_the_next_time(company: Company, hook: Hook) -> None:
    hook.answers = [204, 400]
    with pytest.raises(TouchstoneError, match="status 400"):
        announce_to_webhook(company.settings, hook.url, None)
    assert len(hook.changes()) == 2

    announce_to_webhook(company.settings, hook.url, None)

    assert hook.changes() == all_of(company)


def test_a_replay_tells_the_same_under_the_same_ids(company: Company, hook: Hook) -> None:
    announce_to_webhook(company.settings, hook.url, None)
    first = [message_id for message_id, _ in hook.taken]

    announce_to_webhook(company.settings, hook.url, "")

    assert [message_id for message_id, _ in hook.taken] == first * 2
    assert announce_to_webhook(company.settings, hook.url, "R0001").changes == 0


def test_a_webhook_that_is_not_safe_is_told_nothing(company: Company) -> None:
    with pytest.raises(TouchstoneError, match="https"):
        announce_to_webhook(company.settings, "http://example.org/hook", None)


def test_a_folder_has_a_file_for_each_run(
    company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "feed"
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    assert main(["publish", "--to", str(folder), *places]) == 0
    assert "3 changes were told in 1 files" in capsys.readouterr().out
    company.drop("forms", [person("Cy", "Dent", email="cy@dent.org", sent="2026-02-02")])
    company.night(2)

    told = announce_to_folder(company.settings, folder, None)

    assert (told.changes, told.parts) == (1, 1)
    files = sorted(folder.iterdir())
    assert [path.name for path in files] == ["changes-R0001.ndjson", "changes-R0002.ndjson"]
    lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    assert [(one["run_id"], one["customer_id"]) for one in lines] == all_of(company)
    assert announce_to_folder(company.settings, folder, "").changes == 4
