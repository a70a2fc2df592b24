"""Tell how far a run strayed from what its model was trained on, with the limits of the rules."""

from typing import NamedTuple

from rules.matching import Drift
from steward.desk.words import plain
from store.opened import Snapshot

DRIFT = {
    "growth": "records, in times of those the model knows",
    "smallness": "records the model knows, in times of these",
    "unseen": "records that the model has not seen",
    "review_share": "share of pairs that people are asked about",
    "level_shift": "other agreement than in training",
    "unlinkable_share": "share of records that say too little",
    "largest_customer": "records of the largest customer",
    "pairs_per_record": "pairs kept for each record",
}
"""Measures of drift, as `[drift]` of rules/matching.toml calls their limits, in words."""


class Measured(NamedTuple):
    """A measure of drift."""

    measure: str
    field: str
    """The comparison it is of, or `match` for matching as a whole."""
    value: float
    limit: float

    @property
    def title(self) -> str:
        """What it measures, in words."""
        of = "" if self.field == "match" else f": {plain(self.field)}"
        return DRIFT[self.measure] + of

    @property
    def is_past(self) -> bool:
        """Whether a run warns."""
        return self.value > self.limit


def drift_of(snapshot: Snapshot, run_id: str, limits: Drift) -> list[Measured]:
    """What was measured against the model, what is past its limit first.

    Of what is measured for each comparison the one that strayed furthest is told, and all that are
    past the limit.
    """
    rows = snapshot.rows(
        "select measure, field, value from metrics where run_id = $run_id and source is null "
        "and measure = any($measures) order by value desc, field",
        {"run_id": run_id, "measures": list(DRIFT)},
    )
    most = limits.model_dump()
    found: dict[str, list[Measured]] = {}
    for row in rows:
        told = found.setdefault(row["measure"], [])
        one = Measured(row["measure"], row["field"], row["value"], most[row["measure"]])
        if one.is_past or not told:
            told.append(one)
    every = [one for name in DRIFT for one in found.get(name, [])]
    return sorted(every, key=lambda one: not one.is_past)
