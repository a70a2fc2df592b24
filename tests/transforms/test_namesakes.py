"""A name alone joins two records, but not two customers who differ, nor several of that name."""

from itertools import combinations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from rules.matching import Clustering
from transforms.cluster import Clusters, cluster
from transforms.contradict import Said
from transforms.edges import names_alone
from transforms.groups import Apart
from transforms.namesakes import bits_asked

MADE_UP = settings(max_examples=60, deadline=None, derandomize=True)
Pair = tuple[int, int]
LINK = 1.0
NAME, MAILBOX, OTHER = 5.0, 19.0, -4.0
"""What a shared name, a shared mailbox and another mailbox weigh."""
RULES = Clustering(name_alone=1.5)
PAIRS = {"record_a": pl.Int64, "record_b": pl.Int64}


def said(names: dict[Pair, float], mailboxes: dict[Pair, float]) -> Said:
    """Pairs of one name, with what the name weighs, and what their mailboxes do where both say."""
    rows = [
        (*pair, names.get(pair, 0.0), mailboxes.get(pair, 0.0)) for pair in {**names, **mailboxes}
    ]
    pairs = pl.DataFrame(
        rows, schema=PAIRS | {"name": pl.Float64, "w_email": pl.Float64}, orient="row"
    )
    weight = pl.col("name") + pl.col("w_email")
    meant = pairs.with_columns(
        match_weight=weight,
        against=weight,
        is_link=weight >= LINK,
        is_opposed=weight < 0,
        is_bare=pl.col("w_email") <= 0,
        is_at_home=pl.col("w_email") <= 0,
        is_in_family=pl.col("w_email") <= 0,
        evidence=weight,
        kinship=pl.lit(-100.0),
    )
    return Said(meant, (), 0.0, ("w_email",))


def clustered(
    said: Said, *must: Pair, rules: Clustering = RULES, only: list[int] | None = None
) -> Clusters:
    numbers = pl.concat([said.pairs["record_a"], said.pairs["record_b"]]).unique()
    records = numbers if only is None else pl.Series(only, dtype=pl.Int64)
    keys = pl.DataFrame(schema={"record_number": pl.Int64, "source": pl.String})
    apart = Apart(pl.DataFrame(schema=PAIRS), keys, said)
    decided = pl.DataFrame(must, schema=PAIRS, orient="row")
    return cluster(records, said.links(), decided, apart, rules)


def homes(found: Clusters) -> dict[int, int]:
    return dict(found.members.sort("record_number").select("record_number", "founder").iter_rows())


def all_of_one_name(*records: int) -> dict[Pair, float]:
    return dict.fromkeys(combinations(records, 2), NAME)


def test_two_records_of_a_rare_name_are_one_customer() -> None:
    assert homes(clustered(said(all_of_one_name(1, 2), {}))) == {1: 1, 2: 1}


def test_a_name_that_says_too_little_joins_nobody_and_is_a_question() -> None:
    found = clustered(said({(1, 2): 1.2}, {}))

    assert homes(found) == {1: 1, 2: 2}
    assert found.refusals.select("record_a", "record_b", "why").rows() == [(1, 2, "name_alone")]


def test_what_says_more_than_a_name_needs_no_more_than_a_link() -> None:
    assert homes(clustered(said({}, {(1, 2): 1.2}))) == {1: 1, 2: 1}


def test_what_else_is_known_of_two_customers_counts_against_their_name() -> None:
    customers = {(1, 2): MAILBOX, (3, 4): MAILBOX}
    name = {(1, 3): NAME}

    assert set(homes(clustered(said(name, customers))).values()) == {1}

    found = clustered(said(name, {**customers, (2, 4): OTHER}))
    assert homes(found) == {1: 1, 2: 1, 3: 3, 4: 3}
    assert found.refusals.select("record_a", "record_b", "why").rows() == [(1, 3, "name_alone")]


def test_a_detail_differs_as_little_as_between_the_two_records_most_alike_in_it() -> None:
    mailboxes = {(1, 2): MAILBOX, (3, 4): MAILBOX, (1, 4): OTHER, (2, 4): 0.8}

    found = clustered(said({(1, 3): NAME}, mailboxes))

    assert "name_alone" not in found.refusals["why"].to_list()


def test_of_several_customers_of_one_name_none_is_joined_by_it() -> None:
    names = dict.fromkeys(combinations((1, 2, 3, 4), 2), 3.0)

    assert homes(clustered(said(names, {}))) == {1: 1, 2: 2, 3: 3, 4: 4}
    assert set(homes(clustered(said(names, {(1, 2): MAILBOX, (3, 4): MAILBOX}))).values()) == {1}


def test_records_that_more_than_a_name_holds_together_are_one_namesake() -> None:
    names = dict.fromkeys(combinations((1, 2, 3), 2), 2.0)

    assert len(set(homes(clustered(said(names, {}))).values())) == 3
    assert set(homes(clustered(said(names, {(1, 2): MAILBOX}))).values()) == {1}


def test_what_a_person_decided_stands_whatever_a_name_says() -> None:
    found = clustered(said({(1, 2): 1.2}, {}), (1, 2))

    assert homes(found) == {1: 1, 2: 1}
    assert found.refusals.is_empty()


def test_a_file_asks_for_as_many_bits_of_a_name_as_keep_wrong_joins_few() -> None:
    weights = pl.Series([1.0, 5.0, 3.0])  # wrong by their odds: 1/3, 1/33 and 1/9

    assert bits_asked(weights, customers=100, share=0.005) == 0.0
    assert bits_asked(weights, customers=100, share=0.002) == 1.1
    assert bits_asked(weights, customers=100, share=0.001) == 3.1
    assert bits_asked(weights.clear(), customers=100, share=0.001) == 0.0


def test_what_names_say_is_weighed_between_customers_and_less_their_namesakes() -> None:
    meant = said({(1, 3): 6.0, (2, 4): 5.0, (3, 4): 5.0}, {(1, 2): MAILBOX})
    numbers = pl.Series([1, 2, 3, 4], dtype=pl.Int64)
    keys = pl.DataFrame(schema={"record_number": pl.Int64, "source": pl.String})
    nothing = pl.DataFrame(schema=PAIRS)

    found = names_alone(numbers, meant.links(), nothing, Apart(nothing, keys, meant), RULES)

    assert sorted(found.round(3)) == [3.415, 3.415, 4.415]  # three of a name: three pairs


@st.composite
def pairs_of_records(draw: st.DrawFn) -> Said:
    pair = st.sampled_from(list(combinations(range(1, 9), 2)))
    names = draw(st.dictionaries(pair, st.sampled_from([0.5, 1.2, 2.0, 4.0, 6.0]), min_size=1))
    mailboxes = draw(st.dictionaries(pair, st.sampled_from([OTHER, 1.5, MAILBOX])))
    return said(names, mailboxes)


@MADE_UP
@given(pairs=pairs_of_records())
def test_the_order_of_pairs_does_not_matter(pairs: Said) -> None:
    turned = pairs._replace(pairs=pairs.pairs.reverse())

    one, other = clustered(pairs), clustered(turned)

    assert_frame_equal(one.members, other.members, check_row_order=False)
    assert_frame_equal(one.refusals, other.refusals, check_row_order=False)


@MADE_UP
@given(pairs=pairs_of_records())
def test_each_component_comes_out_as_it_does_beside_all_others(pairs: Said) -> None:
    whole = clustered(pairs).members

    for of in whole.partition_by("component"):
        alone = clustered(pairs, only=of["record_number"].to_list()).members
        assert_frame_equal(alone, of, check_row_order=False)
