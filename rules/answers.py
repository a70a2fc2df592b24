"""Hold what a sender is told of each thing that can be wrong with a post."""

from pydantic import Field

from rules.base import Rule


class Answers(Rule):
    """All reasons that a post can be refused for, by name, in words for the one who sent it."""

    fields: dict[str, str] = Field(description="what is wrong with one field")
    records: dict[str, str] = Field(description="what is wrong with the post as a whole")
    numbers: dict[str, str] = Field(description="why a phone number cannot be used")
    addresses: dict[str, str] = Field(description="why an e-mail address cannot be used")
    dates: dict[str, str] = Field(description="why a date of birth cannot be used")

    def says(self, reason: str) -> str:
        """The sentence of a reason; one without a sentence is a fault of ours."""
        for part in (self.fields, self.records, self.numbers, self.addresses, self.dates):
            if reason in part:
                return part[reason]
        raise KeyError(reason)
