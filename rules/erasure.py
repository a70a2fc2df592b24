"""Describe an erasure: what is left of a person who was erased, so that they do not come back.

It holds no personal data. Keys of records and what identified the person are digests that cannot be
made or tried without the installation's own key, and record numbers are places in the order of
arrival.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from rules.base import Rule


class Heir(Rule):
    """The record that carries on the name of a customer whose founder was erased."""

    record_number: int
    founder: int


class OldName(Rule):
    """A name that a customer had before, and would not be known to have had any more."""

    old: int
    record_number: int
    run_number: int
    why: str


class Erasure(Rule):
    """The tombstone of those who were erased together; also the plan by which it is done."""

    number: int
    state: Literal["begun", "done"] = "begun"
    erased_at: datetime
    asked_by: str
    keeps_out: bool = Field(
        True, description="whether they stay out when delivered again; not by retention"
    )
    after: int = Field(description="the last delivery that had arrived")
    run_id: str | None = Field(None, description="the run that carried it out")
    customers: tuple[str, ...] = Field(description="customers of whom nothing is left")
    records: dict[str, int] = Field(description="how many records of each source were erased")
    keys: tuple[str, ...] = Field(description="digests of source and source_key")
    evidence: tuple[str, ...] = Field(description="digests of a contact value with a name")
    hints: tuple[str, ...] = Field(description="digests by which a row is worth a closer look")
    domains: tuple[str, ...] = Field(description="digests of domains that nobody else had")
    names: tuple[str, ...] = Field(description="digests of name keys that nobody else had")
    rows: dict[int, tuple[int, ...]] = Field(description="rows in quarantine, by delivery number")
    cells: dict[str, dict[str, tuple[str, ...]]] = Field(
        default_factory=dict,
        description="by source and field, the digests of the keys of records that say it no more",
    )
    dropped: tuple[int, ...] = Field(description="deliveries erased whole: nobody can read them")
    entered: tuple[int, ...] = Field(description="deliveries that were in, and stay in")
    decisions: tuple[int, ...] = Field(description="decisions that name an erased record")
    voided: tuple[int, ...] = Field(description="decisions that had a value of the person")
    verdicts: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()
    heirs: tuple[Heir, ...] = ()
    old_names: tuple[OldName, ...] = ()
    removed: dict[str, int] = Field(default_factory=dict, description="counts, for the receipt")
