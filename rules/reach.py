"""Say how far a person's right reaches among records: the one meaning of roles.toml for many rows.

The app limits its pages by it, and a share what is handed out. Whether one thing may be done to one
resource is asked of `steward.permission`, which gives each word the same meaning.
"""

from typing import NamedTuple

from rules.access import Action, Function, Rights, Role, Scope

_BY_CAMPAIGN: frozenset[Scope] = frozenset({"assigned", "own_campaigns", "whole_in_campaigns"})
_NOTHING: frozenset[str] = frozenset()


class Held(NamedTuple):
    """What a person is and was given."""

    role: Role
    functions: frozenset[Function]
    campaigns: frozenset[str]
    datasets: frozenset[str]


class Reach(NamedTuple):
    """Which records: all, or those of these campaigns and sources."""

    is_all: bool
    campaigns: frozenset[str] = _NOTHING
    datasets: frozenset[str] = _NOTHING

    def admits(self, campaign: str | None, source: str) -> bool:
        """Whether a record of this campaign and source is within reach."""
        return self.is_all or campaign in self.campaigns or source in self.datasets

    def holds(self, other: "Reach") -> bool:
        """Whether this reaches as far as another, or farther."""
        is_within = other.campaigns <= self.campaigns and other.datasets <= self.datasets
        return self.is_all or (not other.is_all and is_within)


def kinds_of(role: Role, functions: frozenset[Function]) -> list[str]:
    """Functions belong to editors; an administrator has every right of his own."""
    return [role, *(sorted(functions) if role == "editor" else [])]


def reach_of(held: Held, action: Action, rights: Rights) -> Reach:
    """How far a person may do something; nowhere for who may not."""
    right = rights.of(action)
    kinds = kinds_of(held.role, held.functions)
    words = {word for kind in kinds for some in getattr(right, kind) for word in some}
    if "all" in words:
        return Reach(is_all=True)
    return Reach(
        is_all=False,
        campaigns=held.campaigns if words & _BY_CAMPAIGN else _NOTHING,
        datasets=held.datasets if "assigned" in words else _NOTHING,
    )
