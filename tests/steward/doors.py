"""A small company with a door: two feeds that take posts, and somebody who posts to them."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from steward.app import opened
from store.settings import Settings
from tests.flows.builders import Company, found

KEY, OLD_KEY, OTHER_KEY = b"k" * 32, b"o" * 32, b"x" * 32
PAGE = "https://www.example.com"

_COLUMNS = """
"intake.id"          = "source_key"
"intake.received_at" = "updated_at"
"first"   = "first_name"
"last"    = "last_name"
"email"   = "email"
"phone"   = "phone"
"country" = "country"
"born"    = "birth_date"
"""
SITE = f"""
source  = "site"
title   = "Posted by the web site's server"
channel = "web_form"
owner   = "web@example.com"
trust   = 50
[read]
format = "ndjson"
path   = "site/*.ndjson"
[columns]
{_COLUMNS}
"extra.campaign" = "campaign"
[ignore]
"form" = "which page it was"
[parse]
region = "GB"
[expect]
rows = [1, 1000]
[intake]
required   = ["email|phone"]
max_bytes  = 4096
per_minute = 100000
"""
PAGES = f"""
source   = "pages"
title    = "Posted by browsers"
channel  = "web_form"
owner    = "web@example.com"
trust    = 40
campaign = "news"
[read]
format = "ndjson"
path   = "pages/*.ndjson"
[columns]
{_COLUMNS}
[parse]
region = "GB"
[intake]
required            = ["email"]
origins             = ["{PAGE}", "self"]
redirect            = "{PAGE}/thanks"
unsigned_per_minute = 600
visitor_per_minute  = 60
"""
ANN = {"first": "Ann", "last": "Lee", "email": "ann.lee@post.org", "phone": "07400 123455"}


class Visitor:
    """Somebody who asks the app, without a network between."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.app = app
        self.loop = loop
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://door.example",
        )

    def ask(self, *requests: httpx.Request) -> list[httpx.Response]:
        """The answers to requests that are sent at once."""

        async def all_at_once() -> list[httpx.Response]:
            return await asyncio.gather(*(self._client.send(one) for one in requests))

        return self.loop.run_until_complete(all_at_once())

    def get(self, path: str) -> httpx.Response:
        """The answer to a question."""
        return self.ask(httpx.Request("GET", f"http://door.example{path}"))[0]

    def post(self, record: object, name: str = "p1", **how: Any) -> httpx.Response:
        """The answer to one signed post."""
        return self.ask(signed(record, name, **how))[0]

    def submit(self, fields: dict[str, str], feed: str = "pages", **headers: str) -> httpx.Response:
        """The answer to a form that a browser sends from an allowed page."""
        given = {"Origin": PAGE, "Accept": "text/html"} | headers
        url = f"http://door.example/intake/{feed}"
        return self.ask(httpx.Request("POST", url, data=fields, headers=given))[0]


def signed(
    record: object,
    name: str = "p1",
    *,
    feed: str = "site",
    key: bytes = KEY,
    at: float | None = None,
    kind: str = "application/json",
    headers: dict[str, str] | None = None,
) -> httpx.Request:
    """A signed post; bytes go as they are."""
    body = record if isinstance(record, bytes) else json.dumps(record).encode()
    told = signature(name, body, key, at) | {"content-type": kind} | (headers or {})
    return httpx.Request("POST", f"http://door.example/intake/{feed}", content=body, headers=told)


def signature(name: str, body: bytes, key: bytes = KEY, at: float | None = None) -> dict[str, str]:
    """The headers of the Standard Webhooks specification, worked out anew."""
    moment = str(int(time.time() if at is None else at))
    digest = hmac.digest(key, f"{name}.{moment}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": name,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def company_with_a_door(folder: Path) -> Company:
    """A company whose rules have the two feeds, and their keys."""
    company = found(folder)
    for source, text in {"site": SITE, "pages": PAGES}.items():
        (company.settings.rules / "feeds" / source).mkdir()
        (company.settings.rules / "feeds" / source / "feed.toml").write_text(text, "utf-8")
    company.settings.keys.mkdir()
    lines = ["whsec_" + base64.b64encode(key).decode() for key in (KEY, OLD_KEY)]
    (company.settings.keys / "site.keys").write_text("\n".join(lines))
    return company


@contextmanager
def visitor(settings: Settings) -> Iterator[Visitor]:
    """The app, started and in the end stopped as it should be."""
    loop = asyncio.new_event_loop()
    try:
        with opened(settings) as app:
            yield Visitor(app, loop)
            loop.run_until_complete(app.state.intake.close())
    finally:
        loop.close()


def spooled(settings: Settings) -> list[dict[str, Any]]:
    """All that lies in the spool, line by line."""
    paths = sorted([*settings.spool.glob("*/*.open"), *settings.spool.glob("*/*.ndjson")])
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def reasons(answer: httpx.Response) -> dict[str | None, str]:
    """What an answer refuses, by field."""
    return {error["field"]: error["reason"] for error in answer.json()["errors"]}
