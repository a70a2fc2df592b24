"""Find what an erased person alone had of the values that people left out of matching.

Such a decision names its value by a digest, which can be tried out. It goes with the last who has
the value; while others have it, it holds for them, and only the record it was seen on is struck.
"""

import json
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from flows.erasing.people import People
from flows.stages.ignored import holders
from transforms.ignore import ignored_of, key_values, with_digests

if TYPE_CHECKING:
    from flows.erasing.plan import Where


class LeftOut(NamedTuple):
    """What goes with the person."""

    decisions: frozenset[int]
    digests: frozenset[str]
    """Of all that the person ever said and nobody else says: also of what was only proposed."""

    def tells(self, text: str) -> bool:
        """Whether a text names one of the values."""
        return any(digest in text for digest in self.digests)


def left_out_of(where: "Where", people: People, log: pl.DataFrame) -> LeftOut:
    """What was decided, or may have been proposed, of values that nobody else says."""
    lookups, numbers = where.rulebook.lookups, people.numbers["record_number"]
    said = key_values(people.versions.with_columns(record="number"), lookups)
    theirs = with_digests(said).select("contact", "digest").unique()
    found = holders(where.warehouse, lookups, ignored_of(theirs))
    others = found.filter(~pl.col("record").is_in(numbers.implode()))
    own = frozenset(theirs.join(others, on=["contact", "digest"], how="anti")["digest"])
    ignoring = log.filter(kind="ignore").select("decision_id", "subject").iter_rows()
    gone = {number for number, subject in ignoring if json.loads(subject)["digest"] in own}
    return LeftOut(frozenset(gone), own)
