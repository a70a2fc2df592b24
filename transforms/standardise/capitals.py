"""Write in mixed case what came in capitals or in lower case alone; leave mixed case as it is."""

from collections.abc import Iterable

import polars as pl

from transforms.standardise.fold import is_blank, mend, on_distinct

_MIXED_NAME = r"[A-Z][a-z]|\p{Lu}.*\p{Ll}|\p{Ll}.*\p{Lu}"
_MIXED_PLACE = r"[A-Z][a-z]{2}|\p{Lu}.*\p{Ll}{2}|\p{Ll}{2}.*\p{Lu}"
"""One small letter alone may be a house's: HIGH STREET 5a is in capitals. What comes first in both
is enough, and quickly found."""

_OTHER_SCRIPT = r"[^\p{Latin}\p{Greek}\p{Cyrillic}\p{Common}\p{Inherited}]"
_NO_CAPITAL = (
    r"(?:^|\PL)[ßŉǰΐΰ\x{1c4}-\x{1cc}\x{1f1}-\x{1f3}\x{587}\x{1e96}-\x{1e9a}\x{1f00}-\x{1fff}"
    r"\x{fb00}-\x{fb17}]"
)
"""Words that begin with a letter whose capital is two letters, or one of two."""

_GAP = "    "
"""Between two words while they are looked at, so that each has two blanks on either side."""


_ORDINALS = ("st", "nd", "rd", "th")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def capitalised_names(names: pl.Series, lower_words: Iterable[str]) -> pl.Series:
    """Capitalise names: Mc and O' and hyphens, and particles in lower case before another word."""
    rows = _rows_in_one_case(names, _MIXED_NAME)
    if rows.is_empty():
        return names
    words = {f" {_title(word)}  ": f" {_title(word).lower()}  " for word in lower_words}
    words |= {f"{before}Mc{a}": f"{before}Mc{a.upper()}" for a in _LETTERS for before in " -"}
    some = on_distinct(
        names.gather(rows), lambda some: _stable(some, words, _MIXED_NAME).to_frame()
    )
    return names.clone().scatter(rows, some.to_series())


def capitalised_places(names: pl.Series, lower_words: Iterable[str]) -> pl.Series:
    """Capitalise cities and streets: small words inside in lower case, SW and 42nd as they are."""
    rows = _rows_in_one_case(names, _MIXED_PLACE)
    if rows.is_empty():
        return names
    words = {f"  {_title(word)}  ": f"  {_title(word).lower()}  " for word in lower_words}
    words |= {f"-{word.title()}-": f"-{word}-" for word in lower_words}
    words |= {f"  {word.title()} ": f"  {word} " for word in ("NE", "NW", "SE", "SW")}
    words |= {f"{n}{word.title()} ": f"{n}{word} " for n in range(10) for word in _ORDINALS}
    words |= {f" Po{_GAP}Box": f" PO{_GAP}Box", "'S ": "'s ", "’S ": "’s "}
    return names.clone().scatter(rows, _stable(names.gather(rows), words, _MIXED_PLACE))


def _title(word: str) -> str:
    return word.title().replace(" ", _GAP)


def _rows_in_one_case(texts: pl.Series, mixed: str) -> pl.Series:
    if is_blank(texts):
        return pl.Series(dtype=pl.UInt32)
    quick = mixed.split("|", maxsplit=1)[0]
    is_mixed = texts.str.contains(quick)
    if is_mixed.all():
        return pl.Series(dtype=pl.UInt32)
    rows = (~is_mixed).arg_true()
    some = texts.gather(rows)
    is_odd = some.str.contains(_OTHER_SCRIPT) | some.str.contains(_NO_CAPITAL)
    is_one_case = ~some.str.contains(mixed) & some.str.contains(r"\p{L}") & ~is_odd
    return rows.filter(is_one_case)


def _stable(texts: pl.Series, words: dict[str, str], mixed: str) -> pl.Series:
    """Capitalise once, but not where doing it twice would change it again (ß at the beginning)."""
    once = _titled(texts, words)
    again = mend(once, ~once.str.contains(mixed), lambda some: _titled(some, words))
    return once.zip_with((once == again).fill_null(value=True), texts)


def _titled(texts: pl.Series, words: dict[str, str]) -> pl.Series:
    text = pl.col("text").str.to_titlecase().str.replace_all(" ", _GAP, literal=True)
    longest_first = sorted(words, key=len, reverse=True)
    titled = (
        pl.concat_str(pl.lit(" "), text, pl.lit(" "))
        .str.replace_many(longest_first, [words[word] for word in longest_first], leftmost=True)
        .str.replace_all(_GAP, " ", literal=True)
        .str.strip_chars(" ")
        .alias("text")
    )
    return texts.alias("text").to_frame().select(titled).to_series()
