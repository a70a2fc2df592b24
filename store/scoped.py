"""Turn how far somebody may see into a condition of SQL: the one place where scope is a query."""

from typing import NamedTuple

from rules.reach import Reach
from store.opened import Row


class Scoped(NamedTuple):
    """A condition on rows that have a campaign and a source, and the values that it takes."""

    sql: str
    values: Row
    reach: Reach

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.reach.is_all

    def admits(self, campaign: str | None, source: str) -> bool:
        """Whether a record of this campaign and source is in scope."""
        return self.reach.admits(campaign, source)


def scoped_to(reach: Reach, row: str = "r") -> Scoped:
    """What of the rows `row` is within reach."""
    if reach.is_all:
        return Scoped("true", {}, reach)
    return Scoped(
        f"({row}.campaign = any($campaigns) or {row}.source = any($datasets))",
        {"campaigns": sorted(reach.campaigns), "datasets": sorted(reach.datasets)},
        reach,
    )
