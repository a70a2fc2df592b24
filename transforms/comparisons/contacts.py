"""Compare the mailboxes and telephones of two records."""

from transforms.comparisons.shape import Comparison, Level

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
_PHONE = "levenshtein(phone_l, phone_r)"


def _any_equal(*columns: str) -> str:
    pairs = [f"{left}_l = {right}_r" for left in columns for right in columns]
    return "(" + " or ".join(pairs) + ")"


EMAIL = Comparison(
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
)

PHONE = Comparison(
    ("phone", "phone_2"),
    f"{_PHONE} is null",
    (
        Level("same phone", _any_equal("phone", "phone_2"), 0.7, 0.4, 0.000001),
        Level("phone one digit off", f"{_PHONE} = 1", 0.04, 0.01, 0.00002),
        Level("another phone", "ELSE", 0.26, 0.59, 0.99998),
    ),
    is_contact=True,
)

PREPARED = {
    "email_digits": "regexp_replace(email_local, '[^0-9]+', '', 'g')",
    "email_letters": _MAILBOX,
    "email_own": f"case when {_IS_OWN} then {_MAILBOX} end",
    "email_sign": f"case when not {_IS_OWN} or regexp_matches(email_local, '[0-9].*[0-9]')"
    " then regexp_replace(email_local, '[._+-]+', '', 'g') end",
}
"""Columns that these comparisons read beside those of a node."""
