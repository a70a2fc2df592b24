"""Compare what belongs to one person alone: the birth date and the numbers given to people."""

from transforms.comparisons.shape import Comparison, Level

_BIRTH = "hamming(birth_text_l, birth_text_r)"
_SLIP = "damerau_levenshtein(birth_text_l, birth_text_r) = 1"
_NUMBER_SLIP = (
    "damerau_levenshtein(number_bare_l, number_bare_r) = 1"
    " and least(length(number_bare_l), length(number_bare_r)) >= 6"
)

BIRTH_DATE = Comparison(
    ("birth_date",),
    f"{_BIRTH} is null",
    (
        Level("same birth date", "birth_text_l = birth_text_r", 0.93, 0.01, 0.00006),
        Level("day and month swapped", "birth_text_l = birth_swap_r", 0.01, 0.0005, 0.00005),
        Level(
            "birth date one digit off",
            f"{_BIRTH} = 1 or ({_BIRTH} = 2 and {_SLIP})",
            0.03,
            0.005,
            0.001,
        ),
        Level(
            "same year, one of them 1 January",
            "left(birth_text_l, 4) = left(birth_text_r, 4)"
            " and (right(birth_text_l, 5) = '01-01' or right(birth_text_r, 5) = '01-01')",
            0.002,
            0.001,
            0.0002,
        ),
        Level("birth date two digits off", f"{_BIRTH} = 2", 0.01, 0.03, 0.02),
        Level("another birth date", "ELSE", 0.02, 0.95, 0.98),
    ),
    is_personal=True,
)

PERSON_NUMBER = Comparison(
    ("person_number",),
    "(number_kind_l = number_kind_r) is not true",
    (
        Level("same person number", "person_number_l = person_number_r", 0.93, 0.0005, 1e-6),
        Level(
            "person number with one slip",
            _NUMBER_SLIP,
            0.04,
            0.02,  # brothers and sisters have numbers that were issued one after the other
            0.00001,
            is_known=True,
        ),
        Level("another person number", "ELSE", 0.03, 0.9795, 0.999989),
    ),
    is_personal=True,
)

PREPARED = {
    "birth_text": "birth_date::varchar",
    "birth_swap": "strftime(birth_date, '%Y-%d-%m')",
    "number_kind": "case when contains(person_number, ':') then split_part(person_number, ':', 1)"
    " when person_number is not null then '' end",
    "number_bare": "split_part(person_number, ':', -1)",
}
"""Columns that these comparisons read beside those of a node."""
