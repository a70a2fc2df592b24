"""Name what can be wrong with a row or a record, and what it means to a data steward."""

from pydantic import Field

from rules.base import Rule


class Check(Rule):
    """A reason for quarantine, in words."""

    says: str = Field(description="what is wrong when it fails, for a steward")
    do: str = Field(description="what to do about it")


class Quality(Rule):
    """All reasons, by name: faults of rows that cannot be read, checks of records that can."""

    faults: dict[str, Check]
    checks: dict[str, Check]
