"""Father and son of one name and one home are two, where one of them is called Jr."""

from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

import polars as pl
import pytest

from rules.matching import Clustering
from transforms.cluster import Clusters, cluster
from transforms.contradict import Detail, Said
from transforms.generations import generations
from transforms.groups import Apart

Pair = tuple[int, int]
NAME, HOME, MAILBOX, PHONE = 5.0, 15.0, 19.0, 18.0
PAIRS = {"record_a": pl.Int64, "record_b": pl.Int64}


BORN = Detail("birth_date", -7.0, 0.0)
WEIGHTS = ("w_address", "w_email", "w_phone", "w_birth_date")


class Shared(NamedTuple):
    """Which pairs share what, and which state birth dates that contradict each other."""

    homes: Iterable[Pair] = ()
    mailboxes: Iterable[Pair] = ()
    phones: Iterable[Pair] = ()
    born: Iterable[Pair] = ()


def said(shared: Shared, last: int) -> Said:
    """Records 1 to `last` of one name."""
    bits = (HOME, MAILBOX, PHONE, BORN.customer)
    rows = [
        (*pair, *(weight * (pair in of) for weight, of in zip(bits, shared, strict=True)))
        for pair in combinations(range(1, last + 1), 2)
    ]
    columns = PAIRS | dict.fromkeys(WEIGHTS, pl.Float64)
    pairs = pl.DataFrame(rows, schema=columns, orient="row")
    weight = NAME + pl.sum_horizontal(WEIGHTS)
    meant = pairs.with_columns(
        match_weight=weight,
        against=weight,
        is_link=weight > 0,
        level_birth_date=pl.when(pl.col("w_birth_date") < 0).then(1).otherwise(-1),
        is_opposed=pl.lit(value=False),
        is_bare=weight == NAME,
        is_at_home=(pl.col("w_email") == 0) & (pl.col("w_phone") == 0),
        is_in_family=pl.col("w_email") == 0,
        evidence=weight,
        kinship=pl.lit(-100.0),
    )
    return Said(meant, (BORN,), 0.0, WEIGHTS)


def clustered(
    suffixes: dict[int, str],
    *must: Pair,
    last: int,
    **shared: Iterable[Pair],
) -> Clusters:
    meant = said(Shared(**shared), last)
    stated = generations(
        pl.DataFrame(
            [*suffixes.items()],
            schema={"record_number": pl.Int64, "suffix": pl.String},
            orient="row",
        )
    )
    keys = pl.DataFrame(schema={"record_number": pl.Int64, "source": pl.String})
    apart = Apart(pl.DataFrame(schema=PAIRS), keys, meant, stated)
    records = pl.Series(range(1, last + 1), dtype=pl.Int64)
    decided = pl.DataFrame(must, schema=PAIRS, orient="row")
    return cluster(records, meant.links(), decided, apart, Clustering())


def homes_of(found: Clusters) -> dict[int, int]:
    return dict(found.members.sort("record_number").select("record_number", "founder").iter_rows())


def test_name_and_home_join_two_of_whom_none_says_a_generation() -> None:
    assert homes_of(clustered({}, homes=[(1, 2)], last=2)) == {1: 1, 2: 1}


@pytest.mark.parametrize(
    "suffixes", [{2: "Jr"}, {1: "Sr", 2: "Jr"}, {1: "Sr"}, {2: "III"}, {2: "Jr PhD"}]
)
def test_name_and_home_do_not_join_who_says_a_generation_with_who_does_not(
    suffixes: dict[int, str],
) -> None:
    found = clustered(suffixes, homes=[(1, 2)], last=2)

    assert homes_of(found) == {1: 1, 2: 2}
    assert found.refusals.select("record_a", "record_b", "why").rows() == [
        (1, 2, "another_generation")
    ]


@pytest.mark.parametrize("suffixes", [{1: "Jr", 2: "Jr"}, {1: "Jr", 2: "II"}, {2: "PhD"}])
def test_the_same_generation_or_a_degree_parts_nobody(suffixes: dict[int, str]) -> None:
    assert homes_of(clustered(suffixes, homes=[(1, 2)], last=2)) == {1: 1, 2: 1}


def test_a_mailbox_joins_whatever_follows_the_name() -> None:
    found = clustered({2: "Jr"}, homes=[(1, 2)], mailboxes=[(1, 2)], last=2)

    assert homes_of(found) == {1: 1, 2: 1}


def test_a_telephone_joins_whatever_follows_the_name() -> None:
    assert homes_of(clustered({2: "Jr"}, phones=[(1, 2)], last=2)) == {1: 1, 2: 1}


def test_a_telephone_of_two_with_other_birth_dates_is_the_home_s_and_joins_no_son() -> None:
    phones = [(1, 2), (1, 3), (2, 3)]
    found = clustered({3: "Jr"}, phones=phones, born=[(1, 3)], last=3)

    assert homes_of(found) == {1: 1, 2: 1, 3: 3}


def test_what_one_record_of_a_person_says_holds_for_the_others() -> None:
    homes = [(1, 2), (1, 4), (2, 4)]
    found = clustered({3: "Jr"}, homes=homes, mailboxes=[(1, 2), (3, 4)], last=4)

    assert homes_of(found) == {1: 1, 2: 1, 3: 3, 4: 3}


def test_a_person_decides_whatever_follows_the_name() -> None:
    found = clustered({2: "Jr"}, (1, 2), homes=[(1, 2)], last=2)

    assert homes_of(found) == {1: 1, 2: 1}
    assert found.refusals.is_empty()
