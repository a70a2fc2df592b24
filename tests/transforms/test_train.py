"""What training learns from records without labels, and that a model has no holes."""

import math
import tomllib
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rules.matching import Matching
from transforms.match import check_model, prepare_nodes, score_pairs
from transforms.mixture import Block, Reached, Ties, fit, fit_priors, times_of_matches
from transforms.model_settings import order_remarks
from transforms.priors import Priors, with_rarer_households
from transforms.train import TrainedModel, term_frequencies, train

ROOT = Path(__file__).parents[2]
FILE = tomllib.loads((ROOT / "rules" / "matching.toml").read_text())
RULES = Matching.model_validate({**FILE, "training": {**FILE["training"], "u_pairs": 20_000}})

HOUSEHOLDS = 300
"""Couples who share last name, phone and address; every fourth person is in the file twice."""


def syllables(number: int) -> str:
    return "".join(
        "bdfgklmnprst"[number // 12**n % 12] + "aeiou"[number // 5**n % 5] for n in range(3)
    )


def couples() -> pl.DataFrame:
    rows = []
    for person in range(2 * HOUSEHOLDS):
        home = person // 2
        row = {
            "first_key": syllables(person * 37 % 211),
            "last_key": syllables(home * 53 % 307),
            "birth_date": date(1950, 1, 1) + timedelta(days=person * 997 % 20_000),
            "email": f"m{person * 7919 % 100_003}@example.org",
            "phone": f"+49{home * 104_729 % 1_000_003:07d}",
            "house_number": str(home % 90),
            "postcode_key": f"{10_000 + home * 31 % 500}",
        }
        rows.append({**row, "person": person})
        if person % 4 == 0:
            rows.append({**row, "person": person, "email": row["email"] if person % 8 else None})
    return pl.DataFrame(rows).with_row_index("record_number", 1)


PEOPLE = couples()
NODES = prepare_nodes(
    PEOPLE.with_columns(
        first_root="first_key",
        first_phonetic="first_key",
        last_phonetic="last_key",
        email_local=pl.col("email").str.split("@").list.first(),
        address_key=pl.col("postcode_key") + " " + pl.col("house_number"),
    ),
    RULES,
)


@cache
def trained() -> TrainedModel:
    """The model of these people, learnt when the first test asks for it."""
    return train(NODES, RULES, seed=3)


def weighed(comparison: str) -> list[tuple[float, float, float]]:
    """Shares of each level among matches, households and strangers."""
    settings = trained().model.settings
    levels = next(c for c in settings["comparisons"] if c["output_column_name"] == comparison)
    kin = settings["kinship"]["shares"][comparison]
    return [
        (v["m_probability"], h, v["u_probability"])
        for v, h in zip(levels["comparison_levels"][1:], kin, strict=True)
    ]


def test_a_trained_model_has_no_holes() -> None:
    assert check_model(trained().model, RULES) == []


def test_the_same_records_and_seed_give_the_same_model() -> None:
    again = train(NODES.sort("record_number", descending=True), RULES, seed=3)
    assert again.model.settings == trained().model.settings
    assert again.model.prior == trained().model.prior


def test_households_are_told_from_matches_without_labels() -> None:
    match, household, stranger = weighed("last_name")[0]
    assert match > 0.8
    assert household > 0.8
    assert stranger < 0.05
    match, household, _ = weighed("first_name")[-1]
    assert match < 0.2
    assert household > 0.8


def test_verdicts_teach_and_the_more_the_more_they_count() -> None:
    homes = (
        PEOPLE.with_columns(home=pl.col("person") // 2)
        .unique("person", keep="first")
        .sort("person")
    )
    said = (
        homes.group_by("home", maintain_order=True)
        .agg(pl.col("record_number"))
        .select(
            record_a=pl.col("record_number").list.first(),
            record_b=pl.col("record_number").list.last(),
            is_same=True,
        )
    )

    shares = []
    for count in (3, 300):
        taught = train(NODES, RULES, 3, said.head(count)).model.settings
        first = next(c for c in taught["comparisons"] if c["output_column_name"] == "first_name")
        shares.append(first["comparison_levels"][-1]["m_probability"])

    untaught = weighed("first_name")[-1][0]
    assert shares[0] == pytest.approx(untaught, abs=0.01)
    assert shares[1] > untaught + 0.05


def test_the_prior_is_that_of_the_file() -> None:
    records = PEOPLE.height
    matches = PEOPLE.group_by("person").len().filter(pl.col("len") > 1).height
    assert trained().model.prior == pytest.approx(
        math.log2(matches / (records * (records - 1) / 2)), abs=0.5
    )


def test_levels_that_the_records_never_showed_are_named() -> None:
    assert "birth_date: day and month swapped" in trained().untrained
    assert "birth_date: same birth date" not in trained().untrained


def test_a_level_that_weighs_more_than_the_best_is_remarked() -> None:
    level = {"label_for_charts": "best", "m_probability": 0.9, "u_probability": 0.01}
    worse = {"label_for_charts": "worse", "m_probability": 0.1, "u_probability": 0.0001}
    settings = {
        "comparisons": [
            {"output_column_name": "email", "comparison_levels": [{}, level, worse]},
            {"output_column_name": "phone", "comparison_levels": [{}, worse, level]},
        ]
    }
    assert order_remarks(settings) == ("email: 'worse' weighs more than 'best'",)


def test_copies_of_a_record_do_not_make_its_name_common() -> None:
    once = term_frequencies(NODES, "last_key", RULES)
    thrice = term_frequencies(pl.concat([NODES, NODES, NODES]), "last_key", RULES)
    assert once.equals(thrice)


def test_a_rare_name_is_not_listed_in_the_model() -> None:
    names = pl.DataFrame({"last_key": ["rare", "common", "common", "common"]})
    nodes = NODES.head(4).with_columns(names["last_key"])
    listed = term_frequencies(nodes, "last_key", RULES)
    assert listed.rows() == [(None, 0.25), ("common", 0.75)]


DEFAULTS = {
    name: np.array([[0.8, 0.2], [0.3, 0.7], [0.2, 0.8], [0.01, 0.99]]) for name in ("a", "b")
}
"""Best level and the other, of a match, a household, a shared contact and strangers."""


def counted(rows: list[tuple[int, int, float]], *, is_random: bool = False) -> Block:
    patterns = pl.DataFrame(rows, ["a", "b", "count"], orient="row")
    chance = frozenset({"a", "b"}) if is_random else frozenset[str]()
    return Block(patterns, frozenset(), is_random, chance)


def test_what_a_household_shares_by_name_is_not_learnt_but_known() -> None:
    rows = [(0, 0, 900.0), (1, 0, 800.0), (0, 1, 40.0), (1, 1, 60.0)]
    at_random = [(0, 0, 100.0), (1, 0, 400.0), (0, 1, 9_500.0), (1, 1, 990_000.0)]
    blocks = [counted(rows), counted(at_random, is_random=True)]
    shares = fit(blocks, DEFAULTS, Ties(frozenset("a"), frozenset("a"))).shares["a"]
    match, household, contact, stranger = shares
    assert household == pytest.approx(0.01 * match + 0.99 * stranger)
    assert contact == pytest.approx(stranger)


def test_strangers_of_one_name_tell_of_what_goes_with_names() -> None:
    """In the block of one name half of the pairs agree on `b` by chance, at random none does."""
    named = counted([(1, 0, 500.0), (1, 1, 500.0)])
    named = named._replace(chance=frozenset("b"), kind="stranger")
    at_random = counted([(1, 1, 1e6)], is_random=True)._replace(chance=frozenset("a"))
    stranger = fit([named, at_random], DEFAULTS).shares["b"][3]
    assert stranger[0] == pytest.approx(0.5, abs=0.2)


def test_how_many_households_there_are_is_read_where_no_pair_is_missing() -> None:
    """Of 1000 pairs that share what 80 % of matches and 30 % of households share, half are each."""
    block = counted([(0, 0, 1000.0)])
    mixture = fit([block], DEFAULTS)._replace(
        shares=DEFAULTS, mixes=[np.array([0.5, 0.5, 0.0, 0.0])]
    )
    assert times_of_matches(mixture, 0, "a", "household") == pytest.approx(0.8 / 0.3)


def test_shares_planted_in_patterns_are_found_again() -> None:
    planted = {"a": [0.9, 0.1], "b": [0.7, 0.3]}
    stranger = {"a": [0.02, 0.98], "b": [0.05, 0.95]}
    rows = [
        (
            a,
            b,
            1000 * planted["a"][a] * planted["b"][b] + 3000 * stranger["a"][a] * stranger["b"][b],
        )
        for a in (0, 1)
        for b in (0, 1)
    ]
    at_random = [(a, b, 1e6 * stranger["a"][a] * stranger["b"][b]) for a in (0, 1) for b in (0, 1)]
    shares = fit([counted(rows), counted(at_random, is_random=True)], DEFAULTS).shares
    assert shares["a"][3, 0] == pytest.approx(0.02, rel=0.05)
    assert shares["b"][3, 0] == pytest.approx(0.05, rel=0.05)
    assert shares["a"][0, 0] > 0.7


def test_the_priors_of_scored_pairs_are_those_that_made_them() -> None:
    evidence = np.repeat([30.0, 25.0, 2.0], [400, 300, 5000])
    kinship = np.repeat([10.0, 30.0, 2.0], [400, 300, 5000])
    match, household = fit_priors(evidence, kinship, 1e8)
    assert match == pytest.approx(400e-8, rel=0.05)
    assert household == pytest.approx(300e-8, rel=0.05)


def test_a_file_without_matches_has_a_small_prior_and_no_error() -> None:
    match, _ = fit_priors(np.array([]), np.array([]), 1e6)
    assert 0 < match <= 1e-6


def test_the_shares_of_a_level_that_is_known_are_not_learnt() -> None:
    rows = [(0, 0, 900.0), (1, 0, 800.0), (0, 1, 40.0), (1, 1, 60.0)]
    ties = Ties(known=(("a", 0),))
    shares = fit([counted(rows), counted([(1, 1, 1e6)], is_random=True)], DEFAULTS, ties).shares
    assert shares["a"][:, 0] == pytest.approx(DEFAULTS["a"][:, 0])
    assert shares["a"].sum(axis=1) == pytest.approx(1.0)


def test_what_families_reach_by_a_swap_tells_no_kinds_apart() -> None:
    """It would take pairs of one person for a household, and the rest be learnt from fewer."""
    rows = [(0, 0, 900.0), (1, 0, 800.0), (0, 1, 40.0), (1, 1, 60.0)]
    blocks = [counted(rows), counted([(1, 1, 1e6)], is_random=True)]
    personal = Ties(personal=frozenset("a"))
    swapped = personal._replace(reached=(Reached("a", 0, ("a", 1), ("b", 0)),))
    without, found = fit(blocks, DEFAULTS, personal), fit(blocks, DEFAULTS, swapped)
    assert found.mixes[0] == pytest.approx(without.mixes[0])
    assert found.shares["a"][0] == pytest.approx(without.shares["a"][0])
    assert found.shares["a"][1, 0] > without.shares["a"][1, 0]


def test_a_file_that_shows_far_fewer_households_than_its_model_expects_is_believed() -> None:
    assert Priors(match=-10.0, household=-18.0).shift(ratio=0.0) == -4.0
    assert Priors(match=-10.0, household=-14.5).shift(ratio=0.0) == 0.0
    assert Priors(match=-10.0, household=-9.0).shift(ratio=-3.0) == 0.0


def test_where_households_are_rarer_each_pair_is_less_like_one() -> None:
    nodes = NODES.head(200)
    rarer = with_rarer_households(trained().model.settings, -3.0)
    usual = score_pairs(None, nodes, trained().model, RULES)
    fewer = score_pairs(None, nodes, trained().model._replace(settings=rarer), RULES)
    assert usual.height > 0
    assert (usual["kinship"] - fewer["kinship"]).to_list() == pytest.approx([3.0] * usual.height)
    assert usual["evidence"].equals(fewer["evidence"])
    assert with_rarer_households(trained().model.settings, 0.0) is trained().model.settings
