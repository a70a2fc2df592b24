"""Write text of other scripts in Latin letters, so that Иванов and Ivanov are one name.

Letter by letter, by the tables of anyascii, which follow the usual romanisations. Chinese
characters stay as they are: many sound alike, so that two different names would become one. Only
how a name sounds is taken from them.
"""

from importlib.metadata import version

import polars as pl

HAN = r"\p{Han}"
_SPELLED = {"αυ": "av", "ευ": "ev", "ηυ": "iv", "ου": "ou", "γγ": "ng"}
"""Greek letters that stand for another sound together (ISO 843, as in passports)."""


def script_tables_version() -> str:
    """The version of the tables; another may write a name otherwise."""
    return version("anyascii")


def in_latin(values: pl.Series) -> pl.Series:
    """Lower-case words in Latin letters, single spaces; Chinese characters stay."""
    return _spelled(values, values.str.contains(HAN))


def as_spoken(values: pl.Series) -> pl.Series:
    """The same with Chinese characters as they are spoken in Mandarin, without tones."""
    return _spelled(values, pl.repeat(value=False, n=values.len(), dtype=pl.Boolean, eager=True))


def _spelled(values: pl.Series, stays: pl.Series) -> pl.Series:
    from anyascii import anyascii  # its tables are read where a name needs them

    distinct = values.filter(~stays).drop_nulls().unique()
    greek = distinct.str.replace_many(_SPELLED)
    spelled = pl.Series([anyascii(text).lower() for text in greek], dtype=pl.String)
    bare = spelled.str.replace_all("['`]+", "").str.replace_all("[^a-z0-9]+", " ")
    bare = bare.str.strip_chars(" ")
    known = dict(zip(distinct, bare.zip_with(bare != "", distinct), strict=True))
    return values.replace(known)
