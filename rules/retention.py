"""Say how long what is kept is kept, by source; `touchstone audit` removes what is older."""

from pydantic import Field

from rules.base import Rule


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
    audits: int | None = Field(None, ge=1, description="what an audit found, since that")
    logs: int | None = Field(
        None, ge=1, description="logs below the data folder, since they were written to"
    )
    all_sources: Days = Days()
    sources: dict[str, Days] = Field(default_factory=dict)

    def of(self, source: str) -> Days:
        """The days of a source: its own where it has one, else everybody's."""
        own = self.sources.get(source, Days())
        return Days.model_validate(
            self.all_sources.model_dump() | own.model_dump(exclude_none=True)
        )
