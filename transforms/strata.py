"""Weigh stored pairs, and draw some of each stratum by lot, as SQL over a table of pairs.

The lot of a pair is worked out from its records' arrival numbers and the name of the model, so the
same pairs are drawn in a rebuild, each night draws nearly those of the night before, and a new
model draws others. Which pairs these are has nothing to do with what they weigh.
"""

import hashlib
from typing import NamedTuple

from rules.matching import Thresholds
from rules.queues import Samples
from transforms.judge import STRATA, floors

_MOST, _ROWS = 2**32, 1_000_000_000


class Drawing(NamedTuple):
    """By what pairs are drawn."""

    rule: Samples
    thresholds: Thresholds
    prior: float
    salt: str
    """The name of the model."""


def weight_sql(prior: float) -> str:
    """The match weight of a stored pair, as `transforms.match.match_weight` works it out."""
    household = f"(kinship + {prior})"
    return f"(evidence + {prior} - greatest({household}, 0) - log2(1 + pow(2, -abs({household}))))"


def stratum_sql(thresholds: Thresholds) -> str:
    """The stratum of a pair by its `weight`, as `transforms.judge.stratum` says it."""
    least = floors(thresholds)
    cases = " ".join(f"when weight >= {low} then '{name}'" for name, low in least.items())
    return f"case {cases} else '{STRATA[-1]}' end"


def sample_name_sql(one: str, other: str) -> str:
    """The name of the item that asks about two records because chance drew them."""
    named = f"array_to_string(list_sort([{one}, {other}]), chr(31))"
    return f"'I-' || upper(substr(md5('sample' || chr(31) || {named}), 1, 10))"


def said_sql() -> str:
    """What people said of pairs: record_a, record_b, is_same, and is_sample: chance had it asked.

    Wants `decided` (record_id_a, record_id_b, is_same) and `answered` (item_id), the items that
    decisions answer. A pair that was asked by chance stays one, whatever is said of it later.
    """
    return f"""
        select least(a.record_number, b.record_number) as record_a,
            greatest(a.record_number, b.record_number) as record_b, d.is_same,
            {sample_name_sql("a.record_id", "b.record_id")}
                in (select item_id from answered) as is_sample
        from decided d join crosswalk a on a.record_id = d.record_id_a
        join crosswalk b on b.record_id = d.record_id_b"""


def drawn_sql(pairs: str, by: Drawing) -> str:
    """The pairs of each stratum that have the lowest lots: stratum, pairs (of how many), turn,
    record_a, record_b, weight. Wants `otherwise` (record_a, record_b), which are left out.

    A lot is a number below 2^32 that tells nothing of the pair: MurmurHash3's finaliser.
    """
    return f"""
        with weighed as (
            select record_a, record_b, {weight_sql(by.prior)} as weight,
                (({_spread("record_a", 2654435761)} + {_spread("record_b", 1597334677)}
                    + {_seed(by.salt)}) % {_MOST})::ubigint as lot_0
            from {pairs} anti join otherwise using (record_a, record_b)),
        once as (select *, (xor(lot_0, lot_0 >> 16) * 2246822507) % {_MOST} as lot_1 from weighed),
        twice as (select *, (xor(lot_1, lot_1 >> 13) * 3266489909) % {_MOST} as lot_2 from once),
        lots as (
            select record_a, record_b, weight, {stratum_sql(by.thresholds)} as stratum,
                xor(lot_2, lot_2 >> 16) as lot
            from twice),
        lowest as (
            select stratum, count(*) as pairs, min({{
                'lot': lot, 'record_a': record_a, 'record_b': record_b, 'weight': weight
            }}, {max(by.rule.each, 1)}) as few
            from lots group by stratum),
        every as (select stratum, pairs, unnest(few, recursive := true) from lowest)
        select stratum, pairs, record_a, record_b, weight,
            row_number() over (partition by stratum order by lot, record_a, record_b) as turn
        from every
        qualify turn <= least({by.rule.each}, floor({by.rule.share} * pairs))
        order by stratum, turn"""


def _spread(number: str, factor: int) -> str:
    """An arrival number, the delivery's times 10^9 and the row's, over all bits that there are."""
    return f"{number} % {_ROWS} * {factor} + {number} // {_ROWS} * {factor % 1_000_003}"


def _seed(salt: str) -> int:
    return int.from_bytes(hashlib.sha256(salt.encode()).digest()[:4], "big")
