"""Say how long what is kept is kept, by source and field; `touchstone audit` removes the rest."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rules.base import Rule

Detail = Literal["birth_date", "person_number", "gender", "language", "job_title", "address"]
"""What may go before its record does: a record is known by its name and its contact points."""

MADE_OF: dict[Detail, tuple[str, ...]] = {
    "birth_date": ("birth_date",),
    "person_number": ("person_number",),
    "gender": ("gender",),
    "language": ("language",),
    "job_title": ("job_title",),
    "address": (
        "address",
        "address_line1",
        "address_line2",
        "house_number",
        "city",
        "region",
        "postcode",
    ),
}
"""The fields that a feed may deliver it in; an address may be in one column or in seven."""


class Days(Rule):
    """Days after which something of a source goes; unset: it stays."""

    withdrawn: int | None = Field(
        None, ge=1, description="a record, since its source took it back or stopped naming it"
    )
    silent: int | None = Field(
        None, ge=1, description="a record, since its source last said anything new of it"
    )
    quarantine: int | None = Field(
        None, ge=1, description="what a row said that could not be taken in"
    )
    held: int | None = Field(None, ge=1, description="a delivery that was held or refused, whole")
    fields: dict[Detail, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="what a record says in a field, since its source last said anything new of it",
    )


class Retention(Rule):
    """What holds for every source, and what holds for some instead."""

    put_aside: int | None = Field(
        None, ge=1, description="what a restore put aside, since it was put there"
    )
    snapshots: int | None = Field(
        None, ge=1, description="a snapshot that is not the current one, since its run"
    )
    reports: int | None = Field(None, ge=1, description="the page on a run, since that")
    metrics: int | None = Field(None, ge=30, description="what a run measured, since that")
    changes: int | None = Field(
        None, ge=30, description="what a run did to customers, which programs follow, since that"
    )
    runs: int | None = Field(
        None, ge=30, description="that there was a run; not before all else that it left"
    )
    audits: int | None = Field(None, ge=1, description="what an audit found, since that")
    items: int | None = Field(
        None, ge=30, description="a review item that closed unanswered, since it was due"
    )
    logs: int | None = Field(
        None, ge=1, description="logs below the data folder, since they were written to"
    )
    all_sources: Days = Days()
    sources: dict[str, Days] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _runs_stay_longest(self) -> Self:
        """What a run left is as old as the run: to know that, it must be known."""
        if self.runs is not None:
            left = ("snapshots", "reports", "metrics", "changes")
            later = [name for name in left if (getattr(self, name) or 0) > self.runs]
            if later:
                raise ValueError(f"runs must be kept as long as {later[0]}, or longer")
        return self

    def of(self, source: str) -> Days:
        """The days of a source: its own where it has one, else everybody's."""
        own = self.sources.get(source, Days())
        fields = self.all_sources.fields | own.fields
        return Days.model_validate(
            self.all_sources.model_dump() | own.model_dump(exclude_none=True) | {"fields": fields}
        )
