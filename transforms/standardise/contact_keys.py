"""Reduce contact points to what they are compared by, however they were written.

A number that nobody answers today is no contact point, but two records that give it still agree.
So a number that only fails for its length or its area has a key, though it has no value.
"""

import polars as pl

from transforms.standardise.fold import mend

DIALLED = 9
"""Digits at the end of a number that are compared: what is before them is written or left out."""
FEWEST = 7
"""Fewer digits than this are no number."""
_KEYED = ("not_in_use", "no_region", "too_short", "too_long")
_EXTENSION = r"(?i)[ ,;]*(?:ext(?:n|ension)?|x|#)[.:]? *[0-9]{1,6}$"
_ONE_BOX = ("@gmail.com", "@googlemail.com")
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


def email_keys(emails: pl.Series) -> pl.Series:
    """The keys of normalised e-mail addresses: without a plus tag, one spelling per mailbox."""
    untagged = mend(
        emails,
        emails.str.contains("+", literal=True),
        lambda some: some.str.replace(r"^([^+@]+)\+[^@]*@", "${1}@"),
    )
    is_one_box = untagged.str.ends_with(_ONE_BOX[0]) | untagged.str.ends_with(_ONE_BOX[1])
    return mend(untagged, is_one_box, _without_dots)


def email_parts(emails: pl.Series) -> tuple[pl.Series, pl.Series]:
    """What stands before the last @ of addresses, without a plus tag, and what stands after it."""
    parts = emails.str.splitn("@", 2).struct
    local, domain = parts.field("field_0"), parts.field("field_1")
    is_odd = domain.str.contains("@", literal=True)
    needs = is_odd.fill_null(value=True) | emails.str.contains("[+]|^@")
    rows = needs.arg_true()
    odd = emails.gather(rows).str.extract(r"^(.+?)(?:\+[^@]*)?@[^@]*$", 1)
    return local.scatter(rows, odd), mend(domain, is_odd, lambda some: some.str.extract("([^@]*)$"))


def _without_dots(emails: pl.Series) -> pl.Series:
    return emails.str.extract("^(.*)@", 1).str.replace_all(".", "", literal=True) + _ONE_BOX[0]
