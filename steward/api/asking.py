"""Let a program in by its token: who it asks for, what it may ask, and how often."""

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from anyio import to_thread
from starlette.requests import Request

from steward.api.believed import Believed
from steward.api.laying import Laying
from steward.api.matchers import Matchers
from steward.api.matching import Answer, Question
from steward.aside import DiedError
from steward.batches import Batches
from steward.desk.scope import scoped
from steward.desk.visit import Desk
from steward.permission import Actor, may_ever
from steward.problem import Problem, wait
from store.cabinet import Cabinet, Follower
from store.errors import TouchstoneError
from store.scoped import Scoped
from store.snapshot import has_snapshot
from store.state.tokens import PREFIX, Bearer, TokenScope

GUESSES_PER_MINUTE = 60
"""Tokens that do not hold, from one address."""
COSTLY: frozenset[TokenScope] = frozenset({"search", "match"})

Noted = tuple[str, str, str, str]
"""A row of the audit trail: who, what, about whom, and more."""


class Asker(NamedTuple):
    """A program that was let in."""

    token_id: str
    actor: Actor
    scope: Scoped
    """Of rows called r."""


class Api:
    """What the answers of the read API share."""

    def __init__(self, desk: Desk, clock: Callable[[], float] = time.monotonic) -> None:
        self.desk = desk
        self._bearers = Believed[Bearer | None](desk.state.tokens.bearer, clock)
        self._live = Believed[str](lambda _: desk.snapshots.live_run(), clock)
        is_kept = partial(has_snapshot, desk.settings)
        laying = Laying(desk.settings, desk.rulebook)
        self._cabinets = Follower[Cabinet](laying.cabinet, is_kept)
        self._matchers = Matchers(desk.settings, desk.rulebook, laying, is_kept)
        self._notes = Batches[Noted, None](desk.state.audit.note_all)
        self._matches = Batches[Question, Answer](
            self._matchers.answer,
            most=32,
            waiting=200,
            threads=max(1, desk.settings.match_processes),
        )

    async def admit(self, request: Request, scope: TokenScope) -> Asker:
        """Who asks, if the token is for this; `Problem` says why not."""
        words = request.headers.get("authorization", "").split()
        token = words[1] if len(words) == 2 and words[0].lower() == "bearer" else ""
        bearer = await self._bearers.about(token) if token.startswith(PREFIX) else None
        if bearer is None:
            self._limit(
                ("api guess", request.client.host if request.client else "?"), GUESSES_PER_MINUTE
            )
            raise Problem(
                "no_token",
                "Send a token as Authorization: Bearer …; `touchstone token add` makes one.",
                headers={"WWW-Authenticate": 'Bearer realm="touchstone"'},
            )
        settings = self.desk.settings
        self._limit(("api", bearer.token_id), settings.api_per_minute)
        if scope in COSTLY:
            self._limit(("api", bearer.token_id, scope), settings.api_costly_per_minute)
        user, rights = bearer.user, self.desk.rights
        actor = Actor(user.name, user.role, user.campaigns, user.datasets, user.functions)
        if scope not in bearer.scopes or not may_ever(actor, "see", rights):
            await self._notes.ask((user.name, "denied", "", f"api {bearer.token_id}: {scope}"))
            raise Problem("not_for_this", f"Ask with a token that has the scope {scope}.")
        return Asker(bearer.token_id, actor, scoped(actor, rights))

    async def cabinet(self) -> Cabinet:
        """The live snapshot, laid out."""
        run_id = await self._live_run()
        found = self._cabinets.at_hand(run_id)
        if found is not None:
            return found
        try:
            return await to_thread.run_sync(self._cabinets.wait)
        except TouchstoneError as error:
            raise wait(60, str(error), "not_ready") from error

    async def match(self, question: Question) -> Answer:
        """Which customers a record could be."""
        if not self._matchers.is_ready(await self._live_run()):
            raise wait(30, "The snapshot is being made ready; ask again then.", "not_ready")
        try:
            return await self._matches.ask(question)
        except DiedError as error:
            raise wait(5, "This match could not be ended; ask again then.", "not_ready") from error
        except TouchstoneError as error:
            raise wait(60, str(error), "not_ready") from error

    async def note(self, asker: Asker, action: str, subject: str, detail: str = "") -> None:
        """Write a row of the audit trail before the answer goes out: ids, never values."""
        by = f"api {asker.token_id}"
        await self._notes.ask(
            (asker.actor.name, action, subject, f"{by}: {detail}" if detail else by)
        )

    async def close(self) -> None:
        """Wait until nobody waits."""
        await self._matches.close()
        await self._notes.close()
        await to_thread.run_sync(self._matchers.close)

    async def _live_run(self) -> str:
        try:
            return await self._live.about("")
        except TouchstoneError as error:
            raise wait(60, str(error), "not_ready") from error

    def _limit(self, name: tuple[str, ...], per_minute: int) -> None:
        seconds = self.desk.limiter.take(name, per_minute)
        if seconds:
            says = "Wait as long as Retry-After says; then ask again."
            raise wait(seconds, says, "too_many_questions")
