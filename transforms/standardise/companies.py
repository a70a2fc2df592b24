"""Work out what companies are compared by: their names without what they are in law."""

import polars as pl

from rules.lookups import Lookups
from transforms.standardise.fold import folded, folded_words, mend, once_for

_JOINTS = r"(?: (?:and|und|et|en|och|og))+ "
"""Where others write a sign, which is no word."""
_SHORT = 5
"""Forms of so many letters are written with dots as well."""


def company_keys(companies: pl.Series, lookups: Lookups) -> pl.Series:
    """The folded names without "and", a leading "the", and the legal forms at their end.

    A first word always stays, so that there is something to compare.
    """
    keys = folded(companies)
    spare = _spare(lookups)
    return mend(keys, keys.str.contains(spare), lambda some: _bare(some, spare))


def _bare(keys: pl.Series, spare: str) -> pl.Series:
    """What a joint gave room to may end in a legal form, so the joints go first."""
    return keys.str.replace_all(_JOINTS, " ").str.replace_all(spare, "")


@once_for
def _spare(lookups: Lookups) -> str:
    """A regular expression for what says nothing of who a company is."""
    folds = sorted(folded_words(lookups.legal_forms), key=lambda form: (-len(form), form))
    forms = "|".join(" ".join(map(_dotted, form.split())) for form in folds)
    ends = f"(?: (?:{forms}))+$|" if forms else ""
    return f"{ends}^(?:the )+|{_JOINTS}"


def _dotted(word: str) -> str:
    """The dots of short forms have become blanks: s.p.a is s p a."""
    return " ?".join(word) if len(word) <= _SHORT else word
