"""Limit what a query finds to what the reader may see: the one place where scope becomes SQL.

Scope is said of records: a customer is there for a reader if one of its records is. The words are
those of rules/roles.toml, and `steward.permission` gives each the same meaning for one resource.
"""

from typing import NamedTuple

from rules.access import Action, Rights, Scope
from steward.permission import Actor, Resource, reach_of
from store.reading import Row


class Scoped(NamedTuple):
    """A condition on rows that have a campaign and a source, and the values that it takes."""

    sql: str
    values: Row
    is_all: bool
    """Whether nothing is left out."""
    campaigns: frozenset[str] = frozenset()
    datasets: frozenset[str] = frozenset()

    def admits(self, campaign: str | None, source: str) -> bool:
        """Whether a record of this campaign and source is in scope."""
        return self.is_all or campaign in self.campaigns or source in self.datasets


def scoped(actor: Actor, rights: Rights, row: str = "r", action: Action = "see") -> Scoped:
    """What of the rows `row` this person may see, or do `action` to."""
    words = {word for words in reach_of(actor, action, rights) for word in words}
    if "all" in words:
        return Scoped("true", {}, is_all=True)
    campaigns = actor.campaigns if words & _BY_CAMPAIGN else frozenset()
    datasets = actor.datasets if "assigned" in words else frozenset()
    return Scoped(
        f"({row}.campaign = any($campaigns) or {row}.source = any($datasets))",
        {"campaigns": sorted(campaigns), "datasets": sorted(datasets)},
        is_all=False,
        campaigns=campaigns,
        datasets=datasets,
    )


_BY_CAMPAIGN: frozenset[Scope] = frozenset({"assigned", "own_campaigns", "whole_in_campaigns"})


def resource_of(records: list[Row]) -> Resource:
    """Records as the question of access names them."""
    return Resource(tuple((row["campaign"], row["source"]) for row in records))
