"""Describe the review queues: what is at stake in an item, and by when it is due."""

from pydantic import Field

from rules.base import Rule


class Queue(Rule):
    """One kind of review item."""

    title: str
    stake: float = Field(gt=0, description="what an item of this kind is worth, relative to others")
    due_days: int = Field(gt=0, description="days after its newest evidence arrived")


class Queues(Rule):
    """Every kind of review item has its queue."""

    match: Queue
    cluster: Queue
    conflict: Queue
    quarantine: Queue
    delivery: Queue
