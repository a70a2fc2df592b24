"""Standardise names: who it is, shown as a person would write it, and the keys to compare by."""

import re
from functools import cache

import polars as pl

from rules.lookups import Lookups
from transforms.standardise.capitals import capitalised_names
from transforms.standardise.fold import (
    cleaned,
    folded,
    folded_keys,
    folded_words,
    is_blank,
    mend,
    on_distinct,
    once_for,
)
from transforms.standardise.full_names import (
    PARTS,
    NameWords,
    shown_words,
    split_first_names,
    split_full_names,
    split_last_names,
)
from transforms.standardise.phonetic import phonetic_keys

_TWO_PEOPLE = r"(?i)\S (?:&|\+|and|und|et) \S|\pL{2}(?:/|&|\+)\pL{2}"
_GIVEN_NAMES = r"^(\S*\pL\S*\pL\S*) (.*\S)$"
"""Who goes by a second name puts an initial before it, and keeps it there."""
_TWO_INITIALS = r"^[B-DF-HJ-NP-TV-XZ]{2}$"
"""JD and TJ are initials; AL and BO may be names."""


def standardise_names(
    frame: pl.DataFrame, order: str, lookups: Lookups, *, given_names: bool = False
) -> pl.DataFrame:
    """Give `title`, `first_name`, `middle_name`, `last_name`, `suffix`, `company`, `name_reason`.

    `full_name` is taken apart in the feed's `order` (`first_last`, `last_first` or
    `last_comma_first`; a comma in the name is enough for the last) where the first or the last name
    is missing, and then dropped: each of its words is in one of the parts. `name_reason` is
    `looks_like_a_company` (the name then moves to `company`, if that is missing), `two_people`,
    or null; names that have the column are not judged again. With `given_names` the words after the
    first of a first name become the `middle_name`, where that is missing.
    """
    words = _words(lookups)
    columns = frame.columns
    was_judged = "name_reason" in columns
    frame = _with_all_parts(frame)
    frame = frame if was_judged else _with_reasons(frame, lookups)
    frame = _with_first_and_last_names_split(frame, words)
    frame = _with_full_names_split(frame, order, words)
    frame = _with_given_names_split(frame) if given_names else frame
    names = {part: capitalised_names(frame[part], lookups.particles) for part in PARTS[1:4]}
    is_initials = frame["first_name"].str.contains(_TWO_INITIALS).fill_null(value=False)
    names["first_name"] = frame["first_name"].zip_with(is_initials, names["first_name"])
    names["title"] = shown_words(frame["title"], words.titles)
    names["suffix"] = shown_words(frame["suffix"], words.suffixes)
    frame = frame.drop("full_name").with_columns(**names)
    kept = [name for name in columns if name != "full_name"]
    return frame.select(*kept, pl.exclude(kept))


def name_keys(frame: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    """Add the keys to compare standardised names by.

    `first_key` and `middle_key` are the folded names. In `last_key` a particle is one word with
    the name it begins (vanderberg, obrien), and the names of a double name are two. `first_root`
    is what the first name is a nickname of, else `first_key` without blanks, and `first_others`
    all the names that it may be short for, where there are several. `initial` is the first letter;
    `first_phonetic` and `last_phonetic` are how the names sound.
    """
    first = _first_key(frame["first_name"])
    last = _last_key(frame["last_name"], lookups)
    sounds = on_distinct(last, lambda keys: phonetic_keys(keys).to_frame("last_phonetic"))
    return frame.with_columns(
        first.alias("first_key"),
        folded(frame["middle_name"]).alias("middle_key"),
        last.alias("last_key"),
        first.str.slice(0, 1).alias("initial"),
        *on_distinct(first, lambda keys: _root_and_sound(keys, lookups)),
        *sounds,
    )


def _with_all_parts(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the columns that are absent and clean them."""
    names = ("full_name", *PARTS, "company")
    absent = [name for name in (*names, "name_reason") if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)
    return frame.with_columns(_tidied(frame[name].cast(pl.String)) for name in names)


def _tidied(names: pl.Series) -> pl.Series:
    if is_blank(names):
        return names
    is_odd = ~names.str.contains("^[A-Za-z]+$")
    return mend(names, is_odd, lambda some: _lettered(cleaned(some)))


def _lettered(names: pl.Series) -> pl.Series:
    """A name without a letter or a figure is no name, and commas around one are nothing."""
    names = names.str.strip_chars(" ,;")
    return names.set(~names.str.contains(r"[\pL\pN]"), None)


def _with_reasons(frame: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    """Name couples and company-looking names, and move a company to where it belongs."""
    company, couple = frame.select(_looks(_company_pattern(lookups)), _looks(_TWO_PEOPLE))
    first_and_last = pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True)
    whole = pl.coalesce("full_name", first_and_last)
    moves = company & pl.col("company").is_null()
    stays = company & pl.col("company").is_not_null()
    reason = (
        pl.when(company)
        .then(pl.lit("looks_like_a_company"))
        .when(couple)
        .then(pl.lit("two_people"))
    )
    parts = [
        pl.when(~moves).then(pl.col(part)).alias(part) for part in PARTS if part != "last_name"
    ]
    last = pl.when(stays & pl.col("first_name").is_null()).then(pl.coalesce("last_name", whole))
    return frame.with_columns(
        *parts,
        last.when(~moves).then("last_name").alias("last_name"),
        pl.when(~company).then("full_name").alias("full_name"),
        pl.when(moves).then(whole).otherwise("company").alias("company"),
        reason.alias("name_reason"),
    )


@cache
def _looks(pattern: str) -> pl.Expr:
    names = pl.col("full_name", "first_name", "last_name").str.contains(pattern)
    return pl.any_horizontal(names.fill_null(value=False)).alias(pattern)


@once_for
def _words(lookups: Lookups) -> NameWords:
    return NameWords.of(lookups)


@once_for
def _in_first_name(words: NameWords) -> str:
    return words.in_first_name()


@once_for
def _in_last_name(words: NameWords) -> str:
    return words.in_last_name()


@once_for
def _company_pattern(lookups: Lookups) -> str:
    exact = "|".join(map(re.escape, sorted(lookups.company_forms)))
    spelled = "|".join(
        re.escape(word).replace(r"\.", r"\.? ?").replace(r"\ ", " +")
        for word in sorted(lookups.company_words)
    )
    return rf"(?i:(?:^|[ ,.(-])(?:{spelled})\.?(?:$|[ ,.)&-]))|\p{{Ll}}.* (?:{exact})$"


def _with_full_names_split(frame: pl.DataFrame, order: str, words: NameWords) -> pl.DataFrame:
    """Fill what is missing from the full name; a lone "Smith, John" is one too."""
    first, last = pl.col("first_name"), pl.col("last_name")
    lone = pl.when(first.is_null()).then(last).when(last.is_null()).then(first)
    is_list = lone.str.contains(",", literal=True).fill_null(value=False)
    whole = pl.coalesce("full_name", pl.when(is_list).then(lone))
    frame = frame.with_columns(
        full_name=pl.when(first.is_null() | last.is_null()).then(whole),
        first_name=pl.when(~is_list).then(first),
        last_name=pl.when(~is_list).then(last),
    )
    rows = frame["full_name"].is_not_null().arg_true()
    if rows.is_empty():
        return frame
    parts = split_full_names(frame["full_name"].gather(rows), order, words)
    frame = frame.with_columns(_filled(frame[part], rows, parts[part]) for part in PARTS)
    return _with_first_and_last_names_split(frame, words)


def _with_first_and_last_names_split(frame: pl.DataFrame, words: NameWords) -> pl.DataFrame:
    return _with_last_names_split(_with_first_names_split(frame, words), words)


def _with_first_names_split(frame: pl.DataFrame, words: NameWords) -> pl.DataFrame:
    first = frame["first_name"]
    rows = _which(first, _in_first_name(words))
    if rows.is_empty():
        return frame
    parts = split_first_names(first.gather(rows), words)
    parts = parts.with_columns(
        pl.when(frame[part].gather(rows).is_not_null()).then(part).alias(f"{part}_stays")
        for part in ("middle_name", "suffix")
    )
    kept = ("first_name", "middle_name_stays", "suffix_stays")
    whole = parts.select(pl.concat_str(kept, separator=" ", ignore_nulls=True)).to_series()
    return frame.with_columns(
        first.clone().scatter(rows, _lettered(whole)),
        _filled(frame["title"], rows, parts["title"]),
        _filled(frame["middle_name"], rows, parts["middle_name"]),
        _filled(frame["suffix"], rows, parts["suffix"]),
    )


def _with_given_names_split(frame: pl.DataFrame) -> pl.DataFrame:
    first = pl.col("first_name")
    is_list = (
        pl.col("middle_name").is_null()
        & first.str.contains(_GIVEN_NAMES)
        & ~first.str.contains(_TWO_PEOPLE)
    )
    parts = first.str.extract_groups(_GIVEN_NAMES).struct
    return frame.with_columns(
        first_name=pl.when(is_list).then(parts[0]).otherwise(first),
        middle_name=pl.when(is_list).then(parts[1]).otherwise("middle_name"),
    )


def _with_last_names_split(frame: pl.DataFrame, words: NameWords) -> pl.DataFrame:
    last = frame["last_name"]
    rows = _which(last, _in_last_name(words))
    if rows.is_empty():
        return frame
    parts = split_last_names(last.gather(rows), words)
    return frame.with_columns(
        last.clone().scatter(rows, _lettered(parts["last_name"])),
        _filled(frame["title"], rows, parts["title"]),
        _filled(frame["suffix"], rows, parts["suffix"]),
    )


def _which(names: pl.Series, pattern: str) -> pl.Series:
    """The rows of names with something in them that is to be looked at."""
    if is_blank(names):
        return pl.Series(dtype=pl.UInt32)
    return names.str.contains(pattern).arg_true()


def _filled(values: pl.Series, rows: pl.Series, new: pl.Series) -> pl.Series:
    """Put new values into some rows where there was none."""
    old = values.gather(rows)
    return values.clone().scatter(rows, old.zip_with(old.is_not_null(), _lettered(new)))


def _first_key(names: pl.Series) -> pl.Series:
    """Fold first names, without what stands in brackets or quotation marks behind them."""
    bracketed = names.str.contains(_BRACKETS)
    return folded(mend(names, bracketed, lambda some: some.str.replace(_BRACKETS, "$1")))


_BRACKETS = r"^([^(\"“]*\pL[^(\"“]*)[(\"“].*$"


def _last_key(names: pl.Series, lookups: Lookups) -> pl.Series:
    """Fold last names and write each particle together with the name it begins."""
    keys = folded(names)
    begins, joins = _begins_and_joins(lookups)
    has_either = keys.str.contains(f"{begins}|{joins}")
    return mend(
        keys,
        has_either,
        lambda some: some.str.replace_all(joins, "$1 ").str.replace_all(begins, "$1"),
    )


@once_for
def _begins_and_joins(lookups: Lookups) -> tuple[str, str]:
    """What to look for: a particle before a name, and a connector between two."""
    particles = "|".join(sorted(folded_words(lookups.particles | lookups.particles_capital)))
    connectors = "|".join(sorted(folded_words(lookups.connectors)))
    return rf"\b({particles}) ", rf"(\S) (?:{connectors}) "


@once_for
def _nicknames(lookups: Lookups) -> dict[str, str]:
    return folded_keys(lookups.nicknames)


def _root_and_sound(keys: pl.Series, lookups: Lookups) -> pl.DataFrame:
    joined = keys.str.replace_all(" ", "", literal=True)
    roots = keys.replace_strict(_nicknames(lookups), default=joined)
    return pl.DataFrame(
        {
            "first_root": roots,
            "first_phonetic": phonetic_keys(keys),
            "first_others": _others(joined, roots, lookups),
        }
    )


def _others(keys: pl.Series, roots: pl.Series, lookups: Lookups) -> pl.Series:
    """The names for which a short name may stand, where there are several; else null."""
    table = _short_names(lookups)
    found = [
        sorted({root, *table[key]}) if key in table else None
        for key, root in zip(keys, roots, strict=True)
    ]
    return pl.Series(found, dtype=pl.List(pl.String))


@once_for
def _short_names(lookups: Lookups) -> dict[str, frozenset[str]]:
    words = {word for names in lookups.short_names.values() for word in names}
    folds = folded_keys({word: word for word in (*words, *lookups.short_names)})
    by_word = {word: key.replace(" ", "") for key, word in folds.items()}
    return {
        by_word[short]: frozenset(by_word[name] for name in names if name in by_word)
        for short, names in lookups.short_names.items()
        if short in by_word
    }
