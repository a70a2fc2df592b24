"""Fold text to the form in which it is compared, and clean text for display.

Most text is plain ASCII and needs nothing but lower case, so each function first asks which values
need more and works on those alone: a million names cost a tenth of a second.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from typing import TypeVar

import polars as pl

from transforms.standardise.scripts import in_latin

G = TypeVar("G")
T = TypeVar("T")

LETTERS = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ħ": "h",
    "ŧ": "t",
    "ŋ": "n",
    "ı": "i",
    "ĸ": "k",
    "ς": "σ",
}
"""Lower-case letters that no decomposition spells out, and how they are written without it."""

HOMOGLYPHS = dict(
    zip(
        "АВЕКМНОРСТУХІЈЅаеорсухіјѕһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧον",
        "ABEKMHOPCTYXIJSaeopcyxijshqwABEZHIKMNOPTYXov",
        strict=True,
    )
)
"""Cyrillic and Greek letters that look like a Latin one."""

_FEW = 64
_FOLDED = r"^[a-z0-9]+( [a-z0-9]+)*$"
_PLAIN = r"^[!-~À-ž]+( [!-~À-ž]+)*$"
_MARKS = (
    r"[\x{300}-\x{36f}\x{483}-\x{487}\x{591}-\x{5bd}\x{610}-\x{61a}\x{64b}-\x{652}"
    r"\x{1ab0}-\x{1aff}\x{1dc0}-\x{1dff}\x{20d0}-\x{20ff}\x{fe20}-\x{fe2f}]+"
)
"""Marks that a reader may leave out. The vowel signs of Indic scripts are letters, and stay."""
_INVISIBLE = r"[\p{Cf}\p{Cn}\p{Co}\x{fffd}\x{115f}\x{1160}\x{3164}\x{ffa0}]+"
_APOSTROPHES = "'`´‘’‛ʹʻʼʽʾʿˈ′＇"
_SIGNS = (
    {f"{sign} ": " " for sign in '!"#$%&()*+,-./:;<=>?@[\\]^_{|}~'}
    | dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_{|}~', " ")
    | dict.fromkeys(_APOSTROPHES, "")
)
"""Longest first, since the first that fits is taken."""


def fold_text(expr: pl.Expr) -> pl.Expr:
    """Give the matching form: lower case, no accents or punctuation, single spaces.

    Apostrophes vanish ("O'Brien" is "obrien"), other punctuation is a space ("Ann-Marie" is
    "ann marie"). Nothing left means no text. Other scripts are written in Latin letters, but for
    Chinese characters, which stay.
    """
    return expr.map_batches(folded, return_dtype=pl.String, is_elementwise=True)


def clean_text(expr: pl.Expr) -> pl.Expr:
    """Give the display form: nothing invisible, single spaces, accents kept, composed (NFC)."""
    return expr.map_batches(cleaned, return_dtype=pl.String, is_elementwise=True)


def folded(values: pl.Series) -> pl.Series:
    """Fold a column of text; see `fold_text`."""
    if is_blank(values):
        return values
    values = mend(values, ~_is_ascii(values), _spelled_in_ascii).str.to_lowercase()
    values = mend(values, ~values.str.contains(_FOLDED), _without_punctuation)
    return mend(values, ~_is_ascii(values), in_latin)


def cleaned(values: pl.Series) -> pl.Series:
    """Clean a column of text; see `clean_text`."""
    if is_blank(values):
        return values
    return mend(values, ~values.str.contains(_PLAIN), _cleaned)


def mend(
    values: pl.Series, is_needed: pl.Series, work: Callable[[pl.Series], pl.Series]
) -> pl.Series:
    """Do the work on the values that need it and leave the others as they are."""
    if not is_needed.any():
        return values
    rows = is_needed.arg_true()
    if rows.len() == values.len():
        return work(values)
    return values.clone().scatter(rows, work(values.gather(rows)))


def rewrite(values: pl.Series, pattern: str, plain: str) -> pl.Series:
    """Replace what matches; to look for it first is cheaper where it is seldom there."""
    if is_blank(values):
        return values
    is_there = values.str.contains(pattern)
    return mend(values, is_there, lambda some: some.str.replace_all(pattern, plain))


def on_distinct(values: pl.Series, work: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """Do the work once per distinct value and give every row its answer, in order.

    Worth it where values repeat, as first names and cities do, and the work is long. To find out
    which of a few values repeat would cost more.
    """
    if values.len() <= _FEW:
        return work(values.alias("value"))
    rows = values.alias("value").to_frame().with_row_index("row")
    groups = rows.group_by("value").agg("row")
    answers = work(groups["value"])
    numbered = groups.select("row", number=pl.int_range(pl.len(), dtype=pl.UInt32)).explode("row")
    numbers = pl.zeros(values.len(), dtype=pl.UInt32, eager=True)
    return answers.select(pl.all().gather(numbers.scatter(numbered["row"], numbered["number"])))


def is_blank(values: pl.Series) -> bool:
    """Whether no value is there, so that nothing needs to be done."""
    return values.null_count() == values.len()


def once_for(work: Callable[[G], T]) -> Callable[[G], T]:
    """Do the work once for the same object, which must never change: the lookups of a run."""
    held: list[tuple[G, T]] = []

    @wraps(work)
    def answer(given: G) -> T:
        for known, found in held:
            if known is given:
                return found
        found = work(given)
        held[:] = [(given, found)]
        return found

    return answer


def folded_keys(table: Mapping[str, str]) -> dict[str, str]:
    """Give a lookup whose keys are in matching form, so that people may write them as they do."""
    keys = folded(pl.Series(list(table), dtype=pl.String))
    return {key: value for key, value in zip(keys, table.values(), strict=True) if key}


def folded_words(words: Iterable[str]) -> frozenset[str]:
    """Give words of a lookup in matching form."""
    return frozenset(folded_keys(dict.fromkeys(words, "")))


def _is_ascii(values: pl.Series) -> pl.Series:
    if values.len() <= _FEW:  # three steps of frames cost more than to look at each
        return pl.Series(
            [None if text is None else text.isascii() for text in values], dtype=pl.Boolean
        )
    return values.str.len_bytes() == values.str.len_chars()


def _spelled_in_ascii(values: pl.Series) -> pl.Series:
    """Bring accented letters to plain ones by a table, and the rest by all that Unicode knows."""
    latin = _latin_letters()
    present = values.str.extract_all(f"[{''.join(latin)}]").explode().unique().drop_nulls()
    plain = values.str.replace_many({letter: latin[letter] for letter in present})
    is_settled = _is_ascii(plain)
    return mend(plain, ~is_settled, lambda _: _decomposed(values.filter(~is_settled)))


def _decomposed(values: pl.Series) -> pl.Series:
    """Bring accented, full-width, mathematical and look-alike letters to plain lower case."""
    text = pl.col("text")
    frame = pl.select(text=values.str.replace_all(_INVISIBLE, "").str.normalize("NFKC"))
    latin = text.str.replace_many(HOMOGLYPHS)
    is_disguised = text.str.contains(r"[a-zA-Z]") & ~latin.str.contains(r"[\p{Cyrillic}\p{Greek}]")
    frame = frame.select(pl.when(is_disguised).then(latin).otherwise(text).alias("text"))
    lower = text.str.normalize("NFKD").str.to_lowercase().str.normalize("NFKD")
    bare = lower.str.replace_all(_MARKS, "").str.replace_many(LETTERS)
    return frame.select(bare.str.normalize("NFC")).to_series()


@cache
def _latin_letters() -> dict[str, str]:
    """Accented Latin letters and how they are spelled without: what nearly all other text needs."""
    letters = pl.Series(list(map(chr, [*range(0xC0, 0x250), *range(0x1E00, 0x1F00)])))
    plain = _decomposed(letters)
    is_settled = plain.str.contains("^[a-z]+$")
    return dict(zip(letters.filter(is_settled), plain.filter(is_settled), strict=True))


def _without_punctuation(values: pl.Series) -> pl.Series:
    """Drop apostrophes and make other signs a blank; ASCII by a table, the rest by its class."""
    spaced = values.str.replace_many(_SIGNS, leftmost=True)
    is_odd = ~spaced.str.contains(_FOLDED)
    return mend(spaced, is_odd, _without_signs)


def _without_signs(values: pl.Series) -> pl.Series:
    return _null_if_empty(values.str.replace_all(r"[^\pL\pN\pM]+", " ").str.strip_chars(" "))


def _cleaned(values: pl.Series) -> pl.Series:
    """Most of what is not plain has a blank too many at an end, and nothing else."""
    bare = values.str.strip_chars(" ")
    return mend(bare, ~bare.str.contains(_PLAIN), _composed)


def _composed(values: pl.Series) -> pl.Series:
    composed = values.str.replace_all(r"\s+", " ").str.replace_all(r"[\p{Cc}\p{Cf}\x{fffd}]+", "")
    composed = composed.str.normalize("NFC").str.replace_all(r"\s+", " ")
    return _null_if_empty(composed.str.strip_chars(" "))


def _null_if_empty(values: pl.Series) -> pl.Series:
    return values.set(values == "", None)
