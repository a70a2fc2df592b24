"""What a page has at hand while it answers: who asks, what they sent, and where things lie."""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rules.access import Action, Rights
from steward.buckets import Limiter
from steward.desk.ahead import Ahead
from steward.desk.assets import Assets
from steward.desk.keymap import KEYMAP, read_keymap
from steward.desk.refused import not_here
from steward.desk.rendering import Renderer
from steward.desk.searches import Searches
from steward.permission import Actor, Resource, permission
from store.oidc import Provider
from store.reading import Snapshots
from store.rulebook import Rulebook
from store.runner import Runner
from store.settings import Settings
from store.state.open import State
from store.state.scope import Reader

KEYS = "keys"
"""The cookie that says how keys are pressed in this browser."""
KEY_WAYS = ("plain", "alt", "off")
NOBODY = Actor("", "viewer")


class Desk(NamedTuple):
    """What all pages share."""

    settings: Settings
    state: State
    snapshots: Snapshots
    rulebook: Rulebook
    rights: Rights
    assets: Assets
    renderer: Renderer
    limiter: Limiter
    runner: Runner
    ahead: Ahead
    provider: Provider
    searches: Searches


class Visit(NamedTuple):
    """One request, answered in a thread of its own."""

    request: Request
    desk: Desk
    actor: Actor
    """`NOBODY` where a page is for anyone and nobody is signed in."""
    form: Mapping[str, str]
    """The fields of a post."""

    @property
    def state(self) -> State:
        """The state database."""
        return self.desk.state

    @property
    def reader(self) -> Reader:
        """Whose queue it is: administrators are not limited by campaign."""
        is_limited = self.actor.role != "administrator"
        is_manager = "account_manager" in self.actor.functions
        only_accounts = is_limited and is_manager and "data_steward" not in self.actor.functions
        return Reader(self.actor.name, self.actor.campaigns if is_limited else None, only_accounts)

    @property
    def keys(self) -> str:
        """How this browser's person wants keys to work: alone, with Alt, or not at all."""
        chosen = self.request.cookies.get(KEYS, "plain")
        return chosen if chosen in KEY_WAYS else "plain"

    @property
    def keymap(self) -> dict[str, str]:
        """The keys of their own that this browser's person chose, by letter of the desk."""
        return read_keymap(self.request.cookies.get(KEYMAP, ""))

    def waiting(self) -> dict[str, int]:
        """How many items of each kind wait for the one who asks; counted once a request."""
        known: dict[str, int] | None = getattr(self.request.state, "waiting", None)
        if known is None:
            known = self.request.state.waiting = self.state.queue.counts(self.reader)
        return known

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """A page of the desk, with the top bar of the one who asks."""
        return self.desk.renderer.page(self, template, status, values)

    def part(self, template: str, **values: object) -> Response:
        """A part of a page, without the top bar."""
        return self.desk.renderer.part(template, values)

    def may(self, action: Action, resource: Resource) -> bool:
        """Whether the one who asks may do this to that."""
        return bool(permission(self.actor, action, resource, self.desk.rights))

    def insist(self, action: Action, resource: Resource) -> None:
        """Go on only if they may; else there is nothing here for them."""
        if not self.may(action, resource):
            self.note("denied", detail=action)
            raise not_here()

    def note(self, action: str, subject: str = "", detail: str = "") -> None:
        """Write a row of the audit trail: ids, never values."""
        self.state.audit.note(self.actor.name, action, subject, detail)


def see_other(where: str) -> Response:
    """Lead the browser on after a post."""
    return RedirectResponse(where, 303)
