"""Two ways of writing one address: how they compare, and that a block brings them together."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from store.rulebook import read_rulebook
from tests.lookups import LOOKUPS
from transforms.block import find_pairs
from transforms.compare import COMPARISONS
from transforms.match import MatchModel, prepare_nodes, score_given
from transforms.standardise.keys import MADE_OF, record_keys

RULEBOOK = read_rulebook(Path(__file__).parents[2] / "rules")
RULES = RULEBOOK.matching
SHIPPED = MatchModel(RULEBOOK.model.settings, RULEBOOK.model.frequencies, 0.0)
LEVELS = [level.label for level in COMPARISONS["address"].levels]
PLACE = ("address", "postcode", "city")
PAIR = pl.DataFrame(
    {"record_a": [1], "record_b": [2]}, dict.fromkeys(["record_a", "record_b"], pl.Int64)
)
Place = tuple[str | None, str | None, str | None]


def nodes(*places: Place) -> pl.DataFrame:
    said = pl.DataFrame(places, dict.fromkeys(PLACE, pl.String), orient="row")
    whole = said.with_columns(pl.lit(None, pl.String).alias(n) for n in MADE_OF if n not in PLACE)
    whole = whole.with_columns(
        birth_date=pl.lit(None, pl.Date), phone=None, phone_2=None, person_number=None
    )
    return prepare_nodes(record_keys(whole.with_row_index("record_number", 1), LOOKUPS), RULES)


def level(one: Place, other: Place) -> str:
    found = score_given(nodes(one, other), PAIR, SHIPPED, RULES)
    return LEVELS[found["level_address"].item()]


@pytest.mark.parametrize(
    ("one", "other", "expect"),
    [
        (
            ("2290 Peachtree Rd. Peachtree Square Shopping Center", None, "Atlanta"),
            ("2290 Peachtree Road", None, "Atlanta"),
            "same house",
        ),
        (
            ("3434 Peachtree Rd. NE", None, "Atlanta"),
            ("3434 Peachtree Rd", None, "Atlanta"),
            "same house",
        ),
        (("Hauptstr. 5", None, "Ulm"), ("Hauptstrasze 5", None, "Ulm"), "same house"),
        (
            ("100 E. 63rd St.", None, "New York"),
            ("100 East 63rd Street", None, "Manhattan"),
            "same house and street, perhaps of another place",
        ),
        (
            ("12 Main Street", None, "Springfield"),
            ("14 Main Street", None, "Springfield"),
            "street spelt nearly the same",
        ),
        (
            ("12 Main Street", "65801", "Springfield"),
            ("12 Main Street", "65801", "Sprngfeld MO"),
            "same address",
        ),
        (("12 Main Street", None, None), ("12 Main Street", "19901", "Dover"), "same address"),
        (
            ("12 Main Street", "65801", "Springfield"),
            ("12 Main Street", "19901", "Dover"),
            "same house and street, perhaps of another place",
        ),
        (("12 Main Street", None, "Springfield"), ("14 Main Street", None, "Dover"), "elsewhere"),
        (("12 Park Road", None, "Dover"), ("12 Parkway", None, "Dover"), "same city"),
    ],
)
def test_addresses_are_compared_part_by_part(one: Place, other: Place, expect: str) -> None:
    assert level(one, other) == expect
    assert level(other, one) == expect


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("490 E. Paces Ferry Rd.", None, "Atlanta"), ("490 E Paces Ferry Rd NE", None, "Atlanta")),
        (("100 E. 63rd St.", None, "New York"), ("100 East 63rd Street", None, "New York City")),
    ],
)
def test_a_block_finds_one_house_however_its_place_is_written(one: Place, other: Place) -> None:
    found = find_pairs(nodes(one, other), RULES, np.ones(2, dtype=np.bool_))

    number = [rule.name for rule in RULES.blocking].index("house_and_street")
    assert found["found_by"].to_list() == [1 << number]
