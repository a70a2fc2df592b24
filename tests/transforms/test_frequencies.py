"""How common a name is where the model is used, added to where it was trained."""

from pathlib import Path

import polars as pl
import pytest

from rules.matching import Matching
from store.rulebook import read_rule
from transforms.frequencies import BELIEF, refreshed_frequencies
from transforms.match import MatchModel

MATCHING = read_rule(Path(__file__).parents[2] / "rules" / "matching.toml", Matching)
TABLE = pl.DataFrame(
    {"last_key": [None, "lee", "smith"], "tf_last_key": [0.0001, 0.01, 0.02]},
    schema={"last_key": pl.String, "tf_last_key": pl.Float64},
)
MODEL = MatchModel({}, {"last_key": TABLE}, -10.0)


def refreshed(*records: tuple[int, str | None]) -> dict[str | None, float]:
    """The new frequencies, from the customer and the name of each record."""
    numbered = pl.DataFrame(
        {
            "record_number": range(len(records)),
            "founder": [founder for founder, _ in records],
            "last_key": [name for _, name in records],
        },
        schema={"record_number": pl.Int64, "founder": pl.Int64, "last_key": pl.String},
    )
    nodes, members = numbered.drop("founder"), numbered.drop("last_key")
    found = refreshed_frequencies(nodes, members, MODEL, MATCHING)["last_key"]
    return dict(found.iter_rows())


def test_without_records_the_model_says_what_it_said() -> None:
    assert refreshed((1, None)) == {
        None: pytest.approx(0.0001 + 1 / BELIEF),  # as much as one more customer
        "lee": pytest.approx(0.01),
        "smith": pytest.approx(0.02),
    }


def test_a_name_that_is_common_in_the_file_becomes_common() -> None:
    found = refreshed(*((customer, "khan") for customer in range(BELIEF)))

    assert found["khan"] == pytest.approx(0.5, rel=0.001)
    assert found["lee"] == pytest.approx(0.005)


def test_a_customer_of_many_records_makes_no_name_common() -> None:
    found = refreshed(*((1, "khan") for _ in range(500)), (2, "lee"), (3, "lee"))

    assert "khan" not in found
    assert found["lee"] > 0.01


def test_a_name_that_few_have_is_not_listed() -> None:
    assert set(refreshed((1, "rare"), (2, "khan"), (3, "khan"))) == {None, "khan", "lee", "smith"}


def test_a_customer_of_two_names_counts_half_for_each() -> None:
    found = refreshed(*((record % 100, ["khan", "moss"][record // 100]) for record in range(200)))

    assert found["khan"] == found["moss"] == pytest.approx(50 / 1_100, rel=0.01)
