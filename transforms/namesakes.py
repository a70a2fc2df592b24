"""Find links that rest on a name alone and cannot carry it.

Two records of one name that share nothing else are one person or two namesakes. The odds that the
model gives are those of the two records; what is known of their customers says more. Customers
whose other details differ are hardly one, even if the two records that hang together state none
of them. And where several customers have the name, not all of them can be one, and nothing says
which: k of them are k (k - 1) / 2 pairs, of which mostly one at best is right.

So what says more than a name is put together first. Between the groups that come of it, a name
weighs what the model gives it, less what differs, less log2 of the pairs of groups of that name.
"""

import math

import polars as pl

from transforms.components import GROUPS, between, grouped
from transforms.contradict import Said

PAIR = ("record_a", "record_b")


def unsupported(
    records: pl.Series, links: pl.DataFrame, decided: pl.DataFrame, said: Said, least: float
) -> pl.DataFrame:
    """The links (record_a, record_b) that rest on a name alone, which weighs less than `least`.

    links, decided: record_a, record_b of what holds the records together; people decided the
    latter.
    """
    bare, weights = weigh_names(records, links, decided, said)
    doubtful = weights.filter(pl.col("weight") < least)
    return bare.join(doubtful, on=GROUPS, how="semi").select(PAIR)


def weigh_names(
    records: pl.Series, links: pl.DataFrame, decided: pl.DataFrame, said: Said
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The links of a name alone (record_a, record_b, x, y), and what the name weighs between the
    groups that the other links make (x, y, weight). Arguments as of `unsupported`.
    """
    is_bare = links.select(PAIR).join(said.bare(), on=PAIR, how="semi")
    firm = links.select(PAIR).join(is_bare, on=PAIR, how="anti")
    groups = grouped(records, pl.concat([firm, decided.select(PAIR)]))
    bare = between(is_bare, groups)
    joins = bare.select(GROUPS).unique()
    pairs = between(said.pairs, groups).join(joins, on=GROUPS, how="semi")
    weighed = _weighed(pairs, said.apart_from_names).join(_namesakes(joins), on=GROUPS)
    of_all = pl.col("namesakes") * (pl.col("namesakes") - 1) / 2
    less = (pl.col("weight") - of_all.log(2)).round(6)
    return bare, weighed.select(*GROUPS, weight=less)


def bits_asked(weights: pl.Series, customers: int, share: float) -> float:
    """The fewest bits, in tenths, that a name must say so that few customers are two people.

    weights: what each name says that alone joins two groups. Of those taken, as many are wrong as
    the odds of the model say: at most that share of all customers.
    """
    ordered = weights.sort(descending=True)
    wrong = (1 / (1 + 2.0**ordered)).cum_sum()
    first = ordered.filter(wrong > share * customers).head(1)
    return math.floor(first.item() * 10 + 1) / 10 if len(first) else 0.0


def _weighed(pairs: pl.DataFrame, details: tuple[str, ...]) -> pl.DataFrame:
    """What a name weighs between two groups, less what differs: x, y, weight.

    A detail differs as little as between the two records that are most alike in it; one that
    weighs nothing is not stated.
    """
    stated = (pl.col(name).filter(pl.col(name) != 0.0).max() for name in details)
    differ = sum((bits.fill_null(0.0).clip(upper_bound=0.0) for bits in stated), pl.lit(0.0))
    name_alone = pl.col("match_weight") - sum((pl.col(name) for name in details), pl.lit(0.0))
    most = (bits.filter("is_bare").max() for bits in (pl.col("match_weight"), name_alone))
    best, name = most
    return pairs.group_by(GROUPS).agg(weight=pl.min_horizontal(best, name + differ))


def _namesakes(joins: pl.DataFrame) -> pl.DataFrame:
    """For each two groups how many there are that a name joins to either, with them: namesakes."""
    near = pl.concat(
        [joins, joins.select(x="y", y="x"), *(joins.select(x=side, y=side) for side in GROUPS)]
    ).rename({"x": "of", "y": "near"})
    found = (joins.join(near, left_on=side, right_on="of") for side in GROUPS)
    return (
        pl.concat(of.select(*GROUPS, "near") for of in found)
        .group_by(GROUPS)
        .agg(namesakes=pl.col("near").n_unique())
    )
