"""Companies are compared by who they are: without legal forms, and word by word."""

import copy
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.rulebook import read_rulebook
from tests.lookups import LOOKUPS
from transforms.compare import COMPARISONS
from transforms.extend import missing_comparisons, untrained_levels, with_missing
from transforms.match import MatchModel, check_model, prepare_nodes, score_given
from transforms.standardise.companies import company_keys
from transforms.standardise.keys import MADE_OF, record_keys

RULEBOOK = read_rulebook(Path(__file__).parents[2] / "rules")
SHIPPED = MatchModel(RULEBOOK.model.settings, RULEBOOK.model.frequencies, 0.0)
TEXTS = {"company": pl.String, "last_name": pl.String}
LEVELS = [level.label for level in COMPARISONS["company"].levels]


def keys(*companies: str | None) -> list[str | None]:
    return company_keys(pl.Series(companies, dtype=pl.String), LOOKUPS).to_list()


def level(one: str, other: str, *, comparison: str = "account", person: str | None = None) -> str:
    """How two records with these companies compare by them, in words; both name this person."""
    said = pl.DataFrame({"company": [one, other], "last_name": person}, schema_overrides=TEXTS)
    whole = said.with_columns(pl.lit(None, pl.String).alias(n) for n in MADE_OF if n not in TEXTS)
    whole = whole.with_columns(
        birth_date=pl.lit(None, pl.Date), phone=None, phone_2=None, person_number=None
    )
    keyed = record_keys(whole.with_row_index("record_number", 1), LOOKUPS)
    nodes = prepare_nodes(keyed, RULEBOOK.matching)
    pair = pl.DataFrame(
        {"record_a": [1], "record_b": [2]}, dict.fromkeys(["record_a", "record_b"], pl.Int64)
    )
    found = score_given(nodes, pair, SHIPPED, RULEBOOK.matching)
    return [*LEVELS, "nothing to compare"][found[f"level_{comparison}"].item()]


@pytest.mark.parametrize(
    "written",
    [
        *("Meier", "MEIER GmbH", "Meier GmbH & Co. KG", "The Meier Company, Inc.", "Meier S.p.A."),
        *("Meier Sp. z o.o.", "Meier, S.A. de C.V.", "Meier Pvt. Ltd.", "Meier e.K.", "Мейер ООО"),
    ],
)
def test_what_a_company_is_in_law_does_not_count(written: str) -> None:
    assert keys(written)[0] in {"meier", "meyer"}


def test_and_is_as_good_as_its_sign() -> None:
    assert len({*keys("Smith & Sons", "Smith and Sons Ltd", "SMITH AND SONS")}) == 1


@pytest.mark.parametrize("written", ["GmbH", "The", "AS Roma", "Limited Editions", "Coop", "KG"])
def test_a_first_word_stays_whatever_it_is(written: str) -> None:
    assert keys(written) == [written.lower()]


@given(st.lists(st.sampled_from(["The", "Meier", "and", "&", "GmbH", "Co.", "S.A.", "KG", "und"])))
def test_who_has_a_name_has_a_key_and_a_key_is_its_own(words: list[str]) -> None:
    written = " ".join(words)

    (key,) = keys(written)

    assert (key is None) == (not any(map(str.isalnum, written)))
    assert keys(key) == [key]


@pytest.mark.parametrize(
    ("one", "other", "expect"),
    [
        ("Acme Ltd", "ACME Limited", "same company"),
        ("Red Cedar Partners", "Red Cedarl Partners", "company spelt nearly the same"),
        ("Hull House Association", "HHA", "company spelt nearly the same"),
        (
            "YMCA of Metropolitan Chicago, South Chicago",
            "YMCA South Chicago",
            "one company has all words of the other",
        ),
        (
            "Lutheran Social Services Rogers Park",
            "Rogers Park Lutheran Services Office",
            "most words of the companies alike",
        ),
        ("Jordan", "Chicago Public Schools Jordan", "another company"),
        ("Nordwind Reisen", "Hansa Bau", "another company"),
    ],
)
def test_companies_are_compared_word_by_word(one: str, other: str, expect: str) -> None:
    assert level(one, other) == expect
    assert level(other, one) == expect
    assert level(one, other, comparison="company", person="Berg") == expect


def test_a_company_is_the_customer_only_where_nobody_is_named() -> None:
    nothing = "nothing to compare"

    assert level("Acme Ltd", "ACME Limited", comparison="company") == nothing
    assert level("Acme Ltd", "ACME Limited", comparison="account", person="Berg") == nothing


def test_two_companies_at_one_address_are_told_apart_by_what_they_are_called() -> None:
    shared = SHIPPED.settings["kinship"]["shares"]["account"]
    levels = next(
        c["comparison_levels"][1:]
        for c in SHIPPED.settings["comparisons"]
        if c["output_column_name"] == "account"
    )

    of_household = [share / v["m_probability"] for share, v in zip(shared, levels, strict=True)]
    assert max(of_household[:4]) < 0.05
    assert of_household[-1] > 1.0


def test_two_branches_whose_long_names_begin_alike_are_not_spelt_nearly_the_same() -> None:
    one = "Erie Neighborhood House Family Care Analida Sanchez"
    other = "Erie Neighborhood House Family Care Maria Mahecha"

    assert level(one, other) == "most words of the companies alike"


def test_a_comparison_with_the_levels_of_before_is_given_those_of_now() -> None:
    settings = SHIPPED.settings
    place = LEVELS.index("company sounds or looks alike")
    earlier = [
        {**c, "comparison_levels": _without(c["comparison_levels"], place + 1)}
        if c["output_column_name"] == "company"
        else c
        for c in settings["comparisons"]
    ]
    shared = settings["kinship"]
    kinship = {
        kind: {**shared[kind], "company": _without(shared[kind]["company"], place)}
        for kind in ("shares", "contact_shares")
    }
    before = {**settings, "comparisons": earlier, "kinship": {**shared, **kinship}}
    assert any(
        "--extend" in said
        for said in check_model(SHIPPED._replace(settings=before), RULEBOOK.matching)
    )

    extended = with_missing(before, RULEBOOK.matching)

    assert missing_comparisons(before, RULEBOOK.matching) == ("company",)
    assert extended == settings
    assert untrained_levels(before, ("company",)) == ("company: company sounds or looks alike",)


def test_a_level_that_has_a_name_of_before_keeps_what_it_was_learnt_to_weigh() -> None:
    learnt = {**SHIPPED.settings, "comparisons": [*SHIPPED.settings["comparisons"]]}
    at = [c["output_column_name"] for c in learnt["comparisons"]].index("address")
    address = copy.deepcopy(learnt["comparisons"][at])
    address["comparison_levels"][0]["sql_condition"] = "address_key_l is null"  # as it was before
    address["comparison_levels"][1]["m_probability"] *= 0.5
    learnt["comparisons"][at] = address

    extended = with_missing(learnt, RULEBOOK.matching)["comparisons"][at]

    told = sum(v["m_probability"] for v in address["comparison_levels"][1:])
    kept = [v["m_probability"] * told for v in extended["comparison_levels"][1:]]
    assert kept == pytest.approx([v["m_probability"] for v in address["comparison_levels"][1:]])


def _without(some: list[Any], place: int) -> list[Any]:
    return some[:place] + some[place + 1 :]
