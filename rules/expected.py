"""Say what must come of a feed's sample: `expected.toml` beside it, for `touchstone feed check`."""

from typing import Self

from pydantic import Field, model_validator

from rules.base import Rule


class ExpectedCounts(Rule):
    """How the rows of the sample are shared out."""

    rows: int = Field(ge=0)
    records: int = Field(ge=0, description="by key; one that the sample deletes counts too")
    quarantined: int = Field(ge=0)


class ExpectedRow(Rule):
    """A row that must end in quarantine."""

    row_number: int = Field(ge=1)
    reasons: tuple[str, ...] = Field(min_length=1)


class Expected(Rule):
    """What must come of a sample. A field that a record does not name may be anything."""

    counts: ExpectedCounts
    record: tuple[dict[str, str | int], ...] = Field(
        (), description="source_key or row_number, and values; an empty text means: missing"
    )
    quarantined: tuple[ExpectedRow, ...] = ()

    @model_validator(mode="after")
    def _records_are_named(self) -> Self:
        if any(not {"source_key", "row_number"} & record.keys() for record in self.record):
            raise ValueError("each record needs its source_key, or its row_number")
        return self
