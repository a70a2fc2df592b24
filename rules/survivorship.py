"""Say which value survives, field by field."""

from typing import Literal, Self

from pydantic import Field, model_validator

from rules.base import Rule

TieBreaker = Literal[
    "most_trusted",
    "most_recent",
    "most_frequent",
    "most_complete",
    "most_personal",
    "most_whole",
    "refusal_first",
    "first_to_arrive",
]


class FieldRule(Rule):
    """How one golden field, or a group of fields that survives together, is chosen."""

    order: tuple[TieBreaker, ...] = Field(min_length=1, description="tie-breakers, first wins")
    protected: bool = Field(
        False, description="gives way only by a decision; a differing value opens a conflict"
    )
    kinds: bool = Field(
        False, description="values say their kind before a colon; another kind contests nothing"
    )
    group: tuple[str, ...] = Field((), description="fields taken whole from the same record")
    core: tuple[str, ...] = Field((), description="of the group, what `most_whole` counts")
    also: tuple[str, ...] = Field((), description="further columns whose values compete")

    @model_validator(mode="after")
    def _protected_means_first(self) -> Self:
        if self.protected and self.order != ("first_to_arrive",):
            raise ValueError('a protected field has order = ["first_to_arrive"]')
        return self

    @model_validator(mode="after")
    def _core_is_of_the_group(self) -> Self:
        if strange := [name for name in self.core if name not in self.group]:
            raise ValueError(f"core names what is not in the group: {', '.join(strange)}")
        if "most_whole" in self.order and not self.core:
            raise ValueError("most_whole counts the fields of `core`; name some of the group")
        return self


class Usage(Rule):
    """How a contact point is judged by the customers who share it."""

    household_most: int = Field(8, ge=2, description="more customers than this are no household")
    junk_least: int = Field(100, ge=3, description="so many customers share nothing real")
    role_mailboxes: tuple[str, ...] = Field(
        (), description="what stands before the @ of an address that no person owns"
    )


class Survivorship(Rule):
    """All golden fields, in the order in which they are shown."""

    fields: dict[str, FieldRule]
    usage: Usage = Usage()

    @model_validator(mode="after")
    def _fields_are_distinct(self) -> Self:
        names = self.names()
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"a field is chosen by one rule only: {', '.join(twice)}")
        return self

    def names(self) -> list[str]:
        """Every golden field, groups spelled out."""
        return [name for field, rule in self.fields.items() for name in (rule.group or (field,))]
