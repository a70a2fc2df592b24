"""Compare what two companies are called, for people who are there and for accounts."""

from transforms.comparisons.shape import Comparison, Level

_COMPANY = "jaro_winkler_similarity(company_key_l, company_key_r)"
_COMPANY_SLIPS = (
    f"{_COMPANY} >= 0.92 and levenshtein(company_key_l, company_key_r)"
    " <= greatest(2, greatest(length(company_key_l), length(company_key_r)) // 7)"
)
"""Long names that begin alike are as alike as slips make them, and may be two branches."""
_NOBODY = (
    "(first_key_l is null and last_key_l is null and first_key_r is null and last_key_r is null)"
)
"""Neither record names a person."""
_COMPANY_WORDS = "len(list_intersect(company_words_l, company_words_r))"


def _called(match: tuple[float, ...], household: tuple[float, ...]) -> tuple[Level, ...]:
    """The levels of what two companies are called, with how often one and a household reach them.

    Colleagues share an address, so a company tells hardly more of one person than of a household.
    Where nobody is named, the company is the customer: two that share an address and a telephone
    are told apart by what they are called, as people are by their names.
    """
    levels = (
        ("same company", "company_key_l = company_key_r", 0.002),
        (
            "company spelt nearly the same",
            f"({_COMPANY_SLIPS}) or company_initials_l = company_key_r"
            " or company_key_l = company_initials_r",
            0.001,
        ),
        (
            "one company has all words of the other",
            f"{_COMPANY_WORDS} >= 2"
            f" and {_COMPANY_WORDS} = least(len(company_words_l), len(company_words_r))",
            0.0005,
        ),
        (
            "most words of the companies alike",
            f"{_COMPANY_WORDS} >= 2"
            f" and {_COMPANY_WORDS} * 2 >= greatest(len(company_words_l), len(company_words_r))",
            0.001,
        ),
        ("company sounds or looks alike", f"{_COMPANY} >= 0.8", 0.02),
        ("another company", "ELSE", 0.9755),
    )
    return tuple(
        Level(label, sql, one, family, stranger, None if number else "company_key")
        for number, ((label, sql, stranger), one, family) in enumerate(
            zip(levels, match, household, strict=True)
        )
    )


COMPANY = Comparison(
    ("company_key",),
    f"{_COMPANY} is null or {_NOBODY}",
    _called((0.5, 0.1, 0.06, 0.04, 0.05, 0.25), (0.4, 0.08, 0.05, 0.04, 0.05, 0.38)),
    is_contact=True,
)

ACCOUNT = Comparison(
    ("company_key",),
    f"{_COMPANY} is null or not {_NOBODY}",
    _called((0.5, 0.1, 0.12, 0.06, 0.06, 0.16), (0.01, 0.01, 0.01, 0.01, 0.02, 0.94)),
    is_personal=True,
    is_name=True,
)

PREPARED = {
    "company_words": "list_distinct(string_split(company_key, ' '))",
    "company_initials": "case when length(company_key) < 4 or not contains(company_key, ' ') then"
    " null else regexp_replace(company_key, '(\\S)\\S* ?', '\\1', 'g') end",
}
"""Columns that these comparisons read beside those of a node."""
