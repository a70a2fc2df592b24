"""Score a sample of the stored pairs again, and say which do not come out as they are stored.

The evidence of a pair is worked out once and kept for as long as its records say the same. This
proves that what is kept is still what the records and the model say: a disk that lost a bit, a
table that was changed by hand or a version that compares otherwise would show nowhere else.
"""

from datetime import datetime
from typing import NamedTuple

import polars as pl

from flows import ledger
from flows.digests import READING, changed_parts, digests
from flows.evidence import model_of
from flows.stages.match import read_scored_nodes
from store.rulebook import Rulebook
from store.warehouse import Warehouse
from transforms.match import band, match_weight, score_given

PAIR = ["record_a", "record_b"]
ROUNDING = 1e-6
"""So much two sums of the same numbers may differ."""
LOOKED_AT = 200_000
"""Pairs, chosen by chance, of which each band's sample is drawn."""
NAMED = 20
CHANGED = (
    "not scored again: the rules, the model or a library changed since the last run; "
    "the next run scores every pair anew"
)


class Rescored(NamedTuple):
    """What came of it."""

    pairs: dict[str, int]
    """How many of each band were scored again."""
    differing: int = 0
    """How many are not as they are stored."""
    moved: int = 0
    """How many of these would be of another band."""
    largest: float = 0.0
    """The largest difference of a match weight."""
    examples: tuple[tuple[int, int], ...] = ()
    """The record numbers of some that differ."""
    skipped: str | None = None
    """Why nothing was scored again."""

    def wrong(self, limit: int) -> str:
        """What is wrong and what to do, if more than so many differ."""
        if self.differing <= limit:
            return ""
        return (
            f"{self.differing:,} of {sum(self.pairs.values()):,} pairs are not stored as their "
            f"records are scored now ({self.moved:,} are of another band, the largest difference "
            f"is {self.largest:g}); run `touchstone rebuild`, which scores all anew, and check "
            "the disk."
        )


def rescore(warehouse: Warehouse, rulebook: Rulebook, now: datetime, most_of_each: int) -> Rescored:
    """Score so many pairs of each band again; another sample each day, the same all day."""
    if changed_parts(ledger.last_digests(warehouse), digests(rulebook)) & {*READING}:
        return Rescored({}, skipped=CHANGED)
    stored = _sample(warehouse, rulebook, f"{now:%Y-%m-%d}", most_of_each)
    if stored.is_empty():
        return Rescored({})
    numbers = pl.concat([stored["record_a"], stored["record_b"]]).unique().sort()
    wanted = numbers.alias("record_number").to_frame()
    nodes = read_scored_nodes(rulebook, warehouse, "wanted", wanted=wanted)
    again = score_given(nodes, stored.select(PAIR), model_of(rulebook), rulebook.matching)
    counted = stored.group_by("band").len().sort("band")
    return _compared(stored, again, rulebook, dict(counted.iter_rows()))


def _sample(warehouse: Warehouse, rulebook: Rulebook, seed: str, most_of_each: int) -> pl.DataFrame:
    """Stored pairs of each band, chosen by chance that the seed decides."""
    if not warehouse.has("match.pairs"):
        return pl.DataFrame()
    every = max(1, warehouse.one("select count(*) from match.pairs") // LOOKED_AT)
    some = warehouse.read(
        f"select *, hash(record_a, record_b, '{seed}') as drawn from match.pairs "
        f"where drawn % {every} = 0 order by drawn, record_a, record_b"
    )
    bands = band(rulebook.model.manifest.prior, rulebook.matching.thresholds)
    chosen = some.with_columns(band=bands).group_by("band", maintain_order=True).head(most_of_each)
    return chosen.drop("drawn")


def _compared(
    stored: pl.DataFrame, again: pl.DataFrame, rulebook: Rulebook, counts: dict[str, int]
) -> Rescored:
    """Pair by pair; one that cannot be scored at all, for want of a record, differs too."""
    prior, thresholds = rulebook.model.manifest.prior, rulebook.matching.thresholds
    weighed = [
        frame.with_columns(weight=match_weight(prior), band=band(prior, thresholds))
        for frame in (stored, again)
    ]
    both = weighed[0].join(weighed[1], on=PAIR, how="left", suffix="_again")
    same = [
        (pl.col(name).cast(pl.Float64) - pl.col(f"{name}_again").cast(pl.Float64)).abs() <= ROUNDING
        for name in again.columns
        if name not in {*PAIR, "found_by"}
    ]
    differ = both.filter(~pl.all_horizontal(each.fill_null(value=False) for each in same))
    gap = differ.select((pl.col("weight") - pl.col("weight_again")).abs().max()).item()
    moved = differ.filter(pl.col("band").ne_missing(pl.col("band_again"))).height
    examples = tuple(differ.select(PAIR).sort(PAIR).head(NAMED).iter_rows())
    return Rescored(counts, differ.height, moved, round(float(gap or 0.0), 6), examples)
