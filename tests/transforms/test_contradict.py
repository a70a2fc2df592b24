"""Two who contradict each other in a birth date, and a third who states none."""

from itertools import combinations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from rules.matching import Clustering
from transforms.cluster import Clusters, cluster
from transforms.compare import COMPARISONS
from transforms.contradict import Detail, Said, details_of
from transforms.groups import Apart

MADE_UP = settings(max_examples=40, deadline=None, derandomize=True)
Pair = tuple[int, int]
DETAIL = Detail("birth_date", customer=-8.0, kinship=0.0)
BITS = {"agree": 14.0, "contradict": -8.0, "unstated": 0.0}
LINK = 0.5


def said(pairs: dict[Pair, tuple[float, str]], *, is_reversed: bool = False) -> Said:
    """Pairs with their match weight and what they say of birth dates."""
    rows = [
        {
            "record_a": one,
            "record_b": other,
            "match_weight": weight,
            "against": weight,
            "is_link": weight >= LINK,
            "is_opposed": weight < 0,
            "is_bare": False,
            "is_at_home": False,
            "is_in_family": False,
            "evidence": weight,
            "kinship": -100.0,
            "w_birth_date": BITS[date],
            "level_birth_date": -1 if date == "unstated" else 0,
        }
        for (one, other), (weight, date) in list(pairs.items())[:: -1 if is_reversed else 1]
    ]
    schema = {"record_a": pl.Int64, "record_b": pl.Int64}
    return Said(pl.DataFrame(rows, schema_overrides=schema), (DETAIL,), 0.0)


def clustered(said: Said, rules: Clustering) -> Clusters:
    numbers = pl.concat([said.pairs["record_a"], said.pairs["record_b"]]).unique()
    nothing = said.links().clear().select("record_a", "record_b")
    keys = pl.DataFrame(schema={"record_number": pl.Int64, "source": pl.String})
    return cluster(numbers, said.links(), nothing, Apart(nothing, keys, said), rules)


def homes(found: Clusters) -> dict[int, int]:
    return dict(found.members.sort("record_number").select("record_number", "founder").iter_rows())


THREE = {(1, 2): (9.0, "unstated"), (2, 3): (7.0, "unstated")}


def test_a_record_without_a_birth_date_does_not_join_two_who_contradict_each_other() -> None:
    pairs = said({**THREE, (1, 3): (0.2, "contradict")})

    found = clustered(pairs, Clustering())

    assert homes(found) == {1: 1, 2: 1, 3: 3}
    assert found.refusals.select("record_a", "record_b", "why").rows() == [(2, 3, "weak_average")]


@pytest.mark.parametrize("date", ["agree", "unstated"])
def test_it_joins_two_who_do_not(date: str) -> None:
    pairs = said({**THREE, (1, 3): (0.2, date)})

    assert homes(clustered(pairs, Clustering())) == {1: 1, 2: 1, 3: 1}


def test_a_slip_of_less_than_the_limit_contradicts_nothing() -> None:
    pairs = said({**THREE, (1, 3): (0.2, "contradict")})

    assert homes(clustered(pairs, Clustering(contradiction=8.5))) == {1: 1, 2: 1, 3: 1}


def test_one_odd_date_among_many_that_agree_does_not_part_a_customer() -> None:
    strong = dict.fromkeys(combinations((1, 2, 3), 2), (9.0, "agree"))
    odd = {(1, 5): (4.0, "agree"), (2, 5): (4.0, "agree"), (3, 5): (4.0, "contradict")}

    assert set(homes(clustered(said({**strong, **odd}), Clustering())).values()) == {1}


def test_what_links_two_all_the_same_is_strong_enough_to_carry_the_contradiction() -> None:
    pairs = said(
        {(1, 2): (9.9, "unstated"), (2, 3): (30.0, "unstated"), (1, 3): (2.0, "contradict")}
    )

    assert homes(clustered(pairs, Clustering())) == {1: 1, 2: 1, 3: 1}


def test_the_details_of_a_model_are_those_in_which_people_of_a_household_differ() -> None:
    level = {"m_probability": 0.25, "u_probability": 0.5}
    names = list(COMPARISONS)
    model = {
        "comparisons": [
            {"output_column_name": name, "comparison_levels": [{}, level, level]} for name in names
        ],
        "kinship": {"shares": {name: [0.5, 0.5] for name in names}},
    }

    assert details_of(model) == (
        Detail("first_name", -1.0, 0.0),
        Detail("middle_name", -1.0, 0.0),
        Detail("birth_date", -1.0, 0.0),
        Detail("account", -1.0, 0.0),
        Detail("person_number", -1.0, 0.0),
    )


@MADE_UP
@given(
    pairs=st.dictionaries(
        st.sampled_from(list(combinations(range(1, 8), 2))),
        st.tuples(st.sampled_from([-6.0, 0.2, 3.0, 7.0, 9.5]), st.sampled_from(list(BITS))),
        min_size=1,
        max_size=21,
    )
)
def test_the_order_of_pairs_does_not_matter(pairs: dict[Pair, tuple[float, str]]) -> None:
    one = clustered(said(pairs), Clustering())
    other = clustered(said(pairs, is_reversed=True), Clustering())

    assert_frame_equal(one.members, other.members, check_row_order=False)
    assert_frame_equal(one.refusals, other.refusals, check_row_order=False)
