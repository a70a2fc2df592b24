"""Limit what a query finds to what the reader may see.

Scope is said of records: a customer is there for a reader if one of its records is. The words are
those of rules/roles.toml, which `rules.reach` reads and `store.scoped` puts into SQL.
"""

from rules.access import Action, Rights
from rules.reach import Held, reach_of
from steward.permission import Actor, Resource
from store.opened import Row
from store.scoped import Scoped, scoped_to


def scoped(actor: Actor, rights: Rights, row: str = "r", action: Action = "see") -> Scoped:
    """What of the rows `row` this person may see, or do `action` to."""
    held = Held(actor.role, actor.functions, actor.campaigns, actor.datasets)
    return scoped_to(reach_of(held, action, rights), row)


def resource_of(records: list[Row]) -> Resource:
    """Records as the question of access names them."""
    return Resource(tuple((row["campaign"], row["source"]) for row in records))
