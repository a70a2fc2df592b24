"""Write in mixed case what came in capitals or in lower case alone; leave mixed case as it is."""

from collections.abc import Iterable

import polars as pl

from transforms.standardise.fold import mend, on_distinct

_SETTLED = r"^\p{Lu}\p{Ll}+$"
_MIXED = r"\p{Lu}.*\p{Ll}|\p{Ll}.*\p{Lu}"
_OTHER_SCRIPT = r"[^\p{Latin}\p{Greek}\p{Cyrillic}\p{Common}\p{Inherited}]"
_GAP = "    "
"""Between two words while they are looked at, so that each has two blanks on either side."""


_ORDINALS = ("st", "nd", "rd", "th")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def capitalised_names(names: pl.Series, lower_words: Iterable[str]) -> pl.Series:
    """Capitalise names: Mc and O' and hyphens, and particles in lower case before another word."""
    words = {f" {_title(word)}  ": f" {_title(word).lower()}  " for word in lower_words}
    words |= {f"{before}Mc{a}": f"{before}Mc{a.upper()}" for a in _LETTERS for before in " -"}
    shown = mend(names, _is_needed(names), lambda some: _once_each(some, words))
    return shown.alias(names.name)


def capitalised_places(names: pl.Series, lower_words: Iterable[str]) -> pl.Series:
    """Capitalise cities and streets: small words inside in lower case, SW and 42nd as they are."""
    words = {f"  {_title(word)}  ": f"  {_title(word).lower()}  " for word in lower_words}
    words |= {f"-{word.title()}-": f"-{word}-" for word in lower_words}
    words |= {f"  {word.title()} ": f"  {word} " for word in ("NE", "NW", "SE", "SW")}
    words |= {f"{n}{word.title()} ": f"{n}{word} " for n in range(10) for word in _ORDINALS}
    words |= {f" Po{_GAP}Box": f" PO{_GAP}Box", "'S ": "'s ", "’S ": "’s "}
    shown = mend(names, _is_needed(names), lambda some: _stable(some, words))
    return shown.alias(names.name)


def _title(word: str) -> str:
    return word.title().replace(" ", _GAP)


def _is_needed(texts: pl.Series) -> pl.Series:
    is_one_case = ~texts.str.contains(_SETTLED) & ~texts.str.contains(_MIXED)
    return is_one_case & texts.str.contains(r"\p{L}") & ~texts.str.contains(_OTHER_SCRIPT)


def _once_each(texts: pl.Series, words: dict[str, str]) -> pl.Series:
    return on_distinct(texts, lambda some: _stable(some, words).to_frame()).to_series()


def _stable(texts: pl.Series, words: dict[str, str]) -> pl.Series:
    """Capitalise once, but not where doing it twice would change it again (ß at the beginning)."""
    once = _titled(texts, words)
    again = mend(once, ~once.str.contains(_MIXED), lambda some: _titled(some, words))
    return once.zip_with((once == again).fill_null(value=True), texts)


def _titled(texts: pl.Series, words: dict[str, str]) -> pl.Series:
    spread = " " + texts.str.to_titlecase().str.replace_all(" ", _GAP, literal=True) + " "
    longest_first = sorted(words, key=len, reverse=True)
    frame = pl.select(text=spread).select(
        pl.col("text")
        .str.replace_many(longest_first, [words[word] for word in longest_first], leftmost=True)
        .str.replace_all(_GAP, " ", literal=True)
        .str.strip_chars(" ")
    )
    return frame.to_series()
