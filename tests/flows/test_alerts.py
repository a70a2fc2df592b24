"""Who runs a night that nobody watches is told of what they should know, once, and by whom."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from flows.alerts import alerts_of, announce
from flows.cli import main
from store.alerting import SECRET, Alert, keep, send_all, waiting
from store.settings import Settings
from tests.flows.builders import Company, found, person

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
QUIET: dict[str, Any] = {
    "run_id": "R0002", "held_back": [], "drift": [], "held": [], "fetched": [],
}  # fmt: skip
ALERT = Alert("drift", "R0002 drifted", "one\ntwo", "R0002", datetime(2026, 3, 2, tzinfo=UTC))


class Receiver:
    """A webhook's receiver on loopback."""

    def __init__(self) -> None:
        self.status, self.got = 204, list[tuple[dict[str, str], bytes]]()
        self.url = ""


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(receiver.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/alerts"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@contextmanager
def mail_server() -> Iterator[tuple[str, list[str]]]:
    """A mail server on loopback that takes whatever comes."""
    letters: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().decode().strip():
                word = line.split(maxsplit=1)[0].upper()
                if word == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    text = ""
                    while (part := self.rfile.readline().decode()) != ".\r\n":
                        text += part
                    letters.append(text)
                self.wfile.write(b"221 bye\r\n" if word == "QUIT" else b"250 ok\r\n")
                if word == "QUIT":
                    return

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}", letters
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv(SECRET, KEY)
    return Settings(data=tmp_path)


def test_a_webhook_gets_an_alert_that_it_can_verify(settings: Settings) -> None:
    with receiving() as receiver:
        told = settings.model_copy(update={"alert_url": receiver.url})
        keep(told, ALERT)

        problems = send_all(told)

    ((headers, body),) = receiver.got
    verified = Webhook(KEY).verify(body, headers)
    assert problems == []
    assert waiting(told) == 0
    assert verified["type"] == "drift"
    assert verified["data"] == {"title": "R0002 drifted", "text": "one\ntwo", "run_id": "R0002"}


def test_what_a_receiver_did_not_take_is_sent_again_under_its_own_id(settings: Settings) -> None:
    with receiving() as receiver:
        told = settings.model_copy(update={"alert_url": receiver.url})
        receiver.status = 503
        keep(told, ALERT)

        problems = send_all(told)

        assert problems == ["webhook: the receiver answered 503"]
        assert waiting(told) == 1
        receiver.status = 200
        assert send_all(told) == []
        assert waiting(told) == 0
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


def test_a_channel_that_is_out_of_order_keeps_no_other_waiting(settings: Settings) -> None:
    with mail_server() as (server, letters):
        told = settings.model_copy(
            update={
                "alert_url": "http://127.0.0.1:9/nobody",
                "alert_mail": "ops@example.com",
                "mail_server": server,
            }
        )
        keep(told, ALERT)

        problems = send_all(told)
        send_all(told)

    assert problems == ["webhook: it was not taken (ConnectError)"]
    assert len(letters) == 1
    assert "Subject: Touchstone: R0002 drifted" in letters[0]
    assert "one\r\ntwo" in letters[0]
    assert waiting(told) == 1


def test_nothing_is_kept_where_nobody_wants_to_know(settings: Settings) -> None:
    keep(settings, ALERT)

    assert not settings.alerts.exists()


def test_each_kind_of_thing_is_one_alert() -> None:
    summary = QUIET | {
        "held_back": ["customers_drop: 40% of the customers are gone (the limit is 0.1)"],
        "drift": ["growth: much"],
        "held": [{"file_name": "members/ann.miller.csv", "reason": "no"}] * 2,
        "fetched": [{"source": "acme", "problems": ["down"]}],
    }

    alerts = alerts_of(summary, {"match": 3})

    kinds = [alert.kind for alert in alerts]
    assert kinds == [
        "run.held_back", "drift", "delivery.held", "queue.overdue", "fetch.failed"
    ]  # fmt: skip
    assert not any("ann.miller" in alert.text for alert in alerts)


def test_a_quiet_night_tells_nobody() -> None:
    assert alerts_of(QUIET, {}) == []


def test_a_night_that_fails_is_told_of(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = found(tmp_path / "company")
    (company.settings.rules / "gates.toml").write_text("what = 1", "utf-8")
    with receiving() as receiver:
        monkeypatch.setenv("TOUCHSTONE_ALERT_URL", receiver.url)
        places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]

        code = main(["nightly", *places])

    assert code == 1
    assert [json.loads(body)["type"] for _, body in receiver.got] == ["run.failed"]


def test_a_run_writes_its_metrics_where_a_collector_reads_them(tmp_path: Path) -> None:
    company = found(tmp_path / "company")
    path = tmp_path / "touchstone.prom"
    company.drop("forms", [person("Tom", "Baker", email="tom.baker@mail.org")])
    company.night(1)

    problems = announce(_with(company, metrics_file=path), QUIET)

    lines = path.read_text("utf-8").splitlines()
    assert problems == []
    assert "touchstone_customers 1.0" in lines
    assert 'touchstone_completeness_ratio{source="forms",field="email"} 1.0' in lines
    assert any(line.startswith('touchstone_stage_seconds{stage="match"} ') for line in lines)
    assert path.stat().st_mode & 0o777 == 0o644


def _with(company: Company, **more: object) -> Settings:
    return company.settings.model_copy(update=more)
