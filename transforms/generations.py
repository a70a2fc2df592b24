"""Tell father and son of one name apart by what follows their names.

Who is called Jr has somebody of that name in the family, and often the same address. So where one
of two groups of records says Jr and the other does not, name and home are alike whether they are
one person or two, and what holds them together must be something else: a mailbox, a telephone, a
birth date.
"""

import polars as pl

from transforms.components import GROUPS, between, grouped
from transforms.contradict import Said

PAIR = ("record_a", "record_b")
_NUMBERS = {"sr": 1, "jr": 2, "ii": 2, "iii": 3, "iv": 4}
SCHEMA: dict[str, type[pl.DataType]] = {"record_number": pl.Int64, "generation": pl.Int8}


def generations(records: pl.DataFrame) -> pl.DataFrame:
    """Which generation records say: record_number, generation (1 is Sr; none where they do not).

    records: record_number, suffix.
    """
    stated = records.select("record_number", "suffix").drop_nulls("suffix")
    return stated.select("record_number", generation=generation_of("suffix")).drop_nulls()


def generation_of(suffix: str) -> pl.Expr:
    """The generation that a column of suffixes says, or null."""
    word = pl.col(suffix).str.to_lowercase().str.extract(r"\b(sr|jr|ii|iii|iv)\b")
    return word.replace_strict(_NUMBERS, default=None, return_dtype=pl.Int8)


def at_odds(
    parts: pl.DataFrame,
    links: pl.DataFrame,
    decided: pl.DataFrame,
    said: Said,
    least: float,
) -> pl.DataFrame:
    """The links (record_a, record_b) between two of one name, of whom one says a generation.

    What says more than name and home is put together first, so that each record of a person has
    what one of them says. A telephone of two who contradict each other by `least` bits is a home's.

    parts: record_number, component, generation; links, decided: record_a, record_b of what holds
    the records together, the latter by people's word.
    """
    stated = parts.drop_nulls("generation").select("record_number", "generation")
    if stated.is_empty():
        return links.select(PAIR).clear()
    marked = parts.join(stated, on="record_number", how="semi")["component"].unique()
    here = parts.filter(pl.col("component").is_in(marked.implode()))["record_number"]
    links = links.select(PAIR).filter(pl.col("record_a").is_in(here.implode()))
    called = links.join(said.by_telephone(), on=PAIR, how="semi")
    at_home = pl.concat(
        [
            links.join(said.at_home(), on=PAIR, how="semi"),
            _of_a_home(called, grouped(here, called), said.contradictions(least)),
        ]
    )
    held = pl.concat([links.join(at_home, on=PAIR, how="anti"), decided.select(PAIR)])
    groups = grouped(here, held.filter(pl.col("record_a").is_in(here.implode())))
    joined = between(at_home, groups)
    others = _others(groups, joined.select(GROUPS).unique(), stated)
    return joined.join(others, on=GROUPS, how="semi").select(PAIR)


def _of_a_home(
    called: pl.DataFrame, groups: pl.DataFrame, contradictions: pl.DataFrame
) -> pl.DataFrame:
    """The links by telephone in groups of which two records contradict each other."""
    of = [
        contradictions.select(record_number=end).join(
            groups, on="record_number", how="left", maintain_order="left"
        )["group"]
        for end in PAIR
    ]
    families = of[0].filter(of[0] == of[1]).unique()
    ends = called.join(groups, left_on="record_a", right_on="record_number")
    return ends.filter(pl.col("group").is_in(families.implode())).select(PAIR)


def _others(groups: pl.DataFrame, pairs: pl.DataFrame, stated: pl.DataFrame) -> pl.DataFrame:
    """The pairs of groups (x, y) of which one says a generation, and the other not that one."""
    of_group = stated.join(groups, on="record_number").select("group", "generation").unique()
    of_x, of_y = (pairs.join(of_group, left_on=side, right_on="group") for side in GROUPS)
    both = of_x.join(of_y, on=[*GROUPS, "generation"]).select(GROUPS)
    return pl.concat([of_x, of_y]).select(GROUPS).unique().join(both, on=GROUPS, how="anti")
