"""Reduce contact points to what they are compared by, however they were written.

A number that nobody answers today is no contact point, but two records that give it still agree.
So a number that only fails for its length or its area has a key, though it has no value.
"""

import polars as pl

DIALLED = 9
"""Digits at the end of a number that are compared: what is before them is written or left out."""
FEWEST = 7
"""Fewer digits than this are no number."""
_KEYED = ("not_in_use", "no_region", "too_short", "too_long")
_EXTENSION = r"(?i)[ ,;]*(?:ext(?:n|ension)?|x|#)[.:]? *[0-9]{1,6}$"
_ONE_BOX = ("gmail.com", "googlemail.com")
"""Providers that read a name with dots and one without as the same mailbox."""


def phone_keys() -> pl.Expr:
    """The key of a phone number of which `raw`, `value` and `reason` are known."""
    dialled = pl.when(pl.col("reason").is_in(_KEYED)).then(
        pl.col("raw").str.replace(_EXTENSION, "")
    )
    digits = pl.coalesce("value", dialled).str.replace_all("[^0-9]", "")
    is_number = (digits.str.len_chars() >= FEWEST) & ~digits.str.contains(
        "^(?:" + "|".join(f"{digit}+" for digit in range(10)) + ")$"
    )
    return pl.when(is_number).then(digits.str.slice(-DIALLED))


def email_keys(email: pl.Expr) -> pl.Expr:
    """The key of a normalised e-mail address: without a plus tag, one spelling per mailbox."""
    untagged = email.str.replace(r"^([^+@]+)\+[^@]*@", "${1}@")
    local, domain = untagged.str.extract("^(.*)@", 1), untagged.str.extract("@([^@]*)$", 1)
    is_one_box = domain.is_in(_ONE_BOX)
    joined = pl.concat_str(local.str.replace_all(".", "", literal=True), pl.lit("@gmail.com"))
    return pl.when(is_one_box).then(joined).otherwise(untagged)
