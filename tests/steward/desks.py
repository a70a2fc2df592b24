"""The desk as people meet it, without a network between: pages asked for, forms sent."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import httpx

from rules.access import Function, Role
from steward.app import opened
from steward.desk.visit import Desk
from store.settings import Settings
from store.state.people import User

URL = "https://desk.example"
PASSWORD = "correct horse battery staple"


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop, name: str = "") -> None:
        self.app, self.loop, self.name = app, loop, name
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url=URL,
            headers={"Accept": "text/html"},
        )
        if name:
            self.take(self.desk.state.sessions.begin(name, "a test"))

    @property
    def desk(self) -> Desk:
        """What all pages share."""
        found: Desk = self.app.state.desk
        return found

    def take(self, token: str) -> None:
        """Keep the token of a session as a browser does."""
        self._client.cookies.set("__Host-touchstone", token, domain="desk.example", path="/")

    def cookie(self) -> str | None:
        """The token that this browser keeps."""
        return self._client.cookies.get("__Host-touchstone")

    async def ask(self, path: str, **headers: str) -> httpx.Response:
        """A page, beside others."""
        return await self._client.get(path, headers=headers)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page."""
        return self.loop.run_until_complete(self.ask(path, **headers))

    def search(self, query: str) -> httpx.Response:
        """What is found for the fields of the search, written as `?q=anna&campaign=spring`."""
        form = dict(parse_qsl(query.partition("?")[2]))
        after = form.pop("after", "")
        where = self.post("/customers", **form).headers["location"]
        return self.get(f"{where}{'&' if '?' in where else '?'}after={after}" if after else where)

    def post(
        self, path: str, /, headers: dict[str, str] | None = None, **form: str
    ) -> httpx.Response:
        """A form of the desk, sent from the desk."""
        sent = {"Sec-Fetch-Site": "same-origin"} if headers is None else headers
        content = httpx.QueryParams(form).__str__().encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.loop.run_until_complete(
            self._client.post(path, content=content, headers=kind | sent)
        )


class Office:
    """The app, and the people who come to it."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.app, self.loop = app, loop

    @property
    def desk(self) -> Desk:
        """What all pages share."""
        found: Desk = self.app.state.desk
        return found

    def stranger(self) -> Person:
        """Somebody who has not signed in."""
        return Person(self.app, self.loop)

    def person(
        self,
        name: str,
        role: Role = "editor",
        campaigns: tuple[str, ...] = (),
        functions: tuple[Function, ...] = (),
        datasets: tuple[str, ...] = (),
    ) -> Person:
        """Somebody who is known here and has signed in."""
        user = User(
            name, role, True, frozenset(campaigns), frozenset(datasets), frozenset(functions)
        )
        if self.desk.state.people.find(name) is None:
            self.desk.state.people.add(user)
        return Person(self.app, self.loop, name)

    def noted(self) -> list[tuple[str, str]]:
        """Who did what, by the audit trail."""
        with self.desk.state.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "select user_name, action from audit order by audit_id"
            )
            return [(str(name), str(action)) for name, action in rows]


@contextmanager
def office(settings: Settings) -> Iterator[Office]:
    """The app, started and in the end stopped as it should be."""
    loop = asyncio.new_event_loop()
    try:
        with opened(settings) as app:
            yield Office(app, loop)
            loop.run_until_complete(app.state.intake.close())
            loop.run_until_complete(app.state.api.close())
            loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
