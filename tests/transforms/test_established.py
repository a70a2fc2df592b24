"""Two names that many have are two names; a slip of the pen is rare beside what was meant."""

import polars as pl
import pytest

from tests.transforms.test_match import RULES, model, people
from transforms.established import Established
from transforms.match import MatchModel, prepare_nodes, score_given

SHARES = {"maria": 0.02, "marta": 0.002, "meier": 0.01, "meyer": 0.003, "martha": 0.00002}


def knowing(shares: dict[str, float]) -> MatchModel:
    """The model of the tests, in which these names are given to so many."""
    plain = model()
    listed = {
        column: pl.DataFrame({column: [None, *shares], f"tf_{column}": [0.00001, *shares.values()]})
        for column in ("first_key", "last_key")
    }
    return plain._replace(tf=plain.tf | listed)


def named(*names: tuple[str, str]) -> pl.DataFrame:
    """Nodes of people of whom only first and last name are known."""
    return prepare_nodes(people([(*both, *[None] * 6) for both in names]), RULES)


def level(one: tuple[str, str], other: tuple[str, str], name: str) -> str:
    """What is said of two people, first and last name, by the comparison `name`."""
    nodes = named(one, other)
    pair = pl.DataFrame({"record_a": [1_000_000_001], "record_b": [1_000_000_002]})
    used = knowing(SHARES)
    found = score_given(nodes, pair, used, RULES)[f"level_{name}"].item()
    compared = {c["output_column_name"]: c for c in used.settings["comparisons"]}
    return str(compared[name]["comparison_levels"][found + 1]["label_for_charts"])


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("maria", "marta", "another name that looks alike"),
        ("maria", "mmaria", "spelt nearly the same"),
        ("marta", "martha", "spelt nearly the same"),
        ("maria", "maria", "same first name"),
    ],
    ids=["both are names of many", "nobody is called so", "few are called so", "the same"],
)
def test_first_names_that_look_alike(one: str, other: str, said: str) -> None:
    assert level((one, "berg"), (other, "berg"), "first_name") == said
    assert level((other, "berg"), (one, "berg"), "first_name") == said


def test_last_names_that_look_alike() -> None:
    assert level(("ina", "meier"), ("ina", "meyer"), "last_name") == "another name that looks alike"
    assert level(("ina", "meier"), ("ina", "meierr"), "last_name") == "spelt nearly the same"


def test_a_name_that_many_have_may_be_a_slip_of_one_that_far_more_have() -> None:
    shares = {"maria": 0.02, "maira": 0.0002}
    said = Established(knowing(shares).tf).of(named(("maira", "berg")))
    assert said["first_often"].item() == 0.0002
    nodes = named(("maria", "berg"), ("maira", "berg"))
    pair = pl.DataFrame({"record_a": [1_000_000_001], "record_b": [1_000_000_002]})
    labels = [
        v["label_for_charts"]
        for v in knowing(shares).settings["comparisons"][0]["comparison_levels"]
    ]
    found = score_given(nodes, pair, knowing(shares), RULES)["level_first_name"].item()
    assert labels[found + 1] == "spelt nearly the same"


def test_who_knows_no_frequencies_knows_no_name_of_many() -> None:
    nothing = Established({}).of(named(("maria", "berg")))
    assert nothing.row(0) == (None, None)
