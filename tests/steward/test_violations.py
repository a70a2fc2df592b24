"""Browsers tell of a broken policy, and only names by which the desk is known are answered."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from store.settings import Settings
from tests.steward.desks import Office, Person, office


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    settings = Settings(data=tmp_path, steward_hosts="desk.example, other.example")
    with office(settings) as started:
        yield started


def report(person: Person, body: object, kind: str) -> httpx.Response:
    content = json.dumps(body).encode()
    sent = person._client.post("/csp-reports", content=content, headers={"Content-Type": kind})
    return person.loop.run_until_complete(sent)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "application/csp-report",
            {"csp-report": {"effective-directive": "script-src", "blocked-uri": "https://evil.example/x?name=Anna",
                            "document-uri": "https://desk.example/customers?q=Anna"}},
        ),
        (
            "application/reports+json",
            [{"type": "csp-violation", "body": {"effectiveDirective": "script-src",
              "blockedURL": "https://evil.example/x?name=Anna", "sample": "Anna"}}],
        ),
    ],
)  # fmt: skip
def test_a_report_is_logged_without_what_is_private(
    desk: Office, caplog: pytest.LogCaptureFixture, kind: str, body: object
) -> None:
    with caplog.at_level(logging.WARNING, "touchstone.violations"):
        answer = report(desk.stranger(), body, kind)

    assert answer.status_code == 204
    assert caplog.messages == ["policy broken: script-src refused evil.example"]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", {}, 415),
        ("application/csp-report", "x" * 20_000, 413),
        ("application/csp-report", ["\n"], 204),
        ("application/csp-report", {"csp-report": "no"}, 204),
    ],
)
def test_what_is_no_report_is_refused_or_left(
    desk: Office, caplog: pytest.LogCaptureFixture, kind: str, body: object, status: int
) -> None:
    with caplog.at_level(logging.WARNING, "touchstone.violations"):
        answer = report(desk.stranger(), body, kind)

    assert answer.status_code == status
    assert caplog.messages == []


def test_every_page_says_where_reports_go(desk: Office) -> None:
    answer = desk.stranger().get("/sign-in")

    assert "report-uri /csp-reports" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("host", "status"), [("desk.example", 200), ("127.0.0.1:8470", 200), ("evil.example", 400)]
)
def test_only_names_of_the_desk_are_answered(desk: Office, host: str, status: int) -> None:
    assert desk.stranger().get("/sign-in", host=host).status_code == status
