"""What families share is learnt anew where a model is used, if the file shows families."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rules.matching import Matching
from store.rulebook import read_rulebook
from transforms.compare import COMPARISONS
from transforms.families import BELIEF, shows_families, with_families
from transforms.match import MatchModel, check_model
from transforms.mixture import Mixture, Reached, Ties, tied
from transforms.shares import default_shares

RULEBOOK = read_rulebook(Path(__file__).parents[2] / "rules")
RULES: Matching = RULEBOOK.matching
SETTINGS = RULEBOOK.model.settings
MATCH, HOUSEHOLD = 0, 1
PHONE = next(c for c in SETTINGS["comparisons"] if c["output_column_name"] == "phone")
ONE_PERSON = np.array([level["m_probability"] for level in PHONE["comparison_levels"][1:]])


def seen(phones: list[float], pairs: float) -> Mixture:
    """So many pairs of households that agree on the phone so often, and one person as ever."""
    shares = {name: share.copy() for name, share in default_shares(RULES).items()}
    shares["phone"][MATCH] = ONE_PERSON
    shares["phone"][HOUSEHOLD] = phones
    counts = {name: np.zeros_like(share) for name, share in shares.items()}
    counts["phone"][HOUSEHOLD] = np.array(phones) * pairs
    return Mixture(shares, counts, [])


def shares_of(settings: dict[str, Any], name: str) -> list[float]:
    return list(settings["kinship"]["shares"][name])


def test_families_that_do_not_share_a_phone_are_learnt_from_many_of_them() -> None:
    rarely = [0.02, 0.01, 0.97]
    assert shares_of(SETTINGS, "phone")[0] > 0.2

    found = with_families(SETTINGS, seen(rarely, 100_000.0), RULES)

    assert shares_of(found, "phone") == pytest.approx(rarely, abs=0.005)


def test_a_few_families_move_a_model_as_far_as_they_count() -> None:
    before, rarely = shares_of(SETTINGS, "phone"), [0.02, 0.01, 0.97]

    found = with_families(SETTINGS, seen(rarely, float(BELIEF)), RULES)

    halfway = (np.array(before) / sum(before) + np.array(rarely)) / 2
    assert shares_of(found, "phone") == pytest.approx(halfway, abs=0.002)


def pairs_of(matches: int, households: int) -> pl.DataFrame:
    """Scored pairs of which so many are clearly one person, and so many clearly a family."""
    counts = [matches, households]
    scored = {
        "evidence": np.repeat([40.0, 20.0], counts),
        "kinship": np.repeat([10.0, 30.0], counts),
    }
    return pl.DataFrame(scored)


def test_a_file_shows_families_where_there_are_as_many_as_people_with_two_records() -> None:
    model = MatchModel(SETTINGS, {}, 0.0)

    assert shows_families(pairs_of(1_000, 1_000), 10_000, model)
    assert shows_families(pairs_of(1_000, 100), 10_000, model)  # most are too faint to be scored
    assert not shows_families(pairs_of(1_000, 10), 10_000, model)


def test_what_forms_leave_out_is_no_mark_of_families() -> None:
    """The file's own records agree half as often as the model's do, and families likewise."""
    kinds = seen([0.1, 0.1, 0.8], 1e9)
    kinds.shares["phone"][MATCH] = ONE_PERSON * [0.5, 1.0, 1.0]

    found = shares_of(with_families(SETTINGS, kinds, RULES), "phone")

    assert found[0] / found[1] == pytest.approx(2 * 0.1 / 0.1, rel=0.001)


def test_only_families_are_learnt_and_the_model_stays_whole() -> None:
    found = with_families(SETTINGS, seen([0.02, 0.01, 0.97], 100_000.0), RULES)

    model = MatchModel(found, RULEBOOK.model.frequencies, RULEBOOK.model.manifest.prior)
    assert check_model(model, RULES) == []
    assert found["comparisons"] == SETTINGS["comparisons"]
    assert found["kinship"]["contact_shares"] == SETTINGS["kinship"]["contact_shares"]
    for name in ("email", "address", "last_name"):
        assert shares_of(found, name) == pytest.approx(shares_of(SETTINGS, name), abs=1e-6)


def test_one_who_swaps_their_names_has_the_name_of_their_family_in_its_place() -> None:
    """Anna Schmidt writes Schmidt Anna: to Peter Schmidt one name is in the place of the other."""
    first = np.array([[0.7, 0.2, 0.1, 0.0], [0.0, 0.0, 0.0, 1.0]] + [[0.1, 0.0, 0.0, 0.9]] * 2)
    last = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.1, 0.9]])
    shares = {"first_name": first, "last_name": last}
    reached = (Reached("first_name", 2, ("first_name", 1), ("last_name", 0)),)

    found = tied(shares, shares, Ties(personal=frozenset({"first_name"}), reached=reached))

    household = found["first_name"][HOUSEHOLD]
    strangers = 0.01 * 0.1  # of one in a hundred that agree as one person does
    assert household[2] == pytest.approx(0.2 * 0.8 + (1 - 0.2 * 0.8) * strangers)
    assert household.sum() == pytest.approx(1.0)


def test_the_levels_that_families_reach_are_the_ones_that_are_meant() -> None:
    reached = {
        (name, level.label): [COMPARISONS[of].levels[number].label for of, number in both]
        for name, comparison in COMPARISONS.items()
        for level in comparison.levels
        if (both := level.in_families)
    }
    assert reached == {
        ("first_name", "one name in the place of the other"): [
            "first and last name swapped",
            "same last name",
        ]
    }
