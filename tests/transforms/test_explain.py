from itertools import pairwise, permutations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.explain import Link, arrivals, odds, strongest_path

LINKS = st.lists(
    st.tuples(
        st.sampled_from("abcde"), st.sampled_from("abcde"), st.integers(0, 9).map(float)
    ).filter(lambda link: link[0] < link[1]),
    max_size=10,
    unique_by=lambda link: link[:2],
)


def frame_of(links: list[tuple[str, str, float]]) -> pl.DataFrame:
    schema = {"record_id_a": pl.String, "record_id_b": pl.String, "match_weight": pl.Float64}
    return pl.DataFrame(links, schema=schema, orient="row")


def best_weakest(links: list[tuple[str, str, float]], start: str, end: str) -> float | None:
    """The best weakest link over all ways there are, one by one."""
    weights = {frozenset(link[:2]): link[2] for link in links}
    between = [record for record in "abcde" if record not in {start, end}]
    found = []
    for length in range(len(between) + 1):
        for middle in permutations(between, length):
            way = [start, *middle, end]
            steps = [frozenset(pair) for pair in pairwise(way)]
            if all(step in weights for step in steps):
                found.append(min(weights[step] for step in steps))
    return max(found, default=None)


@settings(deadline=None)
@given(LINKS)
def test_no_other_way_has_a_stronger_weakest_link(links: list[tuple[str, str, float]]) -> None:
    path = strongest_path(frame_of(links), "a", "e")

    weakest = min((link.weight for link in path), default=None)
    assert weakest == best_weakest(links, "a", "e")


@given(LINKS)
def test_the_way_leads_from_the_one_to_the_other(links: list[tuple[str, str, float]]) -> None:
    path = strongest_path(frame_of(links), "a", "e")

    if path:
        assert (path[0].one, path[-1].other) == ("a", "e")
        assert [link.other for link in path[:-1]] == [link.one for link in path[1:]]


def test_the_way_goes_around_a_weak_link() -> None:
    links = frame_of([("a", "c", 1.0), ("a", "b", 9.0), ("b", "c", 8.0)])

    assert strongest_path(links, "a", "c") == [Link("a", "b", 9.0), Link("b", "c", 8.0)]


@pytest.mark.parametrize(
    ("weight", "expect"),
    [
        (0.0, "even odds"),
        (1.0, "about 2.0 to 1 for one customer"),
        (7.035, "about 130 to 1 for one customer"),
        (-5.0, "about 32 to 1 against one customer"),
        (-38.0, "more than a million to 1 against one customer"),
        (2000.0, "more than a million to 1 for one customer"),
    ],
)
def test_odds_are_told_in_words(weight: float, expect: str) -> None:
    assert odds(weight) == expect


def test_each_record_joins_by_its_strongest_link_to_those_before_it() -> None:
    links = frame_of([("a", "b", 5.0), ("a", "c", 4.0), ("b", "c", 9.0)])

    steps = arrivals(["a", "b", "c"], links)

    assert [(step.record_id, step.by) for step in steps] == [
        ("a", []),
        ("b", [Link("b", "a", 5.0)]),
        ("c", [Link("c", "b", 9.0)]),
    ]


def test_a_record_that_brings_parts_together_has_a_link_for_each_of_them() -> None:
    links = frame_of([("a", "d", 4.0), ("b", "c", 7.0), ("b", "d", 6.0), ("c", "d", 5.0)])

    steps = {step.record_id: step.by for step in arrivals(["a", "b", "c", "d"], links)}

    assert steps["b"] == []
    assert steps["d"] == [Link("d", "b", 6.0), Link("d", "a", 4.0)]


@settings(deadline=None)
@given(LINKS)
def test_steps_connect_what_links_connect(links: list[tuple[str, str, float]]) -> None:
    steps = arrivals(list("abcde"), frame_of(links))

    used = [(link.one, link.other, link.weight) for step in steps for link in step.by]
    for one, other in pairwise("abcde"):
        before = bool(strongest_path(frame_of(links), one, other))
        assert bool(strongest_path(frame_of(used), one, other)) == before
