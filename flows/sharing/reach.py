"""How far a person's right to export reaches, as rules/roles.toml says it."""

from typing import NamedTuple

from rules.access import Action, Rights, Scope
from store.errors import TouchstoneError
from store.state.people import User

_BY_CAMPAIGN: frozenset[Scope] = frozenset({"assigned", "own_campaigns", "whole_in_campaigns"})


class Reach(NamedTuple):
    """Which records: all, or those of these campaigns and sources."""

    is_all: bool
    campaigns: frozenset[str]
    datasets: frozenset[str]

    @property
    def sql(self) -> str:
        """The condition on rows r that have a campaign and a source."""
        if self.is_all:
            return "true"
        campaign = f"coalesce(r.campaign in ({_texts(self.campaigns)}), false)"
        return f"({campaign} or coalesce(r.source in ({_texts(self.datasets)}), false))"

    def holds(self, other: "Reach") -> bool:
        """Whether this reaches as far as another, or farther."""
        is_within = other.campaigns <= self.campaigns and other.datasets <= self.datasets
        return self.is_all or (not other.is_all and is_within)

    def narrowed(self, campaigns: frozenset[str], datasets: frozenset[str]) -> "Reach":
        """No more than these campaigns and datasets, which must be within reach."""
        if not campaigns and not datasets:
            return self
        asked = Reach(False, campaigns, datasets)
        if not self.holds(asked):
            raise TouchstoneError("They may not be given that; leave out what is not theirs.")
        return asked


def reach_of(user: User, action: Action, rights: Rights) -> Reach:
    """How far a person may do something; nowhere for who may not."""
    right = rights.of(action)
    kinds = [user.role, *(sorted(user.functions) if user.role == "editor" else [])]
    words = {word for kind in kinds for some in getattr(right, kind) for word in some}
    nothing: frozenset[str] = frozenset()
    if not user.is_active:
        return Reach(False, nothing, nothing)
    campaigns = user.campaigns if words & _BY_CAMPAIGN else nothing
    datasets = user.datasets if "assigned" in words else nothing
    return Reach("all" in words, campaigns, datasets)


def _texts(values: frozenset[str]) -> str:
    """Values as SQL writes them; none as a list that holds nothing."""
    quoted = ("'" + value.replace("'", "''") + "'" for value in sorted(values))
    return ", ".join(quoted) or "null"
