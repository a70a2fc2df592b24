"""A person's number is read, compared within its kind, and decides where little else does."""

from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.rulebook import Rulebook, read_rulebook
from tests.lookups import read_cases
from transforms.block import cap_keys, capped_keys
from transforms.explain import explain_levels
from transforms.extend import missing_comparisons, with_missing
from transforms.match import MatchModel, band, check_model, match_weight, prepare_nodes, score_pairs
from transforms.standardise.keys import MADE_OF, record_keys
from transforms.standardise.person_numbers import person_numbers, shown

RULES_FOLDER = Path(__file__).parents[2] / "rules"
SAID = {**dict.fromkeys(MADE_OF, pl.String), "birth_date": pl.String, "person_number": pl.String}


@cache
def rulebook() -> Rulebook:
    return read_rulebook(RULES_FOLDER)


def shipped() -> MatchModel:
    model = rulebook().model
    return MatchModel(model.settings, model.frequencies, model.manifest.prior)


def read(text: str | None, kind: str | None = None) -> str | None:
    value: str | None = person_numbers(pl.Series("person_number", [text], pl.String), kind).item()
    return value


@pytest.mark.parametrize("case", read_cases("person_numbers"), ids=lambda case: case["why"])
def test_a_number_is_read_with_its_kind(case: dict[str, Any]) -> None:
    assert read(case["given"], case.get("kind")) == case.get("expect")


@given(st.text(max_size=40), st.sampled_from([None, "tax"]), st.sampled_from([None, "card"]))
def test_a_number_that_was_read_is_read_as_itself(text: str, kind: str, other: str) -> None:
    once = read(text, kind)

    if once is not None and ":" in once:
        assert read(once, other) == once
    else:
        assert read(once) == once


def test_the_eye_is_shown_the_kind_and_the_end() -> None:
    assert shown("person_number", "us_ssn:078051121") == "us_ssn:***121"
    assert shown("person_number", "5304218") == "***218"
    assert shown("person_number", "") == ""
    assert shown("city", "078051121") == "078051121"


def nodes(*people: dict[str, str]) -> pl.DataFrame:
    """Records as they are compared, numbered from 1."""
    said = pl.DataFrame(list(people), schema=SAID).with_columns(pl.col("birth_date").str.to_date())
    phones = said.with_row_index("record_number", 1).with_columns(phone=None, phone_2=None)
    keyed = record_keys(phones, rulebook().lookups)
    return prepare_nodes(keyed, rulebook().matching)


def scored(*people: dict[str, str]) -> pl.DataFrame:
    """What the shipped model says of the pairs that are found, with their band."""
    rules, made = rulebook().matching, nodes(*people)
    pairs = score_pairs(None, cap_keys(made, capped_keys(made, rules), rules), shipped(), rules)
    prior = shipped().prior
    return pairs.with_columns(match_weight=match_weight(prior), band=band(prior, rules.thresholds))


HOME = {"address": "12 Mill Lane", "city": "Leeds", "postcode": "LS1 4AB", "country": "GB"}
ELSEWHERE = {"address": "7 Ridge Road", "city": "Truro", "postcode": "TR1 2AB", "country": "GB"}


def test_two_of_one_household_and_one_name_are_told_apart_by_their_numbers() -> None:
    """Father and son: all that is known of them but the number is the same."""
    who = {"first_name": "Peter", "last_name": "Hartnell", **HOME}

    unnumbered = scored(who, who)
    numbered = scored(
        {**who, "person_number": "nino:QQ123456C"}, {**who, "person_number": "nino:AB987654D"}
    )

    assert unnumbered["band"].to_list() == ["link"]
    assert numbered["match_weight"].item() < unnumbered["match_weight"].item() - 4
    assert numbered["band"].to_list() != ["link"]


def test_a_woman_of_another_name_mailbox_and_house_is_found_by_her_number_alone() -> None:
    before = {"first_name": "Beatrix", "last_name": "Hartnell", "email": "beatrix@hartnell.net"}
    since = {"first_name": "Beatrix", "last_name": "Okonkwo", "email": "b.okonkwo@mail.org"}
    number = {"person_number": "nino:QQ123456C"}

    unnumbered = scored({**before, **HOME}, {**since, **ELSEWHERE})
    numbered = scored({**before, **HOME, **number}, {**since, **ELSEWHERE, **number})

    place = [rule.name for rule in rulebook().matching.blocking].index("person_number")
    assert unnumbered["band"].to_list() == ["apart"]
    assert numbered["found_by"].item() >> place & 1
    assert numbered["band"].to_list() == ["link"]


def test_brothers_with_numbers_issued_one_after_the_other_are_two() -> None:
    born = {"last_name": "Hartnell", "birth_date": "2001-05-06", **HOME}
    pairs = scored(
        {**born, "first_name": "Otto", "person_number": "passport:C01X00471"},
        {**born, "first_name": "Emil", "person_number": "passport:C01X00472"},
    )

    assert "link" not in pairs["band"].to_list()


def test_a_number_that_more_records_share_than_a_block_may_have_says_nothing() -> None:
    rules = rulebook().matching
    crowd = [
        {"first_name": "Ann", "last_name": "Lee", **HOME, "person_number": "card:10203040"}
        for _ in range(rules.max_block + 1)
    ]
    made = nodes(*crowd)

    capped = cap_keys(made, capped_keys(made, rules), rules)
    few = made.head(5)

    assert capped["person_number"].null_count() == capped.height
    assert cap_keys(few, capped_keys(few, rules), rules)["person_number"].null_count() == 0


def test_a_model_is_given_what_it_lacks_and_keeps_all_that_it_has() -> None:
    rules, whole = rulebook().matching, shipped().settings
    name, kinds = "person_number", ("shares", "contact_shares")
    kept = [c for c in whole["comparisons"] if c["output_column_name"] != name]
    shares = {
        kind: {n: s for n, s in whole["kinship"][kind].items() if n != name} for kind in kinds
    }
    old = {**whole, "comparisons": kept, "kinship": {**whole["kinship"], **shares}}
    assert check_model(shipped()._replace(settings=old), rules) != []

    extended = with_missing(old, rules)

    assert missing_comparisons(old, rules) == (name,)
    assert extended == whole
    assert check_model(shipped()._replace(settings=extended), rules) == []


def test_numbers_of_two_kinds_say_nothing_of_each_other() -> None:
    who = {"first_name": "Peter", "last_name": "Hartnell", **HOME}
    pairs = scored(
        {**who, "person_number": "nino:QQ123456C"}, {**who, "person_number": "card:99887766"}
    )

    told = explain_levels(pairs, shipped()).filter(pl.col("comparison") == "person_number")
    assert told["found"].to_list() == ["a value is missing"]
