"""Take out what people and programs write when they have nothing to say, and know a test entry.

`blank_placeholders` comes after `is_test_record`, which lives by what it takes away.
"""

import re
from collections.abc import Iterable
from functools import cache, reduce
from operator import or_

import polars as pl

from rules.lookups import Lookups, Placeholders, TrialWords
from transforms.standardise.fold import is_blank, once_for

KINDS = {
    "full_name": "name",
    "first_name": "name",
    "middle_name": "name",
    "last_name": "name",
    "email": "email",
    "email_2": "email",
    "phone": "phone",
    "phone_2": "phone",
    "address": "address",
    "address_line1": "address",
    "address_line2": "address",
    "house_number": "address",
    "city": "address",
    "region": "any",
    "country": "country",
    "postcode": "postcode",
    "birth_date": "date",
    "person_number": "number",
}
"""Which table of the lookup each field is read with; a field not named here has the kind `any`,
and so has one whose table rules from an earlier version do not have."""

NAME_FIELDS = ("full_name", "title", "first_name", "middle_name", "last_name", "suffix")

_AROUND = r"[\s\x00-\x1f!-/:-@\[-`{-~‐-―…·•«»“”‘’¿¡]*"
"""Punctuation that changes nothing about a word of nothing."""

_LINK = (
    r"(?i)https?:|hxxps?:|www\.|://|\[url|href *=|</?[a-z][^>]*>|&lt;|javascript:"
    r"|[a-z0-9-]\.(?:com|net|org|info|biz|ru|cn|xyz|top|online|site|shop|club|io)(?:$|[/ ?:])"
)


def blank_placeholders(
    frame: pl.DataFrame, columns: Iterable[str], lookups: Lookups
) -> pl.DataFrame:
    """Make null what means missing, in those of `columns` that are there as text."""
    patterns = _patterns(lookups)
    schema = frame.schema
    return frame.with_columns(
        _unless(column, patterns.get(KINDS.get(column, "any"), patterns["any"]))
        for column in columns
        if schema.get(column) == pl.String
    )


@cache
def _unless(column: str, pattern: str) -> pl.Expr:
    return pl.when(~pl.col(column).str.contains(pattern)).then(column)


def is_test_record(frame: pl.DataFrame, lookups: Lookups) -> pl.Series:
    """Tell the records with which somebody tried out a form, before placeholders are taken out.

    Either the name says so, or the e-mail and the phone number both do: a person called Test, and
    a customer who made an address up, are customers.
    """
    words = lookups.test_records
    names = [_column(frame, name) for name in ("first_name", "last_name", "full_name")]
    told = [*words.first_names, *" ".join(words.full_names).split()]
    is_named = [
        name.str.contains_any(told, ascii_case_insensitive=True)
        for name in names
        if not is_blank(name)
    ]
    is_mailed = _matches(_column(frame, "email"), words.email_patterns)
    rows = _either([is_mailed, *is_named]).arg_true()
    is_test = pl.repeat(value=False, n=frame.height, dtype=pl.Boolean, eager=True)
    if rows.is_empty():
        return is_test.alias("is_test_record")
    return is_test.scatter(rows, _is_test(frame[rows], words)).alias("is_test_record")


def _is_test(frame: pl.DataFrame, words: TrialWords) -> pl.Series:
    first, last = (_column(frame, name) for name in ("first_name", "last_name"))
    email, phone = (_column(frame, name) for name in ("email", "phone"))
    both = (first.fill_null("") + " " + last.fill_null("")).str.strip_chars()
    full = both.zip_with(both != "", _column(frame, "full_name"))
    says = [
        _matches(first, _any_of(words.first_names)) & _matches(last, _any_of(words.last_names)),
        _matches(full, _any_of(words.full_names)),
        _matches(full, [_only(words)])
        & _matches(full, [rf".*\b(?:{_either_of(words.first_names)})\b.*"]),
        _matches(email, words.email_patterns) & _matches(phone, words.phone_patterns),
    ]
    return _either(says)


def is_spam(frame: pl.DataFrame) -> pl.Series:
    """Tell the records whose name holds a link or markup, as robots that fill in forms leave."""
    names = [name for name in NAME_FIELDS if name in frame.columns]
    nothing = pl.repeat(value=False, n=frame.height, dtype=pl.Boolean, eager=True)
    links = [_column(frame, name).str.contains(_LINK) for name in names]
    return _either([nothing, *links]).alias("is_spam")


@once_for
def _patterns(lookups: Lookups) -> dict[str, str]:
    return {kind: _pattern(found) for kind, found in lookups.placeholders.items()}


def _pattern(found: Placeholders) -> str:
    words = "|".join(re.escape(word) for word in found.words)
    exact = "|".join(re.escape(word) for word in found.exact)
    patterns = "|".join(f"(?:{pattern})" for pattern in found.patterns)
    return rf"^(?:{_AROUND}(?:(?i:{words})?|(?:{exact})){_AROUND}|\s*(?i:{patterns})\s*)$"


def _any_of(words: Iterable[str]) -> list[str]:
    """Patterns for words with any punctuation around and between them."""
    between = [_AROUND.join(map(re.escape, word.split())) for word in words]
    return [f"{_AROUND}{word}{_AROUND}" for word in between]


def _only(words: TrialWords) -> str:
    """A pattern for a name of several words, none of which is a name: "QA Test User"."""
    either = _either_of([*words.first_names, *words.last_names])
    return rf"(?:{either})(?:[\s!-/:-@_]+(?:{either}))+"


def _either_of(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, words))


def _matches(texts: pl.Series, patterns: Iterable[str]) -> pl.Series:
    if is_blank(texts):
        return texts.is_not_null()
    either = "|".join(f"(?:{pattern})" for pattern in patterns)
    return texts.str.contains(rf"(?i)^\s*(?:{either})\s*$").fill_null(value=False)


def _either(flags: list[pl.Series]) -> pl.Series:
    known = [flag.fill_null(value=False) if flag.has_nulls() else flag for flag in flags]
    return reduce(or_, known)


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    if name in frame.columns:
        return frame[name].cast(pl.String)
    return pl.Series(name, [None] * frame.height, dtype=pl.String)
