"""The state is a pure function of the decision log."""

import itertools
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from rules.decision import SUBJECTS, Kind
from transforms.resolve import Resolved, state_of

SHA_A, SHA_B = "a" * 64, "b" * 64
Said = tuple[Kind, dict[str, Any]]


def log_of(*said: Said) -> pl.DataFrame:
    """Return the log of these decisions, numbered from 1."""
    rows = [
        (number, kind, SUBJECTS[kind].model_validate(subject).text())
        for number, (kind, subject) in enumerate(said, start=1)
    ]
    schema = {"decision_id": pl.Int64, "kind": pl.String, "subject": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def same(*keys: str) -> Said:
    return "same", {"records": [f"crm:{key}" for key in keys]}


def different(*groups: str) -> Said:
    """Each word is a group, each letter of it a record."""
    return "different", {"groups": [[f"crm:{key}" for key in group] for group in groups]}


def undo(decision_id: int) -> Said:
    return "undo", {"decision_id": decision_id}


def links(frame: pl.DataFrame) -> list[tuple[str, int]]:
    """Return pairs as two letters with their decision."""
    return [
        (a.removeprefix("crm:") + b.removeprefix("crm:"), n)
        for a, b, n in frame.select("record_a", "record_b", frame.columns[2]).iter_rows()
    ]


def test_an_empty_log_decides_nothing() -> None:
    state = state_of(log_of())

    assert [frame.height for frame in state] == [0] * 9
    assert state.must_links.schema == {
        "record_a": pl.String,
        "record_b": pl.String,
        "decision_id": pl.Int64,
    }
    assert state.cannot_links.schema == state.must_links.schema
    assert state.values.columns == ["anchor", "field", "value", "record_id", "decision_id"]
    assert state.deliveries.columns == ["sha256", "verdict", "decision_id"]
    assert state.rejected.columns == ["sha256", "row_number", "decision_id"]
    assert state.contradictions.schema["decision_ids"] == pl.List(pl.Int64)


def test_same_on_several_records_links_them_in_a_chain() -> None:
    state = state_of(log_of(same("C", "A", "B")))

    assert links(state.must_links) == [("AB", 1), ("BC", 1)]


def test_different_on_groups_parts_all_cross_pairs() -> None:
    state = state_of(log_of(different("AB", "C", "D")))

    assert links(state.cannot_links) == [("AC", 1), ("AD", 1), ("BC", 1), ("BD", 1), ("CD", 1)]


def test_different_on_two_records_parts_them() -> None:
    state = state_of(log_of(("different", {"records": ["crm:B", "crm:A"]})))

    assert links(state.cannot_links) == [("AB", 1)]


@pytest.mark.parametrize(
    ("said", "must", "cannot"),
    [
        ([same("A", "B"), different("A", "B")], [], [("AB", 2)]),
        ([different("A", "B"), same("A", "B")], [("AB", 2)], []),
        ([same("A", "B"), different("A", "B"), same("A", "B")], [("AB", 3)], []),
        ([same("A", "B"), different("A", "B"), undo(2)], [("AB", 1)], []),
        ([different("A", "B"), same("A", "B"), undo(2)], [], [("AB", 1)]),
    ],
)
def test_the_newest_word_on_a_pair_holds(
    said: list[Said], must: list[tuple[str, int]], cannot: list[tuple[str, int]]
) -> None:
    state = state_of(log_of(*said))

    assert links(state.must_links) == must
    assert links(state.cannot_links) == cannot
    assert state.contradictions.is_empty()


def test_splitting_a_record_from_the_middle_leaves_the_others_linked() -> None:
    state = state_of(log_of(same("A", "B", "C"), different("B", "AC")))

    assert links(state.must_links) == [("AC", 1)]
    assert links(state.cannot_links) == [("AB", 2), ("BC", 2)]
    assert state.contradictions.is_empty()


def test_a_chain_of_must_links_across_a_cannot_link_is_a_contradiction() -> None:
    state = state_of(log_of(same("A", "B"), same("X", "Y"), same("B", "C"), different("A", "C")))

    assert state.contradictions.rows() == [("crm:A", "crm:C", [1, 3, 4])]


def test_parting_two_of_three_that_are_the_same_is_a_contradiction() -> None:
    state = state_of(log_of(same("A", "B", "C"), different("A", "B")))

    assert links(state.must_links) == [("AC", 1), ("BC", 1)]
    assert state.contradictions.rows() == [("crm:A", "crm:B", [1, 2])]


def test_the_shortest_chain_explains_a_contradiction() -> None:
    around = [same("A", "F"), same("F", "D"), same("A", "G"), same("G", "E")]

    state = state_of(log_of(*around, same("D", "X"), same("X", "E"), different("D", "E")))

    assert state.contradictions.rows() == [("crm:D", "crm:E", [5, 6, 7])]


def test_in_a_large_component_only_what_lies_between_explains_a_contradiction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("transforms.chains.SMALL_COMPONENT", 0)
    chain = [same("A", "B"), same("B", "C"), same("C", "D"), same("B", "X")]

    state = state_of(log_of(*chain, different("B", "D"), different("D", "X")))

    assert state.contradictions.rows() == [
        ("crm:B", "crm:D", [2, 3, 5]),
        ("crm:D", "crm:X", [2, 3, 4, 6]),
    ]


@pytest.mark.parametrize(
    ("undone", "holds"),
    [
        ([1], False),
        ([1, 2], True),
        ([1, 2, 3], False),
        ([1, 1], False),
        ([1, 1, 2], True),
        ([1, 2, 1], False),
        ([1, 2, 1, 4], True),
    ],
    ids=str,
)
def test_the_newest_undo_has_the_say(undone: list[int], holds: bool) -> None:
    state = state_of(log_of(same("A", "B"), *(undo(number) for number in undone)))

    assert links(state.must_links) == ([("AB", 1)] if holds else [])


def test_the_newest_value_of_a_field_holds() -> None:
    records = ["crm:B", "crm:A"]
    first = {"records": records, "field": "city", "value": "Bonn", "record_id": "crm:B"}
    other = {"records": records, "field": "email", "value": "a@b.example"}

    state = state_of(
        log_of(("value", first), ("value", other), ("value", first | {"value": "Köln"}))
    )

    assert state.values.rows() == [
        ("crm:A", "city", "Köln", "crm:B", 3),
        ("crm:A", "email", "a@b.example", None, 2),
    ]


def test_the_newest_verdict_on_a_delivery_holds() -> None:
    state = state_of(
        log_of(
            ("refuse", {"sha256": SHA_A}),
            ("release", {"sha256": SHA_B}),
            ("release", {"sha256": SHA_A}),
            ("refuse", {"sha256": SHA_B}),
            undo(4),
        )
    )

    assert state.deliveries.rows() == [(SHA_A, "release", 3), (SHA_B, "release", 2)]


def test_a_rejected_row_is_listed_once() -> None:
    row = {"sha256": SHA_A, "row_number": 7}

    state = state_of(log_of(("reject", row), ("reject", row)))

    assert state.rejected.rows() == [(SHA_A, 7, 2)]


def correct(seen: str = SHA_B, **cells: str) -> Said:
    told = [{"field": field, "value": value} for field, value in cells.items()]
    return "correct", {"sha256": SHA_A, "row_number": 7, "seen": seen, "cells": told}


@pytest.mark.parametrize(
    ("said", "fields", "is_rejected"),
    [
        ([correct(email="a", city="b")], {"city": ("b", 1), "email": ("a", 1)}, False),
        ([correct(email="a"), correct(email="", city="b")], {"city": ("b", 2), "email": ("", 2)},
         False),
        ([correct(email="a"), correct(city="b")], {"city": ("b", 2), "email": ("a", 1)}, False),
        ([correct(email="a"), correct(city="b"), undo(1)], {"city": ("b", 2)}, False),
        ([correct(email="a"), correct(SHA_A, city="b")], {"city": ("b", 2)}, False),
        ([correct(email="a"), ("reject", {"sha256": SHA_A, "row_number": 7})], {}, True),
        ([("reject", {"sha256": SHA_A, "row_number": 7}), correct(email="a")],
         {"email": ("a", 2)}, False),
    ],
)  # fmt: skip
def test_a_row_is_corrected_by_the_newest_word_on_each_field(
    said: list[Said], fields: dict[str, tuple[str, int]], is_rejected: bool
) -> None:
    state = state_of(log_of(*said))

    found = state.corrections.select("field", "value", "decision_id").iter_rows()
    assert {field: (value, number) for field, value, number in found} == fields
    assert state.rejected.height == is_rejected


@pytest.mark.parametrize(
    ("kind", "subject", "why"),
    [
        ("bless", "{}", "unknown kind: bless"),
        ("undo", '{"decision_id":2}', "decision 2 undoes 2"),
        ("undo", '{"decision_id":99}', "decision 2 undoes 99"),
    ],
)
def test_a_log_that_makes_no_sense_is_refused(kind: str, subject: str, why: str) -> None:
    log = log_of(same("A", "B"))
    row = pl.DataFrame({"decision_id": [2], "kind": [kind], "subject": [subject]})

    with pytest.raises(ValueError, match=why):
        state_of(pl.concat([log, row]))


def test_a_part_of_the_log_is_refused() -> None:
    with pytest.raises(ValueError, match="whole log"):
        state_of(log_of(same("A", "B"), same("B", "C")).tail(1))


# Laws, against the same words said the slow way: pair by pair.

law = settings(deadline=None, max_examples=60)
LETTERS = "ABCDEF"
groups = st.permutations(LETTERS).flatmap(
    lambda letters: st.tuples(st.integers(1, 3), st.integers(1, 3)).map(
        lambda sizes: different(
            "".join(letters[: sizes[0]]), "".join(letters[sizes[0] : sum(sizes)])
        )
    )
)
sames = st.sets(st.sampled_from(LETTERS), min_size=2, max_size=4).map(lambda keys: same(*keys))


@st.composite
def logs(draw: st.DrawFn) -> list[Said]:
    """Draw up to a dozen decisions, of which an undo names an earlier one."""
    said: list[Said] = []
    for number in range(draw(st.integers(0, 12))):
        undos = [st.integers(1, number).map(undo)] if number else []
        said.append(draw(st.one_of(sames, groups, *undos)))
    return said


def live(said: list[Said]) -> dict[int, Said]:
    """Return what is not undone, following each undo down to what it is about."""
    is_on = dict.fromkeys(range(1, len(said) + 1), True)
    for number, (kind, _) in enumerate(said, start=1):
        steps, target = 0, number
        while said[target - 1][0] == "undo":
            steps, target = steps + 1, said[target - 1][1]["decision_id"]
        if kind == "undo":
            is_on[target] = steps % 2 == 0
    return {n: said[n - 1] for n, on in is_on.items() if on and said[n - 1][0] != "undo"}


def words(said: list[Said]) -> dict[tuple[str, str], tuple[str, int]]:
    """Return the newest word on each pair."""
    newest: dict[tuple[str, str], tuple[str, int]] = {}
    for number, (kind, subject) in sorted(live(said).items()):
        sides = [[record] for record in subject["records"]] if kind == "same" else subject["groups"]
        for left, right in itertools.combinations(sides, 2):
            for one, other in itertools.product(left, right):
                newest[min(one, other), max(one, other)] = (kind, number)
    return newest


def joined(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return all pairs that chains of these pairs join."""
    found = set(pairs)
    for middle in [f"crm:{letter}" for letter in LETTERS]:
        ends = {b if a == middle else a for a, b in found if middle in (a, b)}
        found |= {(a, b) for a in ends for b in ends if a < b}
    return found


def pairs_of(frame: pl.DataFrame) -> set[tuple[str, str]]:
    return set(frame.select("record_a", "record_b").iter_rows())


def assert_same_state(one: Resolved, other: Resolved) -> None:
    for left, right in zip(one, other, strict=True):
        assert_frame_equal(left, right)


@law
@given(logs())
def test_the_links_are_the_newest_words(said: list[Said]) -> None:
    state = state_of(log_of(*said))

    newest = words(said)
    must = {pair for pair, (kind, _) in newest.items() if kind == "same"}
    cannot = {(*pair, number) for pair, (kind, number) in newest.items() if kind == "different"}
    assert pairs_of(state.must_links) <= must
    assert joined(pairs_of(state.must_links)) == joined(must)
    assert set(state.cannot_links.iter_rows()) == cannot


@law
@given(logs())
def test_a_pair_both_linked_and_parted_is_among_the_contradictions(said: list[Said]) -> None:
    state = state_of(log_of(*said))

    both = joined(pairs_of(state.must_links)) & pairs_of(state.cannot_links)
    assert pairs_of(state.contradictions) == both
    assert not pairs_of(state.must_links) & pairs_of(state.cannot_links)


@law
@given(logs())
def test_the_decisions_of_a_contradiction_contradict_each_other_alone(said: list[Said]) -> None:
    state = state_of(log_of(*said))

    for record_a, record_b, decision_ids in state.contradictions.iter_rows():
        among = state.must_links.filter(pl.col("decision_id").is_in(decision_ids))
        parted = state.cannot_links.filter(pl.col("decision_id").is_in(decision_ids))
        assert (record_a, record_b) in joined(pairs_of(among)) & pairs_of(parted)


@law
@given(logs(), st.randoms(use_true_random=False))
def test_the_order_in_which_the_log_is_read_does_not_matter(said: list[Said], chance: Any) -> None:
    log = log_of(*said)
    order = list(range(log.height))
    chance.shuffle(order)

    assert_same_state(state_of(log[order]), state_of(log))


@law
@given(logs().filter(lambda said: bool(live(said))), st.data())
def test_undoing_and_restoring_changes_nothing(said: list[Said], data: st.DataObject) -> None:
    number = data.draw(st.sampled_from(sorted(live(said))))
    undone = [*said, undo(number)]

    restored = [*undone, undo(len(undone))]

    assert number not in live(undone)
    assert_same_state(state_of(log_of(*restored)), state_of(log_of(*said)))


@law
@given(logs().filter(lambda said: bool(live(said))), st.data())
def test_an_undone_decision_leaves_no_trace(said: list[Said], data: st.DataObject) -> None:
    number = data.draw(st.sampled_from(sorted(live(said))))

    state = state_of(log_of(*said, undo(number)))

    decided = [*state.must_links["decision_id"], *state.cannot_links["decision_id"]]
    in_chains = state.contradictions["decision_ids"].explode().to_list()
    assert number not in decided + in_chains
