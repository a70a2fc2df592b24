"""Standardise postcodes by the way their country writes them."""

import re

import polars as pl

from rules.lookups import Lookups, PostcodeForm
from transforms.standardise.fold import folded, mend, rewrite

_SEPARATORS = r"[\s.‐-―_-]+"


def shown_postcodes(postcodes: pl.Series, countries: pl.Series, lookups: Lookups) -> pl.Series:
    """Write postcodes in capitals and as their country does; one it does not know stays."""
    is_ascii = postcodes.str.len_bytes() == postcodes.str.len_chars()
    shown = postcodes.str.to_uppercase().zip_with(is_ascii.fill_null(value=True), postcodes)
    for rows, form in _by_country(countries, lookups):
        shown.scatter(rows, _written(shown.gather(rows), form))
    return shown


def postcode_keys(postcodes: pl.Series, countries: pl.Series, lookups: Lookups) -> pl.Series:
    """Fold shown postcodes and leave out blanks, and what people leave out (of a ZIP+4)."""
    keys = rewrite(postcodes.str.to_lowercase(), "[ -]", "")
    keys = mend(keys, ~keys.str.contains("^[a-z0-9]+$"), _folded_without_blanks)
    for rows, form in _by_country(countries, lookups):
        if form.area:
            keys.scatter(rows, keys.gather(rows).str.slice(0, form.area))
    return keys


def postcodes_found(frame: pl.DataFrame, lookups: Lookups) -> pl.Series:
    """Find the postcode inside `address`, not at its beginning, if `country` leaves no doubt."""
    found = pl.Series("postcode", [None] * frame.height, dtype=pl.String)
    for rows, form in _by_country(frame["country"], lookups):
        texts = frame["address"].gather(rows).str.to_uppercase()
        pattern = rf"[ ,]({form.search})(?:$|[ ,])"
        hits = texts.str.extract(pattern)
        found.scatter(rows, hits.set(texts.str.count_matches(pattern) != 1, None))
    return found


def _by_country(countries: pl.Series, lookups: Lookups) -> list[tuple[pl.Series, PostcodeForm]]:
    """The rows of each country whose postcodes are known."""
    present = sorted(country for country in countries.unique() if country is not None)
    return [
        ((countries == country).arg_true(), lookups.postcodes[country])
        for country in present
        if country in lookups.postcodes
    ]


def _written(postcodes: pl.Series, form: PostcodeForm) -> pl.Series:
    is_other = ~postcodes.str.contains(_shown_pattern(form))
    return mend(postcodes, is_other, lambda some: _rewritten(some, form))


def _shown_pattern(form: PostcodeForm) -> str:
    """A regular expression for what the form gives: its groups in place of their numbers."""
    groups = re.findall(r"\(([^?()][^()]*)\)(\??)", form.pattern)

    def group(found: re.Match[str]) -> str:
        pattern, may_lack = groups[int(found[2]) - 1]
        return f"(?:{found[1]}{pattern}){may_lack}"

    return "^" + re.sub(r"([- ]?)\$([0-9])", group, form.form) + "$"


def _rewritten(postcodes: pl.Series, form: PostcodeForm) -> pl.Series:
    compact = postcodes.str.replace_all(_SEPARATORS, "")
    pattern = f"^(?:{form.pattern})$"
    shown = compact.str.replace(pattern, form.form).str.strip_chars_end("- ")
    return postcodes.zip_with(~compact.str.contains(pattern), shown)


def _folded_without_blanks(postcodes: pl.Series) -> pl.Series:
    return folded(postcodes).str.replace_all(" ", "", literal=True)
