"""Decisions rule the clusters: cannot-links are never inside one, must-links never between two."""

from itertools import combinations
from typing import NamedTuple

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from rules.matching import Clustering
from transforms.cluster import Clusters, cluster, pairs_to_weigh
from transforms.contradict import Said
from transforms.groups import Apart

Pair = tuple[int, int]
MADE_UP = settings(max_examples=40, deadline=None, derandomize=True)
RECORDS = range(1, 13)
PAIRS = list(combinations(RECORDS, 2))


class Graph(NamedTuple):
    links: dict[Pair, float]
    must: set[Pair]
    cannot: set[Pair]
    keys: dict[int, str]


def graphs() -> st.SearchStrategy[Graph]:
    pair = st.sampled_from(PAIRS)
    return st.builds(
        Graph,
        links=st.dictionaries(pair, st.sampled_from([3.0, 5.0, 9.5]), max_size=20),
        must=st.sets(pair, max_size=5),
        cannot=st.sets(pair, max_size=6),
        keys=st.dictionaries(st.sampled_from(RECORDS), st.sampled_from(["x", "y"]), max_size=8),
    )


def clustered(graph: Graph, *, is_reversed: bool = False) -> Clusters:
    step = -1 if is_reversed else 1
    pairs = {"record_a": pl.Int64, "record_b": pl.Int64}
    links = [(*pair, weight) for pair, weight in list(graph.links.items())[::step]]
    keys = {"record_number": pl.Int64, "source": pl.String}
    return cluster(
        pl.Series(list(RECORDS)[::step], dtype=pl.Int64),
        pl.DataFrame(links, schema=pairs | {"match_weight": pl.Float64}, orient="row"),
        pl.DataFrame(list(graph.must)[::step], schema=pairs, orient="row"),
        Apart(
            pl.DataFrame(list(graph.cannot)[::step], schema=pairs, orient="row"),
            pl.DataFrame(list(graph.keys.items())[::step], schema=keys, orient="row"),
        ),
        Clustering(),
    )


def homes(found: Clusters) -> dict[int, int]:
    return dict(found.members.select("record_number", "founder").iter_rows())


@MADE_UP
@given(graph=graphs())
def test_a_cannot_link_pair_never_shares_a_cluster(graph: Graph) -> None:
    home = homes(clustered(graph))

    assert all(home[one] != home[other] for one, other in graph.cannot)


@MADE_UP
@given(graph=graphs())
def test_a_must_link_is_apart_only_where_it_is_refused_by_name(graph: Graph) -> None:
    found = clustered(graph)

    home = homes(found)
    apart = {pair for pair in graph.must if home[pair[0]] != home[pair[1]]}
    refused = found.refusals.filter(why="cannot_link").select("record_a", "record_b").rows()
    assert apart <= set(refused)
    assert not apart or graph.cannot


@MADE_UP
@given(graph=graphs())
def test_two_keys_of_one_source_come_together_only_by_decision(graph: Graph) -> None:
    home = homes(clustered(graph._replace(must=set())))

    for one, other in combinations(sorted(graph.keys), 2):
        assert graph.keys[one] != graph.keys[other] or home[one] != home[other]


@MADE_UP
@given(graph=graphs())
def test_each_record_is_in_the_cluster_of_its_earliest_member(graph: Graph) -> None:
    found = clustered(graph).members

    assert sorted(found["record_number"]) == list(RECORDS)
    earliest = found.select(pl.col("record_number").min().over("founder"))
    assert earliest.to_series().to_list() == found["founder"].to_list()
    assert (found["component"] <= found["founder"]).all()


@MADE_UP
@given(graph=graphs())
def test_every_link_is_taken_or_refused(graph: Graph) -> None:
    found = clustered(graph)

    home = homes(found)
    refused = set(found.refusals.select("record_a", "record_b").rows())
    for pair in {*graph.links, *graph.must}:
        assert home[pair[0]] == home[pair[1]] or pair in refused


@MADE_UP
@given(graph=graphs())
def test_the_order_of_rows_does_not_matter(graph: Graph) -> None:
    one, other = clustered(graph), clustered(graph, is_reversed=True)

    assert_frame_equal(one.members, other.members, check_row_order=False)
    assert_frame_equal(one.refusals, other.refusals, check_row_order=False)


@MADE_UP
@given(graph=graphs())
def test_a_part_of_the_graph_that_nothing_touches_comes_out_the_same(graph: Graph) -> None:
    whole = clustered(graph)
    first = whole.members.filter(pl.col("component") == whole.members["component"].min())

    part = cluster(
        first["record_number"],
        pl.DataFrame(
            [(*pair, weight) for pair, weight in graph.links.items()],
            schema={"record_a": pl.Int64, "record_b": pl.Int64, "match_weight": pl.Float64},
            orient="row",
        ),
        pl.DataFrame(
            list(graph.must), schema={"record_a": pl.Int64, "record_b": pl.Int64}, orient="row"
        ),
        Apart(
            pl.DataFrame(
                list(graph.cannot),
                schema={"record_a": pl.Int64, "record_b": pl.Int64},
                orient="row",
            ),
            pl.DataFrame(
                list(graph.keys.items()),
                schema={"record_number": pl.Int64, "source": pl.String},
                orient="row",
            ),
        ),
        Clustering(),
    )

    assert_frame_equal(part.members, first, check_row_order=False)


def test_the_weakest_of_three_links_gives_way() -> None:
    graph = Graph({(1, 2): 9.5, (2, 3): 5.0, (1, 3): 3.0}, set(), {(1, 3)}, {})

    found = clustered(graph)

    assert homes(found)[2] == 1
    assert homes(found)[3] == 3
    assert found.refusals.select("record_a", "record_b", "why").rows() == [
        (2, 3, "cannot_link"),
        (1, 3, "cannot_link"),
    ]


WEIGHED = {"record_a": pl.Int64, "record_b": pl.Int64, "match_weight": pl.Float64}


def weighed(links: dict[Pair, float], opposed: dict[Pair, float], rules: Clustering) -> Clusters:
    frames = [
        pl.DataFrame([(*pair, weight) for pair, weight in some.items()], WEIGHED, orient="row")
        for some in (links, opposed)
    ]
    records = pl.Series(sorted({record for pair in links for record in pair}), dtype=pl.Int64)
    nothing = frames[0].clear().select("record_a", "record_b")
    keys = pl.DataFrame(schema={"record_number": pl.Int64, "source": pl.String})
    pairs = pl.concat(frames).with_columns(
        against="match_weight",
        is_link=pl.col("match_weight") >= 0,
        is_opposed=pl.col("match_weight") < 0,
        evidence="match_weight",
        kinship=pl.lit(-100.0),
        is_bare=pl.lit(value=False),
        is_at_home=pl.lit(value=False),
        is_in_family=pl.lit(value=False),
    )
    said = Said(pairs, (), 0.0)
    return cluster(records, said.links(), nothing, Apart(nothing, keys, said), rules)


def test_a_link_gives_way_where_the_rest_of_the_customer_speaks_against_it() -> None:
    links = {(1, 2): 9.0, (3, 4): 8.0, (2, 3): 4.0}

    found = weighed(links, {(1, 3): -6.0, (1, 4): -6.0}, Clustering())

    assert homes(found) == {1: 1, 2: 1, 3: 3, 4: 3}
    assert found.refusals.select("record_a", "record_b", "why").rows() == [(2, 3, "weak_average")]


def test_pairs_that_say_nothing_do_not_keep_records_apart() -> None:
    found = weighed({(1, 2): 9.0, (2, 3): 4.0}, {}, Clustering())

    assert set(homes(found).values()) == {1}


def test_no_single_pair_counts_for_more_than_the_limit() -> None:
    links = {(1, 2): 50.0, (2, 3): 50.0}

    assert homes(weighed(links, {(1, 3): -9.5}, Clustering(average=0.0)))[3] == 1
    assert homes(weighed(links, {(1, 3): -9.5}, Clustering(average=0.5)))[3] == 3


def test_joining_two_groups_takes_more_than_adding_a_lone_record() -> None:
    groups = {(1, 2): 9.0, (3, 4): 9.0, (2, 3): 3.0}
    rules = Clustering(average=0.7, average_of_groups=0.3)

    assert homes(weighed(groups, {}, rules)) == {1: 1, 2: 1, 3: 3, 4: 3}
    assert homes(weighed({(1, 2): 9.0, (2, 3): 3.0}, {}, rules)) == {1: 1, 2: 1, 3: 1}


def test_where_too_many_hang_together_the_weakest_links_are_let_go_and_named() -> None:
    chain = {(n, n + 1): 3.0 if n == 3 else 9.0 for n in range(1, 6)}

    found = weighed(chain, {}, Clustering(max_records=4))

    assert homes(found) == {1: 1, 2: 1, 3: 1, 4: 4, 5: 4, 6: 4}
    assert found.refusals.rows() == [(3, 4, 3.0, "too_many_records", 1)]
    assert set(found.members["component"]) == {1}


def test_only_pairs_inside_a_component_of_several_links_are_still_to_be_weighed() -> None:
    pairs = [(1, 2, 9.0), (2, 3, 9.0), (7, 8, 9.0)]
    links = pl.DataFrame(pairs, schema=WEIGHED, orient="row")
    records = pl.Series([1, 2, 3, 7, 8, 9])

    missing = pairs_to_weigh(records, links, links.clear(), links, Clustering())

    assert missing.rows() == [(1, 3)]


def test_a_record_that_fits_two_customers_stays_alone_and_is_a_question() -> None:
    links = {(1, 2): 20.0, (3, 4): 20.0, (2, 5): 6.0, (4, 5): 5.5}
    opposed = {(1, 3): -9.0, (2, 4): -9.0, (1, 4): -9.0, (2, 3): -9.0, (1, 5): -1.0, (3, 5): -1.0}

    found = weighed(links, opposed, Clustering(clear=1.0))

    assert homes(found) == {1: 1, 2: 1, 3: 3, 4: 3, 5: 5}
    assert found.refusals.select("record_a", "record_b", "why").sort("record_a").rows() == [
        (2, 5, "fits_two_customers"),
        (4, 5, "fits_two_customers"),
    ]


def test_a_record_that_fits_one_customer_clearly_better_is_of_it() -> None:
    links = {(1, 2): 20.0, (3, 4): 20.0, (2, 5): 7.0, (4, 5): 5.5}
    opposed = {(1, 3): -9.0, (2, 4): -9.0, (1, 4): -9.0, (2, 3): -9.0, (1, 5): -1.0, (3, 5): -1.0}

    found = weighed(links, opposed, Clustering(clear=1.0))

    assert homes(found) == {1: 1, 2: 1, 3: 3, 4: 3, 5: 1}


def test_records_that_a_person_put_together_fit_no_other_customer() -> None:
    graph = Graph({(1, 2): 9.0, (2, 3): 9.0}, {(1, 2)}, {(1, 3)}, {})

    assert homes(clustered(graph))[2] == 1
