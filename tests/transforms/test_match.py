"""How pairs are found and scored, and that the night on which a record came does not matter."""

import math
import tomllib
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from rules.matching import Matching
from transforms.arithmetic import Often
from transforms.block import block_keys, cap_keys, capped_keys, find_pairs, key_columns
from transforms.compare import COMPARISONS
from transforms.explain import explain_levels, explain_pair
from transforms.match import (
    MatchModel,
    band,
    check_model,
    compare_pairs,
    load_nodes,
    match_database,
    match_weight,
    open_linker,
    prepare_nodes,
    score_few,
    score_given,
    score_pairs,
    scorer_of,
    term_columns,
)
from transforms.model_settings import empty_settings
from transforms.weigh import Ratios, Weigher, level_weights, weigh

ROOT = Path(__file__).parents[2]
RULES = Matching.model_validate(tomllib.loads((ROOT / "rules" / "matching.toml").read_text()))

PEOPLE = [
    # first, last, birth date, e-mail, phone, house, postcode, city
    ("anna", "berg", date(1980, 3, 4), "anna.berg@example.org", "+4930111", "5", "10115", "berlin"),
    ("anna", "berg", date(1980, 4, 3), "anna.berg@example.org", None, "5", "10115", "berlin"),
    ("anne", "berg", None, None, "+4930111", "5", "10115", "berlin"),
    ("otto", "berg", date(1978, 1, 9), None, "+4930111", "5", "10115", "berlin"),
    ("berg", "anna", date(1980, 3, 4), None, None, None, None, "berlin"),
    ("a", "berg", None, "anna.berg@example.com", None, None, "10115", None),
    ("ines", "silva costa", date(1991, 7, 1), "ines@example.org", "+351200", "9", "1000", "lisboa"),
    ("ines", "costa", date(1991, 7, 1), None, "+351200", None, "1000", "lisboa"),
    ("rare", "zzyzx", None, None, None, None, None, None),
    ("rare", "zzyzx", None, "zz@example.net", None, None, None, None),
    (None, "berg", date(1980, 3, 4), "anna.berg@example.org", None, None, None, None),
    ("otto", "lind", date(1978, 1, 9), "otto88@example.net", "+4930112", "7", "10115", "berlin"),
    ("otto", "lind", None, "otto88@example.com", "+4930112", None, None, None),
]

NUMBERS = {
    6: "tax:12345678",
    7: "tax:12345678",
    8: "tax:12345687",
    9: "card:12345678",
    11: "tax:87654321",
    12: "12345678",
}
"""The person numbers of some of PEOPLE, by place."""


def people(rows: list[tuple[object, ...]] = PEOPLE) -> pl.DataFrame:
    names = ("first_key", "last_key", "birth_date", "email", "phone", "house_number")
    schema = dict.fromkeys((*names, "postcode_key", "city_key"), pl.String)
    frame = pl.DataFrame(rows, {**schema, "birth_date": pl.Date}, orient="row")
    mailbox = pl.col("email").str.split("@")
    numbers = [NUMBERS.get(place) if rows is PEOPLE else None for place in range(len(rows))]
    return frame.with_row_index("record_number", 1_000_000_001).with_columns(
        person_number=pl.Series(numbers, dtype=pl.String),
        first_root=pl.col("first_key").replace({"anne": "anna"}),
        first_phonetic=pl.col("first_key").str.head(2),
        last_phonetic=pl.col("last_key").str.head(3),
        email_local=mailbox.list.first(),
        email_domain=mailbox.list.last(),
        address_key=pl.col("postcode_key") + " " + pl.col("house_number"),
    )


def model() -> MatchModel:
    """A model with the default weights, as if trained."""
    weights = empty_settings(RULES)
    levels = {name: COMPARISONS[name].levels for name in RULES.comparisons}
    weights["kinship"] = {
        "ratio": -1.0,
        "contact_ratio": -3.0,
        "shares": {name: [level.household for level in every] for name, every in levels.items()},
        "contact_shares": {name: [v.stranger for v in every] for name, every in levels.items()},
    }
    tf = {
        column: pl.DataFrame({column: [None, "berg", "anna"], f"tf_{column}": [0.0001, 0.02, 0.01]})
        for column in term_columns(weights)
    }
    return MatchModel(weights, tf, -12.0)


EXPECTED_KEYS = [
    3211578534598550018,
    None,
    8074172913408825269,
    None,
    1395520153750674042,
    3382682709801881150,
    5662367489808627676,
    9218759642577839298,
    8566107817880542608,
    2088201476474208988,
    9151244337191921902,
    6784192268210705280,
    3383318025591022662,
    None,
    None,
    8332899797515960049,
    6135014418104332133,
    3853297950168654238,
    4545675004003658718,
    None,
    None,
    None,
    4523787058648952989,
    2031784034511975716,
    5609356356845314161,
    9181930198764920317,
    None,
]
"""Of the first record; when an upgrade changes them, every node is to be prepared again."""

NODES = prepare_nodes(people(), RULES)
FULL = score_pairs(None, NODES, model(), RULES)


def record(number: int) -> pl.DataFrame:
    """One of PEOPLE as a node, counted from 0."""
    return NODES.filter(pl.col("record_number") == 1_000_000_001 + number)


ALL_PAIRS = pl.DataFrame(
    [(a, b) for a in NODES["record_number"] for b in NODES["record_number"] if a < b],
    ["record_a", "record_b"],
    orient="row",
)
TOLD = explain_levels(score_given(NODES, ALL_PAIRS, model(), RULES), model())


def test_block_keys_are_the_same_in_every_process_and_version() -> None:
    keys = NODES.sort("record_number").row(0, named=True)
    assert [keys[name] for name in block_keys(RULES)] == EXPECTED_KEYS


def test_a_key_is_missing_when_one_of_its_parts_is_missing() -> None:
    named = {rule: columns[0] for rule, columns in key_columns(RULES).items()}
    nameless = NODES.filter(pl.col("first_key").is_null())
    assert nameless[named["both_names"]].null_count() == 1
    assert nameless[named["last_name_and_birth_date"]].null_count() == 0


def test_the_earlier_record_comes_first_and_each_pair_once() -> None:
    assert (FULL["record_a"] < FULL["record_b"]).all()
    assert FULL.select("record_a", "record_b").is_duplicated().sum() == 0


def test_the_parts_add_up_to_the_evidence() -> None:
    parts = pl.sum_horizontal(f"w_{name}" for name in RULES.comparisons)
    assert (FULL.select((parts - pl.col("evidence")).abs().max()).item()) < 1e-9


def test_no_pair_below_the_floor_is_kept() -> None:
    assert FULL["evidence"].min() >= RULES.evidence_floor


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 2), min_size=len(PEOPLE), max_size=len(PEOPLE)))
def test_nights_in_any_order_give_the_pairs_of_one_full_run(nights: list[int]) -> None:
    night = NODES.with_columns(night=pl.Series(nights))
    parts = []
    for number in sorted(set(nights)):
        new = night.filter(pl.col("night") == number).drop("night")
        old = night.filter(pl.col("night") < number).drop("night")
        parts.append(score_pairs(old if old.height else None, new, model(), RULES))
    chained = pl.concat(parts).sort("record_a", "record_b")
    assert_frame_equal(chained, FULL, check_exact=True)


def test_a_pair_scores_the_same_beside_other_records_and_alone() -> None:
    first = FULL.head(1)
    ends = [first["record_a"].item(), first["record_b"].item()]
    alone = score_given(NODES.filter(pl.col("record_number").is_in(ends)), first, model(), RULES)
    assert_frame_equal(alone, first, check_exact=True)


def test_who_asks_often_of_a_few_is_told_the_same() -> None:
    often, scorer = Often(), scorer_of(model())
    nodes = prepare_nodes(people(), RULES, often)
    told = [
        score_few(nodes, ALL_PAIRS[start : start + 7], scorer, RULES, often)
        for start in range(0, ALL_PAIRS.height, 7)
    ]
    often.close()
    assert_frame_equal(nodes, NODES)
    wanted = score_given(NODES, ALL_PAIRS, model(), RULES)
    assert_frame_equal(pl.concat(told).sort("record_a", "record_b"), wanted, check_exact=True)


def of_splink(given: pl.DataFrame) -> pl.DataFrame:
    """What Splink's own prediction says of pairs: each comparison's weight, and its base weight."""
    used = {name: value for name, value in model().settings.items() if name != "kinship"}
    used |= {
        "probability_two_random_records_match": 0.5,
        "blocking_rules_to_generate_predictions": [],
        "retain_intermediate_calculation_columns": True,
    }
    with match_database() as con:
        load_nodes(con, NODES, model().tf)
        con.register("given", given.to_arrow())
        scored = con.table(compare_pairs(con, open_linker(con, used, model().tf), "given")).pl()
    terms = [name for name in scored.columns if name.startswith("mw_tf_adj_")]
    return scored.select(
        record_a="unique_id_l",
        record_b="unique_id_r",
        **{name: pl.col(f"mw_{name}") for name in RULES.comparisons},
        **{
            f"w_{name}": pl.col(f"mw_{name}")
            + (pl.col(f"mw_tf_adj_{name}") if f"mw_tf_adj_{name}" in terms else 0.0)
            for name in RULES.comparisons
        },
    ).sort("record_a", "record_b")


def test_each_weight_is_what_splink_predicts() -> None:
    ours = score_given(NODES, ALL_PAIRS, model(), RULES)
    splinks = of_splink(ALL_PAIRS)
    assert ours.select("record_a", "record_b").equals(splinks.select("record_a", "record_b"))
    for name in RULES.comparisons:
        off = (ours[f"w_{name}"] - splinks[f"w_{name}"]).abs().max()
        assert off <= 0.5e-4 + 1e-12, name


def test_each_level_is_the_one_that_splink_finds() -> None:
    ours = score_given(NODES, ALL_PAIRS, model(), RULES)
    splinks = of_splink(ALL_PAIRS)
    for comparison in model().settings["comparisons"]:
        name = comparison["output_column_name"]
        base = pl.Series([0.0, *level_weights(comparison)])
        assert base.gather(ours[f"level_{name}"] + 1).to_list() == splinks[name].to_list()
    assert ours.select(f"level_{name}" for name in RULES.comparisons).n_unique() > 20


@pytest.mark.parametrize("repeats", [1, 100], ids=["few", "many"])
def test_two_terms_that_differ_weigh_as_the_commoner_and_none_weighs_as_the_level(
    repeats: int,
) -> None:
    told = {"output_column_name": "last_name", "comparison_levels": [
        {"sql_condition": "last_key_l is null", "is_null_level": True},
        {"sql_condition": "last_key_l = last_key_r", "m_probability": 0.5, "u_probability": 0.25,
         "tf_adjustment_column": "last_key"},
        {"sql_condition": "ELSE", "m_probability": 0.5, "u_probability": 0.75},
    ]}  # fmt: skip
    tf = {"last_key": pl.DataFrame({"last_key": [None, "berg"], "tf_last_key": [0.01, 0.5]})}
    shares = {"last_name": [0.5, 0.5]}
    kinship = {"shares": shares, "contact_shares": shares}
    settings = {"comparisons": [told], "kinship": kinship}
    values = ["berg", "rare", None] * repeats
    weights = Weigher(settings, tf).of(pl.DataFrame({"last_key": values}))
    pairs = pl.DataFrame({"a": [0, 1, 2], "b": [1, 1, 2]}, {"a": pl.UInt32, "b": pl.UInt32})
    levels = pl.DataFrame({"level_last_name": [0, 0, 0]}, {"level_last_name": pl.Int8})
    weighed = weigh(pairs, levels, weights, Ratios(0.0, 0.0))["w_last_name"].to_list()
    assert weighed == [0.0, round(math.log2(0.5 / 0.01), 4), 1.0]


def test_a_value_that_the_model_does_not_know_weighs_as_a_rare_one() -> None:
    rare = FULL.filter(pl.col("record_a") == 1_000_000_009)
    shared = FULL.filter(pl.col("record_a") == 1_000_000_001).head(1)
    level = COMPARISONS["last_name"].levels[0]
    assert rare["w_last_name"].item() == round(math.log2(level.match / 0.0001), 4)
    assert shared["w_last_name"].item() == round(math.log2(level.match / 0.02), 4)


def test_found_by_names_every_rule_that_finds_the_pair() -> None:
    bits = FULL.filter(pl.col("record_a") == 1_000_000_007)["found_by"].item()
    names = [rule.name for number, rule in enumerate(RULES.blocking) if bits & 1 << number]
    assert names == [
        "phone",
        "first_name_and_birth_date",
        "first_name_and_postcode",
        "rare_name",
        "birth_date",
        "few_records",
        "person_number",
    ]


@pytest.mark.parametrize(
    ("a", "b", "comparison", "found"),
    [
        (0, 1, "birth_date", "day and month swapped"),
        (0, 2, "first_name", "a nickname of the other"),
        (0, 4, "first_name", "first and last name swapped"),
        (0, 4, "last_name", "first and last name swapped"),
        (0, 5, "first_name", "an initial of the other"),
        (0, 5, "email", "a value is missing"),
        (11, 12, "email", "same unusual mailbox name at another provider"),
        (11, 12, "phone", "same phone"),
        (0, 11, "phone", "phone one digit off"),
        (6, 7, "last_name", "part of a compound name"),
        (0, 3, "first_name", "another first name"),
        (0, 3, "address", "same address"),
        (0, 11, "address", "same postcode"),
        (0, 8, "address", "a value is missing"),
        (0, 10, "first_name", "a value is missing"),
        (6, 7, "person_number", "same person number"),
        (6, 8, "person_number", "person number with one slip"),
        (6, 11, "person_number", "another person number"),
        (6, 9, "person_number", "a value is missing"),
        (6, 12, "person_number", "a value is missing"),
        (0, 6, "person_number", "a value is missing"),
    ],
)
def test_levels_say_in_words_what_agrees(a: int, b: int, comparison: str, found: str) -> None:
    told = TOLD.filter(
        (pl.col("record_a") == 1_000_000_001 + a)
        & (pl.col("record_b") == 1_000_000_001 + b)
        & (pl.col("comparison") == comparison)
    )
    assert told["found"].to_list() == [found]


LOOKING_ALIKE = [
    # first, last, suffix, e-mail
    ("pat", "lorenz", "Sr", "pat.lorenz@example.org"),
    ("pat", "lorenz", "Jr", "patlorenz@example.net"),
    ("patz", "lorenz", None, "pat.lorenz@example.net"),
    ("pia", "lorenz", None, "pia.lorenz@example.org"),
    ("lorenz", "sommerfeld", None, None),
]


def alike() -> pl.DataFrame:
    names = ("first_key", "last_key", "suffix", "email")
    frame = pl.DataFrame(LOOKING_ALIKE, dict.fromkeys(names, pl.String), orient="row")
    mailbox = pl.col("email").str.split("@")
    made = frame.with_row_index("record_number", 1).with_columns(
        email_local=mailbox.list.first(), email_domain=mailbox.list.last()
    )
    return prepare_nodes(made, RULES)


@pytest.mark.parametrize(
    ("a", "b", "comparison", "found"),
    [
        (1, 2, "middle_name", "another generation"),
        (1, 2, "email", "a value is missing"),
        (1, 3, "email", "a value is missing"),
        (2, 3, "email", "another mailbox at the same provider"),
        (1, 4, "email", "another mailbox at the same provider"),
        (1, 5, "first_name", "one name in the place of the other"),
    ],
)
def test_a_mailbox_called_after_its_owner_says_no_more_than_the_name(
    a: int, b: int, comparison: str, found: str
) -> None:
    asked = pl.DataFrame({"record_a": [a], "record_b": [b]})
    told = explain_levels(score_given(alike(), asked, model(), RULES), model())
    assert told.filter(pl.col("comparison") == comparison)["found"].to_list() == [found]


def test_swapped_names_weigh_what_the_names_weigh() -> None:
    swapped = FULL.filter(
        (pl.col("record_a") == 1_000_000_001) & (pl.col("record_b") == 1_000_000_005)
    )
    same = COMPARISONS["first_name"].levels[0].stranger
    level = COMPARISONS["first_name"].levels[2]
    usual = math.log2(level.match / level.stranger)
    assert swapped["w_first_name"].item() == pytest.approx(usual + math.log2(same / 0.02), abs=1e-3)


def test_an_explanation_does_not_depend_on_which_record_comes_first() -> None:
    told = explain_pair(record(0), record(5), model(), RULES)
    assert_frame_equal(told, explain_pair(record(5), record(0), model(), RULES))
    assert told["comparison"].to_list() == list(RULES.comparisons)


def test_two_people_of_one_household_weigh_less_than_one_customer() -> None:
    weighed = FULL.with_columns(weight=match_weight(-12.0))
    pair = pl.col("record_a") == 1_000_000_001
    same = weighed.filter(pair & (pl.col("record_b") == 1_000_000_002))["weight"].item()
    spouse = weighed.filter(pair & (pl.col("record_b") == 1_000_000_004))["weight"].item()
    assert same > RULES.thresholds.link
    assert spouse < RULES.thresholds.review


def test_a_match_weight_is_finite_for_any_evidence() -> None:
    extreme = pl.DataFrame({"evidence": [2000.0, -900.0, 80.0], "kinship": [3000.0, -900.0, 90.0]})
    weights = extreme.select(w=match_weight(-20.0))["w"]
    assert weights.is_finite().all()
    assert weights.to_list() == pytest.approx([-1000.0, -920.0, -10.0], abs=1e-6)


def test_bands_change_with_the_prior_and_scores_do_not() -> None:
    weighed = pl.DataFrame({"evidence": [20.0, 20.0, 20.0], "kinship": [-9.0, -9.0, 30.0]})
    link, review = RULES.thresholds.link, RULES.thresholds.review
    assert weighed.select(band(link - 20, RULES.thresholds)).to_series().to_list()[0] == "review"
    assert weighed.select(band(link - 19.9, RULES.thresholds)).to_series()[0] == "link"
    assert weighed.select(band(review - 21, RULES.thresholds)).to_series()[1] == "apart"
    assert weighed.select(band(-1.0, RULES.thresholds)).to_series()[2] == "apart"


def test_a_contact_point_that_is_junk_never_blocks() -> None:
    survivorship = tomllib.loads((ROOT / "rules" / "survivorship.toml").read_text())
    limits = [
        RULES.max_block_of(rule) for rule in RULES.blocking if rule.name in ("email", "phone")
    ]
    assert survivorship["usage"]["junk_least"] > max(limits)


def test_a_key_that_too_many_records_share_finds_nothing() -> None:
    crowd = people(
        [
            (
                "x" + chr(97 + n % 26) + chr(97 + n // 26),
                None,
                None,
                "info@example.org",
                *[None] * 4,
            )
            for n in range(RULES.max_block + 1)
        ]
    )
    nodes = prepare_nodes(crowd, RULES)
    capped = capped_keys(nodes, RULES)
    assert capped.select("rule", "count").rows() == [
        ("email", RULES.max_block + 1),
        ("mailbox_name", RULES.max_block + 1),
    ]
    assert score_pairs(None, cap_keys(nodes, capped, RULES), model(), RULES).height == 0
    assert capped_keys(nodes.head(RULES.max_block), RULES)["rule"].to_list() == ["mailbox_name"]


@pytest.mark.parametrize("count", [1, 9, RULES.max_block - 1])
def test_fewer_records_than_a_block_may_have_cap_no_key(count: int) -> None:
    emails = [f"{number}@b.example" for number in range(count)]
    nodes = prepare_nodes(
        pl.DataFrame({"record_number": range(1, count + 1), "email": emails}), RULES
    )

    assert capped_keys(nodes, RULES).is_empty()


@pytest.mark.parametrize(
    ("break_it", "problem"),
    [
        (
            lambda m: m.settings["comparisons"][0]["comparison_levels"][2].pop("m_probability"),
            "first_name: level 'a nickname of the other' has no m_probability",
        ),
        (lambda m: m.settings["comparisons"].pop(), "the model compares"),
        (lambda m: m.tf.pop("last_key"), "no term frequencies for last_key"),
        (lambda m: m.settings.pop("kinship"), "kinship: no ratio"),
        (
            lambda m: m.settings["kinship"]["shares"]["email"].pop(),
            "kinship: email has not one share",
        ),
        (
            lambda m: m.settings["comparisons"][1]["comparison_levels"][1].update(
                sql_condition="true"
            ),
            "last_name: its levels are not those of this version",
        ),
        (
            lambda m: m.tf.update(city_key=m.tf["city_key"].drop_nulls()),
            "term frequencies for city_key need",
        ),
    ],
)
def test_a_broken_model_is_told_by_name_and_refused(break_it, problem: str) -> None:  # type: ignore[no-untyped-def]
    broken = model()
    assert check_model(broken, RULES) == []
    break_it(broken)
    assert any(told.startswith(problem) for told in check_model(broken, RULES))
    with pytest.raises(ValueError, match="cannot be used"):
        score_pairs(None, NODES, broken, RULES)


def test_no_new_records_make_no_pairs() -> None:
    assert score_pairs(NODES, NODES.clear(), model(), RULES).height == 0


KEYS = [1, 2, 3, 1 << 40, (1 << 40) + 1]
"""Some begin alike."""
ROWS = st.lists(st.tuples(*[st.sampled_from([None, *KEYS])] * 3), min_size=1, max_size=9)


@settings(max_examples=30, deadline=None)
@given(keys=ROWS, capped=st.lists(st.sampled_from(KEYS), unique=True))
def test_pairs_are_found_wherever_two_records_share_a_key_that_is_not_capped(
    keys: list[tuple[int | None, ...]], capped: list[int]
) -> None:
    rules = RULES.model_copy(update={"blocking": RULES.blocking[1:3]})
    nodes = pl.DataFrame(keys, dict.fromkeys(block_keys(rules), pl.Int64), orient="row")
    nodes = nodes.with_columns(record_number=100 - pl.int_range(pl.len(), dtype=pl.Int64))
    is_new = nodes["record_number"].to_numpy() % 2 == 0
    found = find_pairs(nodes, rules, is_new, pl.Series(capped, dtype=pl.Int64))
    last, none = len(keys) - 1, {None, *capped}
    expected = [
        (a, b, bits)
        for a in range(len(keys))
        for b in range(a + 1, len(keys))
        if is_new[last - a] or is_new[last - b]
        for one, other in [(keys[last - a], keys[last - b])]
        if (
            bits := 1 * bool({*one[:2]} & {*other[:2]} - none)
            + 2 * bool({one[2]} & {other[2]} - none)
        )
    ]
    assert found.rows() == expected


@settings(max_examples=30, deadline=None)
@given(keys=ROWS, limit=st.integers(1, 4))
def test_a_key_is_capped_by_how_many_records_hold_it_once_or_twice(
    keys: list[tuple[int | None, ...]], limit: int
) -> None:
    blocking = [rule.model_copy(update={"max_block": limit}) for rule in RULES.blocking[1:3]]
    rules = RULES.model_copy(update={"blocking": blocking})
    nodes = pl.DataFrame(keys, dict.fromkeys(block_keys(rules), pl.Int64), orient="row")
    phone, name = (
        {key: sum(key in row[part] for row in keys) for key in sorted(KEYS)}
        for part in (slice(0, 2), slice(2, 3))
    )
    expected = [
        (rule.name, key, count)
        for rule, counts in zip(blocking, (phone, name), strict=True)
        for key, count in counts.items()
        if count > limit
    ]
    assert sorted(capped_keys(nodes, rules).rows()) == sorted(expected)
