"""Hold what people call the kinds of a person's number, whose codes feeds and values have.

A rule folder of one's own may lack the file: a kind without a title is called by its code.
"""

from pydantic import Field

from rules.base import Rule


class NumberKinds(Rule):
    """The words for each kind."""

    titles: dict[str, str] = Field(
        default_factory=dict, description="kind, as `[parse] person_number` says it = its words"
    )

    def title(self, kind: str) -> str:
        """What people call numbers of this kind."""
        return self.titles.get(kind, kind.replace("_", " "))
