"""Describe the review queues: what is at stake in an item, and by when it is due."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field, model_validator

from rules.base import Rule

Level = Literal["account_manager", "administrator"]
"""Who is told of an item that is past due."""


SAMPLE = "sample"
"""Why an item is asked that chance drew; who answers it is shown no score and no customer."""


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

    ask_days: int = Field(
        0,
        ge=0,
        le=366,
        description="days for which an item waits when its customer is asked, unless a day is "
        "chosen; 0: there is nobody to ask",
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


class Order(Rule):
    """What comes first: impact times uncertainty, and more the longer an item waits.

    Impact is log(1 + stake + per_campaign x campaigns + per_identifier if one would change).
    """

    per_campaign: float = Field(
        5.0, ge=0, description="for each campaign that the customers of an item have records of"
    )
    per_identifier: float = Field(
        20.0, ge=0, description="for a conflict about a field of `second_look_fields`"
    )
    ageing_days: float = Field(
        14.0,
        gt=0,
        description="waiting so many days adds 1, and what is due has 1; the same for all kinds, "
        "so that time changes the order of no two items",
    )

    def urgency(self, priority: float, due_at: datetime) -> float:
        """By what items are ordered, higher first: priority and ageing but for what time adds."""
        return round(priority - self._days(due_at) / self.ageing_days, 6)

    def priority_at(self, urgency: float, now: datetime) -> float:
        """Priority and ageing of an item by its urgency."""
        return urgency + 1 + self._days(now) / self.ageing_days

    @staticmethod
    def _days(moment: datetime) -> float:
        return moment.timestamp() / 86_400


class Samples(Rule):
    """Which pairs people judge blind, so that linking can be measured without truth."""

    each: int = Field(
        40,
        ge=0,
        le=1_000,
        description="pairs of each stratum of match weight that are drawn by lot; 0: none",
    )
    share: float = Field(
        0.05,
        gt=0,
        le=1,
        description="of a stratum at most so much is drawn, and so much is added to a queue",
    )


class Large(Rule):
    """Which refused links are too large for whoever comes next."""

    records: int = Field(
        200,
        ge=2,
        description="behind the two customers of a refused link; with more of them it is the "
        "administrators' alone",
    )


class Queues(Rule):
    """Every kind of review item has its queue."""

    order: Order = Order()
    samples: Samples = Samples()
    large: Large = Large()
    match: Queue
    cluster: Queue
    conflict: Queue
    quarantine: Queue
    delivery: Queue
    entry: Queue = Queue(
        title="Is this entry that customer?",
        stake=5.0,
        due_days=1,
        ask_days=3,
        escalation=(Escalation(to="administrator", after_days=0),),
    )
    publication: Queue = Queue(
        title="Publish what is held back",
        stake=20.0,
        due_days=1,
        escalation=(Escalation(to="administrator", after_days=0),),
    )

    @property
    def kinds(self) -> dict[str, Queue]:
        """The queues by the kind of their items."""
        return {name: value for name, value in self if isinstance(value, Queue)}
