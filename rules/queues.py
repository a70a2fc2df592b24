"""Describe the review queues: what is at stake in an item, and by when it is due."""

from typing import Literal, Self

from pydantic import Field, model_validator

from rules.base import Rule

Level = Literal["account_manager", "administrator"]
"""Who is told of an item that is past due."""


class Escalation(Rule):
    """One step up for an item that nobody answered in time."""

    to: Level
    after_days: int = Field(ge=0, description="days past due")


class Queue(Rule):
    """One kind of review item."""

    title: str
    stake: float = Field(gt=0, description="what an item of this kind is worth, relative to others")
    due_days: int = Field(gt=0, description="days after its newest evidence arrived")
    manager_days: int = Field(
        0,
        ge=0,
        description="days for which the customer's account manager has it before all others",
    )
    escalation: tuple[Escalation, ...] = Field(
        (), description="who is told when it is past due, one step after the other"
    )
    second_look_from: int | None = Field(
        None,
        ge=1,
        description="records that each of two customers has, from which on a second person must "
        "agree before they become one; unset: one person is enough",
    )
    second_look_fields: tuple[str, ...] = Field(
        (), description="fields of which another value than the published one needs a second person"
    )

    blind_share: float = Field(
        0,
        ge=0,
        le=1,
        description="of its items, chosen by chance, shown to everybody without score",
    )
    twice_share: float = Field(
        0,
        ge=0,
        le=1,
        description="of its items, chosen by chance, judged by a second person unasked",
    )
    bulk_most: int = Field(
        0,
        ge=0,
        le=200,
        description="items with one agreement pattern that may be answered at once; 0: one by one",
    )
    bulk_sample: int = Field(
        3, ge=1, le=10, description="of these, how many must have been opened before"
    )

    @model_validator(mode="after")
    def _goes_up_in_time(self) -> Self:
        steps = [step.after_days for step in self.escalation]
        if steps != sorted(set(steps)) or len({step.to for step in self.escalation}) < len(steps):
            raise ValueError("each step of an escalation comes later, and to somebody else")
        if self.manager_days > self.due_days:
            raise ValueError("manager_days may not be more than due_days: nobody else would see it")
        return self


class Queues(Rule):
    """Every kind of review item has its queue."""

    match: Queue
    cluster: Queue
    conflict: Queue
    quarantine: Queue
    delivery: Queue
