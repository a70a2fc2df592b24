"""Describe the review queues: what is at stake in an item, and by when it is due."""

from pydantic import Field

from rules.base import Rule


class Queue(Rule):
    """One kind of review item."""

    title: str
    stake: float = Field(gt=0, description="what an item of this kind is worth, relative to others")
    due_days: int = Field(gt=0, description="days after its newest evidence arrived")
    second_look_from: int | None = Field(
        None,
        ge=1,
        description="records that each of two customers has, from which on a second person must "
        "agree before they become one; unset: one person is enough",
    )
    second_look_fields: tuple[str, ...] = Field(
        (), description="fields of which another value than the published one needs a second person"
    )


class Queues(Rule):
    """Every kind of review item has its queue."""

    match: Queue
    cluster: Queue
    conflict: Queue
    quarantine: Queue
    delivery: Queue
