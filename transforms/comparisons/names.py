"""Compare what two people are called."""

from transforms.comparisons.shape import Comparison, Level

_SWAPPED = "(first_key_l = last_key_r and last_key_l = first_key_r)"
_FIRST = "jaro_winkler_similarity(first_key_l, first_key_r)"
_LAST = "jaro_winkler_similarity(last_key_l, last_key_r)"
_CROSS_FIRST = "jaro_winkler_similarity(first_key_l, last_key_r)"
_CROSS_LAST = "jaro_winkler_similarity(last_key_l, first_key_r)"
_NEARLY_SWAPPED = (
    f"(first_key_l = last_key_r and ({_CROSS_LAST} >= 0.84 or starts_with(first_key_r, last_key_l)"
    " or starts_with(last_key_l, first_key_r)))"
    f" or (last_key_l = first_key_r and ({_CROSS_FIRST} >= 0.84"
    " or starts_with(first_key_l, last_key_r) or starts_with(last_key_r, first_key_l)))"
)
_HALF_SWAPPED = "(first_key_l = last_key_r or last_key_l = first_key_r)"
_SHORT = (
    "coalesce(list_contains(first_others_l, first_root_r), false)"
    " or coalesce(list_contains(first_others_r, first_root_l), false)"
    " or coalesce(list_has_any(first_others_l, first_others_r), false)"
)
_FIRST_SLIP = (
    "(damerau_levenshtein(first_key_l, first_key_r) = 1"
    " and least(length(first_key_l), length(first_key_r)) >= 4)"
)
_LAST_SLIP = (
    "(damerau_levenshtein(last_key_l, last_key_r) = 1"
    " and least(length(last_key_l), length(last_key_r)) >= 4)"
)
_RARER = 50
"""A name so many times rarer than another that looks alike may be a slip of the pen for it."""


def _both_often(name: str) -> str:
    """Two names that both are given to many: neither is a slip of the pen for the other."""
    left, right = f"{name}_often_l", f"{name}_often_r"
    return f"{left} * {_RARER} > {right} and {right} * {_RARER} > {left}"


_BOTH_FIRST = _both_often("first")
_BOTH_LAST = _both_often("last")
_NOT_OTHER_GENERATION = "(generation_l <> generation_r) is not true"

FIRST_NAME = Comparison(
    ("first_key", "first_root", "first_phonetic"),
    f"{_FIRST} is null",
    (
        Level("same first name", "first_key_l = first_key_r", 0.75, 0.02, 0.006, "first_key"),
        Level("a nickname of the other", "first_root_l = first_root_r", 0.06, 0.01, 0.001),
        Level("first and last name swapped", _SWAPPED, 0.01, 0.0005, 0.00001, "first_key"),
        Level(
            "an initial of the other",
            "(length(first_key_l) = 1 or length(first_key_r) = 1)"
            " and left(first_key_l, 1) = left(first_key_r, 1)",
            0.02,
            0.01,
            0.002,
        ),
        Level("perhaps short for the other", _SHORT, 0.03, 0.005, 0.0031),
        Level(
            "another name that looks alike",
            f"{_BOTH_FIRST} and ({_FIRST} >= 0.84 or {_FIRST_SLIP}"
            " or coalesce(first_phonetic_l = first_phonetic_r, false))",
            0.01,
            0.05,
            0.0401,
        ),
        Level("spelt nearly the same", f"{_FIRST} >= 0.92 or {_FIRST_SLIP}", 0.06, 0.02, 0.004),
        Level("nearly swapped with the last name", _NEARLY_SWAPPED, 0.005, 0.0005, 0.00002),
        Level(
            "one name in the place of the other",
            _HALF_SWAPPED,
            0.003,
            0.0005,
            0.00021,
            in_families=(("first_name", 2), ("last_name", 0)),  # one of them wrote it swapped
        ),
        Level(
            "part of the other",
            "starts_with(first_key_l, first_key_r) or starts_with(first_key_r, first_key_l)"
            " or coalesce(first_key_l = middle_key_r or middle_key_l = first_key_r, false)",
            0.03,
            0.01,
            0.0028,
        ),
        Level(
            "sounds or looks alike",
            f"{_FIRST} >= 0.84 or coalesce(first_phonetic_l = first_phonetic_r, false)",
            0.03,
            0.03,
            0.01,
        ),
        Level("looks a little alike", f"{_FIRST} >= 0.7", 0.03, 0.02, 0.02),
        Level("another first name", "ELSE", 0.01, 0.88, 0.95),
    ),
    is_personal=True,
    is_name=True,
)

LAST_NAME = Comparison(
    ("last_key", "last_phonetic"),
    f"{_LAST} is null",
    (
        Level("same last name", "last_key_l = last_key_r", 0.85, 0.75, 0.002, "last_key"),
        Level("first and last name swapped", _SWAPPED, 0.01, 0.0005, 0.00001, "last_key"),
        Level(
            "part of a compound name",
            "starts_with(last_key_l, last_key_r || ' ')"
            " or starts_with(last_key_r, last_key_l || ' ')"
            " or ends_with(last_key_l, ' ' || last_key_r)"
            " or ends_with(last_key_r, ' ' || last_key_l)",
            0.01,
            0.01,
            0.0001,
        ),
        Level(
            "another name that looks alike",
            f"{_BOTH_LAST} and ({_LAST} >= 0.84 or {_LAST_SLIP}"
            " or coalesce(last_phonetic_l = last_phonetic_r, false))",
            0.01,
            0.03,
            0.0301,
        ),
        Level("spelt nearly the same", f"{_LAST} >= 0.92 or {_LAST_SLIP}", 0.06, 0.02, 0.001),
        Level("nearly swapped with the first name", _NEARLY_SWAPPED, 0.005, 0.0005, 0.00002),
        Level(
            "sounds or looks alike",
            f"{_LAST} >= 0.84 or coalesce(last_phonetic_l = last_phonetic_r, false)",
            0.02,
            0.03,
            0.01,
        ),
        Level("looks a little alike", f"{_LAST} >= 0.7", 0.03, 0.02, 0.02),
        Level("another last name", "ELSE", 0.03, 0.18, 0.965),
    ),
    is_name=True,
)

BOTH_NAMES = Comparison(
    (),
    "(first_root_l = first_root_r) is null or (last_key_l = last_key_r) is null",
    (
        Level(
            "names that often go together",
            "first_root_l = first_root_r and last_key_l = last_key_r",
            0.25,
            0.25,
            1.0,
        ),
        Level("no correction", "ELSE", 1.0, 1.0, 0.999999999),
    ),
    True,
    is_name=True,
)

MIDDLE_NAME = Comparison(
    ("middle_key",),
    f"(middle_key_l = middle_key_r) is null and {_NOT_OTHER_GENERATION}",
    (
        Level(
            "same middle name",
            f"middle_key_l = middle_key_r and {_NOT_OTHER_GENERATION}",
            0.7,
            0.05,
            0.02,
        ),
        Level(
            "a middle initial of the other",
            f"(length(middle_key_l) = 1 or length(middle_key_r) = 1) and"
            f" left(middle_key_l, 1) = left(middle_key_r, 1) and {_NOT_OTHER_GENERATION}",
            0.2,
            0.03,
            0.03,
        ),
        Level(
            "another generation",
            "generation_l <> generation_r",
            0.001,
            0.1,
            0.05,
            is_known=True,
        ),
        Level("another middle name", "ELSE", 0.095, 0.87, 0.94),
    ),
    is_personal=True,
)

PREPARED = {
    "generation": "case lower(suffix) when 'sr' then 1 when 'jr' then 2 when 'ii' then 2"
    " when 'iii' then 3 when 'iv' then 4 end",
}
"""Columns that these comparisons read beside those of a node."""

OFTEN = {"first_often": "first_key", "last_often": "last_key"}
"""Columns with the share of people who have the name, where that is at least `ESTABLISHED`."""
ESTABLISHED = 1e-4
"""Share of people by which a text is a name of its own, and no slip that somebody made twice."""
