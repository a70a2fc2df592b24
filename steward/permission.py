"""Answer the one question of access: whether this person may do this to that, and why.

Deny is the default. Roles are the policy's three; data steward and account manager are functions
that an editor has for some campaigns, and add to what the role allows.
"""

from collections.abc import Callable
from typing import NamedTuple

from rules.access import Action, Function, Right, Rights, Role, Scope
from rules.reach import kinds_of


class Actor(NamedTuple):
    """Who asks."""

    name: str
    role: Role
    campaigns: frozenset[str] = frozenset()
    datasets: frozenset[str] = frozenset()
    functions: frozenset[Function] = frozenset()


class Resource(NamedTuple):
    """What is asked about; of a customer or an item, the campaign and source of each record."""

    records: tuple[tuple[str | None, str], ...] = ()
    account_manager: str | None = None
    author: str | None = None
    is_obeyed: bool = False
    """Whether a run has obeyed it, when it is a decision."""


class Allowed(NamedTuple):
    """Yes, and by which right."""

    reason: str

    def __bool__(self) -> bool:
        """Allowed."""
        return True


class Denied(NamedTuple):
    """No, and why not, in words for the person."""

    reason: str

    def __bool__(self) -> bool:
        """Not allowed."""
        return False


def permission(
    actor: Actor, action: Action, resource: Resource, rights: Rights
) -> Allowed | Denied:
    """Say whether `actor` may do `action` to `resource`."""
    right = rights.of(action)
    for kind in kinds_of(actor.role, actor.functions):
        for scopes in _reach(right, kind):
            if all(MEANING[scope](actor, resource) for scope in scopes):
                return Allowed(f"{kind}: {' and '.join(scopes)}")
    return Denied(f"You may not {right.title}.")


def may_ever(actor: Actor, action: Action, rights: Rights) -> bool:
    """Whether there is anything at all that `actor` may do `action` to."""
    right = rights.of(action)
    return any(_reach(right, kind) for kind in kinds_of(actor.role, actor.functions))


def _reach(right: Right, kind: str) -> tuple[tuple[Scope, ...], ...]:
    reach: tuple[tuple[Scope, ...], ...] = getattr(right, kind)
    return reach


def _is_in_campaigns(actor: Actor, resource: Resource) -> list[bool]:
    return [campaign in actor.campaigns for campaign, _ in resource.records]


def _is_assigned(actor: Actor, resource: Resource) -> bool:
    is_in_dataset = any(source in actor.datasets for _, source in resource.records)
    return is_in_dataset or any(_is_in_campaigns(actor, resource))


def _is_own(actor: Actor, resource: Resource) -> bool:
    return resource.author == actor.name


MEANING: dict[Scope, Callable[[Actor, Resource], bool]] = {
    "all": lambda actor, resource: True,
    "assigned": _is_assigned,
    "own_campaigns": lambda actor, resource: any(_is_in_campaigns(actor, resource)),
    "whole_in_campaigns": lambda actor, resource: (
        bool(resource.records) and all(_is_in_campaigns(actor, resource))
    ),
    "own_accounts": lambda actor, resource: resource.account_manager == actor.name,
    "own": _is_own,
    "own_until_next_run": lambda actor, resource: (
        _is_own(actor, resource) and not resource.is_obeyed
    ),
    "not_own": lambda actor, resource: not _is_own(actor, resource),
}
"""What each word of roles.toml means."""
