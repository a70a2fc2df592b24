"""Describe the columns of a delivery of a new feed, and guess what they are.

For `touchstone feed new`. What comes out is a draft for a person: nothing here decides anything in
a run. Examples show the shape of a value, never the value.
"""

from collections.abc import Collection
from typing import Literal, NamedTuple

import polars as pl

Kind = Literal[
    "empty",
    "email",
    "boolean",
    "date",
    "time",
    "country",
    "postcode",
    "phone",
    "number",
    "name",
    "text",
]

SURE = 0.8
"""A kind is named when at least this share of the different values looks like it."""

DATE_FORMATS = (
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
)

_SAMPLE = 5000
_SOME = 0.3
_LONGEST_DATE = 30
_MOST_FORMATS = 3
_USEFUL = 0.1
"""A further date format must read this share of the values."""
_YEARS = (1880, 2100)
_MIRRORED = str.maketrans("dm", "md")
_SECONDS = (631_152_000, 4_102_444_800)
"""1990 to 2100."""

_BOOLEANS = (
    *("true", "false", "t", "f", "yes", "no", "y", "n", "1", "0", "x", "on", "off"),
    *("ja", "nein", "j", "nee", "oui", "non", "o", "si", "sí", "sim", "não", "nao"),
)

_PATTERNS: dict[Kind, str] = {
    "email": r"^[^@\s]+@[^@\s]+\.\p{L}{2,}$",
    "time": r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d",
    "phone": r"^(?:\+|00?|\()?[\d\s().\-/]{6,22}(?:(?i:ext|x)\.?\s?\d+)?$",
    "postcode": r"^(?i:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{4} ?[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d"
    r"|\d{5}-\d{3,4}|\d{4}-\d{3}|\d{4,6})$",
    "number": r"^[-+]?\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?$",
    "name": r"^\p{L}[\p{L}\p{M}'’.\-]*(?:,? \p{L}[\p{L}\p{M}'’.\-]*){0,4}$",
}
_DIGITS = r"^\D*(?:\d\D*){7,15}$"
_NO_PHONE = r"^\d{1,3}(?:\.\d{1,3}){3}$|^\d{4}-\d\d-\d\d"
"""Network addresses and dates have the digits of a phone number."""
_WRITTEN_PHONE = r"^[+(0]|\d[\s().\-/]+\d"


class ColumnProfile(NamedTuple):
    """One column, as far as its values say what it is."""

    name: str
    filled_share: float
    distinct_share: float
    """Of the filled cells: 1 means that no value comes twice."""
    examples: tuple[str, ...]
    """Shapes of values: `Xxxxx 99`."""
    kind: Kind
    date_format: str | None = None
    is_ambiguous: bool = False
    """Whether day and month could as well be the other way round in every value."""
    is_code: bool = False
    """Whether the values look like keys: digits, perhaps behind letters."""


def profile_rows(rows: pl.DataFrame, countries: Collection[str] = ()) -> list[ColumnProfile]:
    """A profile of each delivered column; `countries` are names and codes in lower case."""
    names = [name for name in rows.columns if name != "row_number"]
    return [_profile(rows.get_column(name), countries) for name in names]


def _profile(column: pl.Series, countries: Collection[str]) -> ColumnProfile:
    filled = column.drop_nulls().str.strip_chars()
    filled = filled.filter(filled != "")
    if filled.is_empty():
        return ColumnProfile(column.name, 0.0, 0.0, (), "empty")
    distinct = filled.unique(maintain_order=True).head(_SAMPLE)
    kind, date_format, is_ambiguous = _kind(distinct, countries)
    return ColumnProfile(
        name=column.name,
        filled_share=len(filled) / len(column),
        distinct_share=filled.n_unique() / len(filled),
        examples=tuple(dict.fromkeys(_shapes(distinct.head(20))))[:3],
        kind=kind,
        date_format=date_format,
        is_ambiguous=is_ambiguous,
        is_code=_share(distinct, r"^[\p{L}]{0,6}[-_]?[\p{L}\d]*\d[\w-]*$") >= SURE,
    )


def _kind(distinct: pl.Series, countries: Collection[str]) -> tuple[Kind, str | None, bool]:
    """The first kind that fits, from the surest to the vaguest."""
    lower = distinct.str.to_lowercase()
    if len(distinct) <= 3 and lower.is_in(_BOOLEANS).all():
        return "boolean", None, False
    if _share(distinct, _PATTERNS["email"]) >= SURE:
        return "email", None, False
    moment = "iso" if _share(distinct, _PATTERNS["time"]) >= SURE else _epoch(distinct)
    if moment:
        return "time", moment, False
    date_format, is_ambiguous = _date_format(distinct)
    if date_format:
        return "date", date_format, is_ambiguous
    is_country = _true_share(lower.is_in(list(countries))) >= SURE
    return "country" if is_country else _vague_kind(distinct), None, False


def _vague_kind(distinct: pl.Series) -> Kind:
    if _share(distinct, _PATTERNS["postcode"]) >= SURE:
        return "postcode"
    is_like = distinct.str.contains(_DIGITS) & distinct.str.contains(_PATTERNS["phone"])
    likely = distinct.filter(is_like & ~distinct.str.contains(_NO_PHONE))
    if len(likely) >= SURE * len(distinct) and _share(likely, _WRITTEN_PHONE) >= _SOME:
        return "phone"
    if _share(distinct, _PATTERNS["number"]) >= SURE:
        return "number"
    return "name" if _share(distinct, _PATTERNS["name"]) >= SURE else "text"


def _date_format(distinct: pl.Series) -> tuple[str | None, bool]:
    """The formats that together read the values, the most useful first.

    Ambiguous when one of them, with day and month exchanged, reads just as many of its values.
    """
    if (distinct.str.len_chars() > _LONGEST_DATE).any():
        return None, False
    read = {one: _is_date(distinct, one) for one in DATE_FORMATS}
    chosen, left, is_ambiguous = list[str](), pl.repeat(True, len(distinct), eager=True), False
    while len(chosen) < _MOST_FORMATS and _true_share(left) > 1 - SURE:
        best = max(read, key=lambda one: int((read[one] & left).sum()))
        gained = int((read[best] & left).sum())
        if gained < len(distinct) * _USEFUL:
            return None, False
        mirror = best.translate(_MIRRORED)
        is_mirrored = mirror != best and mirror in read
        is_ambiguous |= is_mirrored and int((read[mirror] & left).sum()) == gained
        chosen.append(best)
        left &= ~read[best]
    return "|".join(chosen), is_ambiguous


def _is_date(distinct: pl.Series, date_format: str) -> pl.Series:
    dates = distinct.str.to_date(date_format, strict=False)
    return dates.dt.year().is_between(*_YEARS).fill_null(False)


def _epoch(distinct: pl.Series) -> str | None:
    numbers = distinct.cast(pl.Int64, strict=False)
    for name, factor in (("epoch_s", 1), ("epoch_ms", 1000)):
        first, last = (second * factor for second in _SECONDS)
        if _true_share(numbers.is_between(first, last)) >= SURE:
            return name
    return None


def _share(distinct: pl.Series, pattern: str) -> float:
    return _true_share(distinct.str.contains(pattern))


def _true_share(flags: pl.Series) -> float:
    return int(flags.sum()) / max(len(flags), 1)


def _shapes(values: pl.Series) -> list[str]:
    """Upper-case letters as X, other letters as x, digits as 9: the form without the person."""
    shapes = (
        values.str.slice(0, 40)
        .str.replace_all(r"\p{Lu}", "X")
        .str.replace_all(r"[\p{L}\p{M}--X]", "x")
        .str.replace_all(r"\p{N}", "9")
    )
    return shapes.to_list()
