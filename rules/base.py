"""The shape that all rule models share."""

from pydantic import BaseModel, ConfigDict


class Rule(BaseModel):
    """Frozen, and closed to keys it does not know, so that a misspelt key stops the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")
