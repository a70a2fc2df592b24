"""Say how two records are compared: each comparison's levels, best first, and in words.

The text distance of a comparison stands in its null level too: evaluated there for every pair, it
is worked out once instead of once per level. The default m and u are what a level weighs when the
training data never showed it: cautious round numbers, listed in the model's manifest when used.
"""

from typing import Any, NamedTuple


class Level(NamedTuple):
    """One way in which two values agree or differ."""

    label: str
    sql: str
    match: float
    household: float
    stranger: float
    term: str | None = None
    """The column whose value's frequency refines the weight, if there is one."""
    is_known: bool = False
    """Whether its shares are these and not learnt: what it means is known without looking."""
    in_families: tuple[tuple[str, int], tuple[str, int]] | None = None
    """Two levels, by comparison and number: people of one household reach this level as often as
    one person reaches the first and a household the second."""


class Comparison(NamedTuple):
    """Levels from the best to the worst; the last one takes what is left."""

    columns: tuple[str, ...]
    """What it compares; pairs chosen to agree on one of these teach nothing about it."""
    missing: str
    levels: tuple[Level, ...]
    is_correction: bool = False
    """Whether it only corrects for others that are not independent: its levels are not learnt."""
    goes_with_names: bool = False
    """Whether strangers of one name are more alike in it than strangers at random."""
    is_personal: bool = False
    """Whether people of one household differ in it as strangers do."""
    is_name: bool = False
    """Whether it is a part of a name: two people may have one name."""
    is_contact: bool = False
    """Whether people who are no family may share it: colleagues, or a number given out twice."""


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
_STREET = "jaro_winkler_similarity(street_key_l, street_key_r)"
_ONE_PLACE = (
    "(postcode_key_l = postcode_key_r or city_key_l = city_key_r"
    " or ((postcode_key_l = postcode_key_r) is null and (city_key_l = city_key_r) is null))"
)
"""Many places have a 12 Main Street."""
_STREETS_ALIKE = (
    f"(street_key_l = street_key_r or {_STREET} >= 0.9"
    " or starts_with(street_key_l, street_key_r || ' ')"
    " or starts_with(street_key_r, street_key_l || ' '))"
)
"""One may go on behind the other: the quarter, the entrance, what is near."""
_BIRTH = "hamming(birth_text_l, birth_text_r)"
_SLIP = "damerau_levenshtein(birth_text_l, birth_text_r) = 1"
_LOCAL = "jaro_winkler_similarity(email_local_l, email_local_r)"
_MAILBOX = "regexp_replace(email_local, '[0-9._+-]+', '', 'g')"
_UNNAMED = f"replace({_MAILBOX}, coalesce(replace(last_key, ' ', ''), ''), '')"
_IS_OWN = (
    f"(length(replace({_UNNAMED}, coalesce(replace(first_key, ' ', ''), ''), '')) < 2"
    f" or (length(first_key) = 1 and left({_UNNAMED}, 1) = first_key))"
)
"""Whether a mailbox is called after its owner and no more."""
_SAME_OWN = "(email_own_l = email_letters_r or email_letters_l = email_own_r)"
"""Two mailboxes of one name, and that of an owner, however the other spelt it."""
_OTHER_OWN = f"{_SAME_OWN} and email_domain_l <> email_domain_r"
"""At two providers such mailboxes say what the names said."""
_BOTH_OWN = f"({_SAME_OWN} or (email_own_l is not null and email_own_r is not null))"
"""Two mailboxes that are as alike as the names are."""
_NUMBER_SLIP = (
    "damerau_levenshtein(number_bare_l, number_bare_r) = 1"
    " and least(length(number_bare_l), length(number_bare_r)) >= 6"
)
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
_PHONE = "levenshtein(phone_l, phone_r)"


def _any_equal(*columns: str) -> str:
    pairs = [f"{left}_l = {right}_r" for left in columns for right in columns]
    return "(" + " or ".join(pairs) + ")"


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


COMPARISONS: dict[str, Comparison] = {
    "first_name": Comparison(
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
    ),
    "last_name": Comparison(
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
    ),
    "both_names": Comparison(
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
    ),
    "middle_name": Comparison(
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
    ),
    "birth_date": Comparison(
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
    ),
    "email": Comparison(
        ("email", "email_2", "email_local"),
        f"{_LOCAL} is null or ({_OTHER_OWN} and (email_sign_l = email_sign_r) is not true)",
        (
            Level("same e-mail", _any_equal("email", "email_2"), 0.6, 0.1, 0.000001),
            Level(
                "same unusual mailbox name at another provider",
                "email_sign_l = email_sign_r and email_domain_l <> email_domain_r",
                0.05,
                0.005,
                0.00001,
            ),
            Level(
                "e-mail with a typing slip",
                f"{_LOCAL} >= 0.92 and email_domain_l = email_domain_r"
                " and email_digits_l = email_digits_r and email_letters_l <> email_letters_r"
                " and (email_own_l <> email_own_r) is not true",
                0.04,
                0.005,
                0.00001,
            ),
            Level(
                "nearly the same e-mail",
                f"({_LOCAL} >= 0.92 and email_domain_l <> email_domain_r"
                " and jaro_winkler_similarity(email_domain_l, email_domain_r) >= 0.92)"
                f" or ({_LOCAL} >= 0.96 and email_local_l <> email_local_r"
                f" and {_BOTH_OWN} is not true)",
                0.03,
                0.01,
                0.00005,
            ),
            Level(
                "another mailbox at the same provider",
                "email_domain_l = email_domain_r",
                0.05,
                0.2,
                0.1,
            ),
            Level("another e-mail", "ELSE", 0.25, 0.7, 0.89998),
        ),
        is_contact=True,
    ),
    "phone": Comparison(
        ("phone", "phone_2"),
        f"{_PHONE} is null",
        (
            Level("same phone", _any_equal("phone", "phone_2"), 0.7, 0.4, 0.000001),
            Level("phone one digit off", f"{_PHONE} = 1", 0.04, 0.01, 0.00002),
            Level("another phone", "ELSE", 0.26, 0.59, 0.99998),
        ),
        is_contact=True,
    ),
    "address": Comparison(
        ("address_key", "street_key", "house_number", "postcode_key", "city_key"),
        "(postcode_key_l = postcode_key_r) is null and (city_key_l = city_key_r) is null"
        " and (address_key_l = address_key_r) is null",
        (
            Level(
                "same address",
                f"address_key_l = address_key_r and {_ONE_PLACE}",
                0.6,
                0.7,
                0.00002,
            ),
            Level(
                "same house",
                "house_number_l = house_number_r and (postcode_key_l = postcode_key_r"
                f" or (city_key_l = city_key_r and {_STREETS_ALIKE}))",
                0.08,
                0.08,
                0.00002,
            ),
            Level(
                "same house and street, perhaps of another place",
                f"house_number_l = house_number_r and {_STREETS_ALIKE}",
                0.03,
                0.03,
                0.00004,
            ),
            Level(
                "street spelt nearly the same",
                f"{_STREET} >= 0.9 and (postcode_key_l = postcode_key_r"
                " or city_key_l = city_key_r)",
                0.05,
                0.05,
                0.0001,
            ),
            Level("same postcode", "postcode_key_l = postcode_key_r", 0.06, 0.05, 0.0004),
            Level(
                "postcode and city nearly the same",
                "damerau_levenshtein(postcode_key_l, postcode_key_r) = 1"
                " and jaro_winkler_similarity(city_key_l, city_key_r) >= 0.9",
                0.01,
                0.01,
                0.00003,
            ),
            Level("same city", "city_key_l = city_key_r", 0.06, 0.05, 0.005, "city_key"),
            Level(
                "city spelt nearly the same",
                "jaro_winkler_similarity(city_key_l, city_key_r) >= 0.92",
                0.02,
                0.01,
                0.002,
            ),
            Level("elsewhere", "ELSE", 0.2, 0.12, 0.995),
        ),
    ),
    "country": Comparison(
        ("country",),
        "(country_l = country_r) is null",
        (
            Level("same country", "country_l = country_r", 0.98, 0.98, 0.9),
            Level("another country", "ELSE", 0.02, 0.02, 0.1),
        ),
        goes_with_names=True,
    ),
    "company": Comparison(
        ("company_key",),
        f"{_COMPANY} is null or {_NOBODY}",
        _called((0.5, 0.1, 0.06, 0.04, 0.05, 0.25), (0.4, 0.08, 0.05, 0.04, 0.05, 0.38)),
        is_contact=True,
    ),
    "account": Comparison(
        ("company_key",),
        f"{_COMPANY} is null or not {_NOBODY}",
        _called((0.5, 0.1, 0.12, 0.06, 0.06, 0.16), (0.01, 0.01, 0.01, 0.01, 0.02, 0.94)),
        is_personal=True,
        is_name=True,
    ),
    "person_number": Comparison(
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
    ),
}
"""What each name in `comparisons` of matching.toml compares."""


def is_as_now(comparison: dict[str, Any]) -> bool:
    """Whether a comparison of a model, in Splink's own shape, hence Any, has the levels of now."""
    ours = COMPARISONS.get(comparison["output_column_name"])
    conditions = [level["sql_condition"] for level in comparison["comparison_levels"]]
    return ours is not None and conditions == [ours.missing, *(v.sql for v in ours.levels)]


PREPARED_COLUMNS = {
    "birth_text": "birth_date::varchar",
    "birth_swap": "strftime(birth_date, '%Y-%d-%m')",
    "generation": "case lower(suffix) when 'sr' then 1 when 'jr' then 2 when 'ii' then 2"
    " when 'iii' then 3 when 'iv' then 4 end",
    "email_digits": "regexp_replace(email_local, '[^0-9]+', '', 'g')",
    "email_letters": _MAILBOX,
    "email_own": f"case when {_IS_OWN} then {_MAILBOX} end",
    "email_sign": f"case when not {_IS_OWN} or regexp_matches(email_local, '[0-9].*[0-9]')"
    " then regexp_replace(email_local, '[._+-]+', '', 'g') end",
    "number_kind": "case when contains(person_number, ':') then split_part(person_number, ':', 1)"
    " when person_number is not null then '' end",
    "number_bare": "split_part(person_number, ':', -1)",
    "company_words": "list_distinct(string_split(company_key, ' '))",
    "company_initials": "case when length(company_key) < 4 or not contains(company_key, ' ') then"
    " null else regexp_replace(company_key, '(\\S)\\S* ?', '\\1', 'g') end",
}
"""Columns that comparisons read beside those of a node."""

OFTEN = {"first_often": "first_key", "last_often": "last_key"}
"""Columns with the share of people who have the name, where that is at least `ESTABLISHED`."""
ESTABLISHED = 1e-4
"""Share of people by which a text is a name of its own, and no slip that somebody made twice."""

NODE_COLUMNS = (
    "first_key",
    "first_root",
    "first_phonetic",
    "first_others",
    "middle_key",
    "last_key",
    "last_phonetic",
    "email",
    "email_local",
    "email_domain",
    "email_2",
    "phone",
    "phone_2",
    "address_key",
    "street_key",
    "house_number",
    "postcode_key",
    "city_key",
    "country",
    "company_key",
    "person_number",
)
"""Columns of a node that comparisons read as they are."""
