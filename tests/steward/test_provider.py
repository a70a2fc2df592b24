"""People sign in at a provider of their organisation, and nobody else does."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from store.settings import Settings
from tests.steward.desks import Office, Person, office

CLIENT, KEY = "the-desk", "s3cret"


class Provider(ThreadingHTTPServer):
    """An OpenID provider on loopback that lets everybody in as `name`, and lies if told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.name, self.lies, self.asked = "ada", {}, {}  # type: ignore[var-annotated]

    def token(self, form: dict[str, str], auth: str) -> tuple[int, dict[str, Any]]:
        """What the token endpoint answers to a code."""
        asked = self.asked.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{KEY}".encode()).decode()
        if asked is None or challenge != asked["code_challenge"] or auth != basic:
            return 400, {"error": "invalid_grant"}
        if form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "exp": time.time() + 60,
            "nonce": asked["nonce"],
        }
        claims |= {"preferred_username": self.name} | self.lies
        parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, claims)]
        told = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
        return 200, {"id_token": ".".join([*told, "x"]), "token_type": "Bearer"}


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        """Describe the provider, or send a browser back with a code."""
        path, issuer = urlsplit(self.path), self.server.issuer
        if path.path == "/.well-known/openid-configuration":
            places = {f"{name}_endpoint": f"{issuer}/{name}" for name in ("authorization", "token")}
            self._say(200, {"issuer": issuer} | places)
            return
        asked = dict(parse_qsl(path.query))
        self.server.asked["code-1"] = asked
        self.send_response(302)
        query = urlencode({"code": "code-1", "state": asked["state"]})
        self.send_header("Location", f"{asked['redirect_uri']}?{query}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        """Give a token for a code."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self._say(*self.server.token(form, self.headers.get("Authorization", "")))

    def _say(self, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def desk(tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("OIDC_SECRET", KEY)
    settings = Settings(
        data=tmp_path, oidc_issuer=provider.issuer, oidc_client_id=CLIENT, local_passwords=False
    )
    with office(settings) as started:
        started.person("ada")
        yield started


def sent_back(person: Person) -> str:
    """Go to the provider and come back: the path with the code, not asked for yet."""
    sent = person.get("/sign-in/provider?next=/account")
    assert sent.status_code == 303
    with httpx.Client() as browser:
        back = urlsplit(browser.get(sent.headers["location"]).headers["location"])
    assert (back.scheme, back.netloc) == ("https", "desk.example")
    return f"{back.path}?{back.query}"


def test_who_is_known_here_is_signed_in_where_they_wanted_to_go(desk: Office) -> None:
    person = desk.stranger()

    answer = person.get(sent_back(person))

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert person.get("/account").status_code == 200
    assert ("ada", "sign_in") in desk.noted()


def test_who_is_not_known_here_stays_outside(desk: Office, provider: Provider) -> None:
    provider.name, person = "eve", desk.stranger()

    answer = person.get(sent_back(person))

    assert answer.status_code == 403
    assert person.cookie() is None


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-desk"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"exp": 1_000},
        {"exp": "soon"},
        {"nonce": "of another sign-in"},
        {"preferred_username": ""},
        {"preferred_username": ["ada"]},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    desk: Office, provider: Provider, lie: dict[str, Any]
) -> None:
    provider.lies, person = lie, desk.stranger()

    answer = person.get(sent_back(person))

    assert answer.status_code == 403
    assert person.cookie() is None


def test_a_code_is_good_once_and_in_the_browser_in_which_it_was_asked_for(desk: Office) -> None:
    ada, eve = desk.stranger(), desk.stranger()
    path = sent_back(ada)

    stolen = eve.get(path)
    first = ada.get(path)
    ada._client.cookies.clear()
    again = ada.get(path)

    assert [stolen.status_code, first.status_code, again.status_code] == [403, 303, 403]


def test_passwords_can_be_switched_off(desk: Office) -> None:
    person = desk.stranger()

    assert 'type="password"' not in person.get("/sign-in").text
    assert person.post("/sign-in", name="ada", password="x" * 15).status_code == 403


def test_a_provider_without_tls_is_asked_on_loopback_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, oidc_issuer="http://id.example", oidc_client_id=CLIENT)
    with office(settings) as started:
        answer = started.stranger().get("/sign-in/provider")

    assert answer.status_code == 403
    assert "https only" in answer.text


def test_where_no_provider_is_named_there_is_no_such_page(tmp_path: Path) -> None:
    with office(Settings(data=tmp_path)) as started:
        assert started.stranger().get("/sign-in/provider").status_code == 404
