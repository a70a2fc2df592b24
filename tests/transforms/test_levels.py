"""How levels in SQL are read off pairs of records, by codes where equality is all that is asked."""

import duckdb
import polars as pl
import pytest

from transforms.levels import lay_out, side_by_side
from transforms.plans import OPEN, Plan, plan_levels, plan_told

PEOPLE = pl.DataFrame(
    {
        "record_number": [3, 1, 2, 4],
        "name": ["anna", "anna", "berta", None],
        "other": ["berta", None, "anna", "anna"],
        "nicks": [["x", "y"], ["y"], None, []],
        "house": ["5", "5", "7", "5"],
    },
    {
        "record_number": pl.Int64,
        "name": pl.String,
        "other": pl.String,
        "nicks": pl.List(pl.String),
        "house": pl.String,
    },
)
ALL = pl.DataFrame({"a": [a for a in range(4) for _ in range(4)], "b": [*range(4)] * 4}).cast(
    pl.UInt32
)


def comparison(*levels: str) -> dict[str, object]:
    return {
        "output_column_name": "asked",
        "comparison_levels": [{"sql_condition": level} for level in levels],
    }


def levels_of(*levels: str) -> list[int]:
    """The levels of all pairs of PEOPLE in the order of their numbers, by the plan."""
    return answers(plan_levels([comparison(*levels)], PEOPLE.schema))


def answers(plan: Plan) -> list[int]:
    """What the plan says of all pairs of PEOPLE in the order of their numbers."""
    records = lay_out(PEOPLE, PEOPLE["record_number"].arg_sort(), plan)
    with duckdb.connect(":memory:") as con:
        con.register("pairs", side_by_side(records, plan, ALL["a"], ALL["b"]))
        return [level for (level,) in con.sql(plan.sql).fetchall()]


def levels_in_sql(*levels: str) -> list[int]:
    """The same, asked of the values themselves."""
    cases = " ".join(
        f"when {sql} then {level}" if sql != "ELSE" else f"else {level}"
        for level, sql in enumerate(levels, -1)
    )
    sides = ", ".join(
        f"{side}.{name} as {name}_{side}" for name in PEOPLE.columns for side in ("l", "r")
    )
    with duckdb.connect(":memory:") as con:
        con.register("people", PEOPLE.to_arrow())
        found = con.sql(
            f"select case {cases} end from (select {sides} from people l, people r)"
            " order by record_number_l, record_number_r"
        )
        return [level for (level,) in found.fetchall()]


@pytest.mark.parametrize(
    "levels",
    [
        ("name_l is null or name_r is null", "name_l = name_r", "ELSE"),
        ("(name_l = name_r) is null", "name_l = other_r and other_l = name_r", "ELSE"),
        ("name_l <> name_r", "name_l = name_r", "ELSE"),
        ("not name_l = name_r", "coalesce(name_l = other_r or other_l = name_r, false)", "ELSE"),
        ("levenshtein(name_l, name_r) is null", "levenshtein(name_l, name_r) = 0", "ELSE"),
        (
            "jaro_winkler_similarity(name_l, name_r) is null",
            "jaro_winkler_similarity(name_l, name_r) >= 0.9",
            "jaro_winkler_similarity(name_l, other_r) >= 0.9",
            "ELSE",
        ),
        ("name_l || 'x' = name_r || 'x'", "'x' || name_l = other_r || ''", "ELSE"),
        ("nicks_l is null", "list_has_any(nicks_l, nicks_r)", "nicks_l = nicks_r", "ELSE"),
        (
            "house_l = house_r and (name_l = name_r or other_l = other_r)",
            "name_l = other_l",
            "ELSE",
        ),
        ("case when name_l = name_r then true else house_l = house_r end", "ELSE"),
        ("record_number_l = record_number_r", "left(name_l, 1) = left(other_r, 1)", "ELSE"),
    ],
)
def test_levels_read_by_codes_are_those_of_the_sql(levels: tuple[str, ...]) -> None:
    assert levels_of(*levels) == levels_in_sql(*levels)
    assert len(set(levels_of(*levels))) > 1


def test_text_is_fetched_only_where_more_than_equality_is_asked() -> None:
    plan = plan_levels(
        [comparison("other_l is null", "name_l = other_r", "name_l > name_r", "ELSE")],
        PEOPLE.schema,
    )
    assert plan.texts == ("name",)
    assert plan.coded == ("name", "other")


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        (("name_l is null", "name_l = name_r", "levenshtein(name_l, name_r) < 3", "ELSE"), 1),
        (("name_l is null", "name_l = name_r", "name_l = other_r", "ELSE"), 3),
        (("(name_l = name_r) is null", "name_l > name_r", "name_l = name_r", "ELSE"), 0),
        (
            (
                "levenshtein(name_l, name_r) is null and (name_l = other_r) is not true",
                "name_l = name_r and other_l is not null",
                "left(other_l, 1) = 'a'",
                "ELSE",
            ),
            1,
        ),
    ],
)
def test_what_codes_tell_is_so_and_the_rest_stays_open(levels: tuple[str, ...], told: int) -> None:
    weights = [float(weight) for weight in range(len(levels) - 1)]
    plan, left_open = plan_told([comparison(*levels)], PEOPLE.schema, {"asked": weights})
    assert plan.texts == ()
    assert left_open == ({"asked"} if told < len(levels) - 1 else set())
    for found, level in zip(answers(plan), levels_in_sql(*levels), strict=True):
        assert found == level if level < told else found >= OPEN + level


def test_of_what_stays_open_the_level_is_told_that_weighs_most_of_those_that_may_be() -> None:
    levels = (
        "(name_l = name_r) is null",
        "left(name_l, 1) = 'a' and house_l = house_r and name_l <> 'x and y'",
        "name_l < name_r and house_l = house_r",
        "name_l > name_r or house_l = house_r",
        "ELSE",
    )
    most = {"asked": [5.0, 9.0, 1.0, -3.0]}
    plan, _ = plan_told([comparison(*levels)], PEOPLE.schema, most)
    by_pair = dict(zip(ALL.iter_rows(), answers(plan), strict=True))
    assert [by_pair[0, b] for b in range(4)] == [OPEN + 1, OPEN + 2, OPEN + 1, -1]
