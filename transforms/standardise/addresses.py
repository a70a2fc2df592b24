"""Standardise addresses: a street line, city, region, postcode and country, and keys to compare.

Nothing is looked up in a register of addresses. A one-line address is split only where the feed
says what its commas separate and the postcode is where it should be; else it is kept whole.
"""

import re
from typing import NamedTuple

import polars as pl

from rules.feed import AddressPart
from rules.lookups import Lookups
from transforms.standardise.capitals import capitalised_places
from transforms.standardise.fold import (
    cleaned,
    folded,
    folded_keys,
    is_blank,
    mend,
    on_distinct,
    once_for,
    rewrite,
)
from transforms.standardise.postcodes import postcode_keys, postcodes_found, shown_postcodes

PLACES = ("address", "city", "region", "postcode", "country")
_JOINED = ("address_line1", "address_line2", "house_number")
"""What a feed may send apart, and becomes `address`."""

KEYS = ("address_key", "house_number", "street_key", "postcode_key", "city_key")

_DIGIT_WORD = r"[^,\s]*[0-9][^,\s]*"
_PIECES: dict[AddressPart, str] = {
    "line1": r"(?P<line1>.+)",
    "line2": r"(?P<line2>[^,]+)",
    "city": r"(?P<city>[^,]+)",
    "region": r"(?P<region>[^,]+)",
    "region?": r"(?P<region>[A-Z]{2,3})",
    "postcode": r"(?P<postcode>[^,]*[0-9][^,]*)",
    "country": r"(?P<country>[^,]+)",
    "postcode city": rf"(?P<postcode>{_DIGIT_WORD}(?: [A-Z]{{2}}| [0-9]{{2,3}})?) (?P<city>[^,]+)",
    "city postcode": rf"(?P<city>[^,]+?) (?P<postcode>{_DIGIT_WORD}(?: {_DIGIT_WORD})?)",
    "region postcode": rf"(?P<region>[^,]+?) (?P<postcode>{_DIGIT_WORD}(?: {_DIGIT_WORD})?)",
}
"""What a word of `address_parts` matches between two commas; with a `?` it may be missing."""

_NUMBER_FIRST = r"^[0-9]+[A-Za-z]? [A-Za-z][A-Za-z .'-]*$"
_NUMBER_LAST = r"^[A-Za-zÄÖÜäöüßéèáíóúçñãõ][\pL .'-]* [0-9]+[A-Za-z]?$"


class _Street(NamedTuple):
    """What is compared of a street line."""

    address_key: pl.Series
    house_number: pl.Series
    street_key: pl.Series


def standardise_addresses(
    frame: pl.DataFrame, parts: tuple[AddressPart, ...], lookups: Lookups, region: str | None = None
) -> pl.DataFrame:
    """Give `PLACES` as they are shown, and `country_reason`.

    `address_line1`, `address_line2` and `house_number` become `address`. `parts` is what the commas
    of a one-line address separate, counted from the right; `region` the country of records that
    name none. The country is an ISO code; a text that is none is null, with the reason
    `unknown_country`.
    """
    columns = [name for name in frame.columns if name not in _JOINED]
    frame = _with_lines_split(_with_one_street_line(frame), parts)
    frame = _with_house_numbers(_with_countries(frame, lookups, region), lookups)
    postcode = shown_postcodes(_with_found(frame, lookups), frame["country"], lookups)
    frame = frame.with_columns(
        capitalised_places(frame["address"], lookups.minor_words),
        on_distinct(frame["city"], lambda some: _shown_cities(some, lookups)).to_series(),
        _shown_regions(frame["region"], lookups),
        postcode,
    )
    return frame.select(*columns, pl.exclude(columns))


def _with_found(frame: pl.DataFrame, lookups: Lookups) -> pl.Series:
    """The postcodes, with those that stand in the address where there is none."""
    postcode = frame["postcode"]
    if not postcode.has_nulls():
        return postcode
    missing = postcode.is_null() & frame["address"].is_not_null()
    found = postcodes_found(frame.filter(missing), lookups)
    return postcode.clone().scatter(missing.arg_true(), found)


def address_keys(frame: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    """Add `KEYS`, by which standardised addresses are compared."""
    street = street_keys(frame["address"], lookups)
    city = on_distinct(frame["city"], lambda some: _city_keys(some, lookups)).to_series()
    return frame.with_columns(
        *(values.alias(name) for name, values in street._asdict().items()),
        postcode_keys(frame["postcode"], frame["country"], lookups).alias("postcode_key"),
        city.alias("city_key"),
    )


def street_keys(addresses: pl.Series, lookups: Lookups) -> _Street:
    """Give the address, its house number and its street in the form they are compared in."""
    key = _shortened(folded(addresses), lookups)
    is_plain = addresses.str.contains(_NUMBER_FIRST) | addresses.str.contains(_NUMBER_LAST)
    rest = (~is_plain).arg_true()
    if rest.is_empty():
        return _Street(key, *_houses(key))
    pieces = key.clone().scatter(rest, _street_pieces(addresses.gather(rest), lookups))
    number, street = _houses(pieces)
    return _Street(key, number, street)


def _street_pieces(addresses: pl.Series, lookups: Lookups) -> pl.Series:
    """Find the street, with its house number, in addresses with flats, commas or ranges."""
    texts = addresses.str.to_lowercase()
    for pattern, plain in _simpler(lookups):
        texts = rewrite(texts, pattern, plain)
    texts = texts.str.strip_chars(", ")
    texts = mend(texts, texts.str.contains(",", literal=True), _piece)
    return _shortened(folded(texts), lookups)


def _houses(keys: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Split keys of streets into number and street; without a number all is street."""
    number, street = keys.clear(keys.len()), keys.clone()
    is_first = keys.str.contains("^[0-9]+[a-z]? .")
    rows = is_first.arg_true()
    if not rows.is_empty():
        parts = keys.gather(rows).str.splitn(" ", 2).struct
        number.scatter(rows, parts.field("field_0"))
        street.scatter(rows, parts.field("field_1"))
    for pattern in (
        "^(?P<street>[^0-9].*) (?P<number>[0-9]+(?: ?[a-z])?)$",
        "^(?P<street>[^0-9].*?) (?P<number>[0-9]+[a-z]?) .*$",
    ):
        if not number.has_nulls():
            break
        rows = (number.is_null() & street.str.contains(pattern)).arg_true()
        if rows.is_empty():
            continue
        parts = street.gather(rows).str.extract_groups(pattern).struct
        number.scatter(rows, parts.field("number").str.replace(" ", ""))
        street.scatter(rows, parts.field("street"))
    return number, street


@once_for
def _simpler(lookups: Lookups) -> list[tuple[str, str]]:
    """What to rewrite, in this order, before a street can be read."""
    units = "|".join(re.escape(word.lower()) for word in sorted(lookups.unit_words))
    return [
        (rf"(?:^|[ ,])(?:(?:{units})\.? *#?|# *)(?:[0-9]+[a-z]?|[a-z])(?:$|[ ,])", ", "),
        (r"\b(?:n[º°o]\.?|num\.?|numero|número|nr\.?) *([0-9])", "$1"),
        (r"([0-9]+[a-z]?) *[-/–] *[0-9]+[a-z]?\b", "$1"),
        (r", *([0-9]+ ?[a-z]?) *(,|$)", " $1$2"),
        (r"^[ ,]*([0-9]+[a-z]?) *, *", "$1 "),
    ]


def _piece(texts: pl.Series) -> pl.Series:
    """The part between commas with letters and a number, else the first with anything."""
    both = texts.str.extract(r"([^,]*\pL[^,]*[0-9][^,]*|[^,]*[0-9][^,]*\pL[^,]*)")
    return both.zip_with(both.is_not_null(), texts.str.extract("([^, ][^,]*)"))


def _shortened(keys: pl.Series, lookups: Lookups) -> pl.Series:
    """Give words of streets their short form, at the end of longer words too: hauptstr."""
    return keys.to_frame("key").select(_short_words(lookups)).to_series().alias(keys.name)


@once_for
def _short_words(lookups: Lookups) -> pl.Expr:
    whole, short = _street_words(lookups)
    spaced = pl.col("key") + " "
    return spaced.str.replace_many(whole, short, leftmost=True).str.strip_chars_end(" ")


@once_for
def _street_words(lookups: Lookups) -> tuple[list[str], list[str]]:
    """The ends of words as they are written, the longest first, and their short forms."""
    table = folded_keys(lookups.street_words)
    words = sorted(table, key=len, reverse=True)
    return [f"{word} " for word in words], [f"{table[word]} " for word in words]


def _with_one_street_line(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the columns that are absent, clean them, and join the two lines of an address."""
    names = (*PLACES, *_JOINED, "country_reason")
    absent = [name for name in names if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)
    frame = frame.with_columns(cleaned(frame[name].cast(pl.String)) for name in names[:-1])
    lines = pl.concat_str("address_line1", "address_line2", separator=", ", ignore_nulls=True)
    if is_blank(frame["address_line1"]) and is_blank(frame["address_line2"]):
        return frame.drop("address_line1", "address_line2")
    has_lines = pl.any_horizontal(pl.col("address_line1", "address_line2").is_not_null())
    address = pl.when(has_lines).then(lines).otherwise("address")
    return frame.with_columns(address=address).drop("address_line1", "address_line2")


def _with_house_numbers(frame: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    """Put the number that came in a column of its own into the street, where it does not stand."""
    if is_blank(frame["house_number"]):
        return frame.drop("house_number")
    number, street = pl.col("house_number"), pl.col("address").str.extract("^([^,]*)")
    rest = pl.col("address").str.strip_prefix(street)
    is_last = pl.col("country").is_in(list(lookups.numbers_last)).fill_null(value=False)
    joined = pl.when(is_last).then(street + " " + number).otherwise(number + " " + street) + rest
    words = pl.col("address").str.to_lowercase().str.split(" ")
    is_there = words.list.contains(number.str.to_lowercase())
    return frame.with_columns(
        address=pl.when(number.is_null() | is_there).then("address").otherwise(joined)
    ).drop("house_number")


def _with_lines_split(frame: pl.DataFrame, parts: tuple[AddressPart, ...]) -> pl.DataFrame:
    """Split one-line addresses where every part is what it should be; keep the others whole."""
    words = " ".join(parts).replace("?", "").split()
    targets = [name for name in PLACES[1:] if name in words]
    if not targets:
        return frame
    is_open = (
        frame["address"].is_not_null()
        & frame.select(pl.all_horizontal(pl.col(targets).is_null())).to_series()
    )
    rows = is_open.arg_true()
    lines = frame["address"].gather(rows).str.replace_all(r"\s*,[\s,]*", ",").str.strip_chars(", ")
    pieces = lines.str.extract_groups(_pattern(parts)).struct.unnest()
    street = pl.concat_str(pl.col("^line[12]$"), separator=",", ignore_nulls=True)
    pieces = pieces.with_columns(address=street.str.replace_all(",", ", ", literal=True))
    kept = pl.when(pl.all_horizontal(pl.col(targets).is_null())).then(frame["address"].gather(rows))
    pieces = pieces.with_columns(kept.otherwise("address").alias("address"))
    return frame.with_columns(
        frame[name].clone().scatter(rows, pieces[name]) for name in ("address", *targets)
    )


def _pattern(parts: tuple[AddressPart, ...]) -> str:
    """A regular expression for one line; the street is as short as what may be missing lets it."""
    line = _PIECES[parts[0]]
    if any(part.endswith("?") for part in parts):
        line = line.replace(".+", ".+?")
    for part in parts[1:]:
        line += f"(?:,{_PIECES[part]})?" if part.endswith("?") else f",{_PIECES[part]}"
    return f"^{line}$"


def _with_countries(frame: pl.DataFrame, lookups: Lookups, region: str | None) -> pl.DataFrame:
    """Turn names of countries into codes; the default is for records that name none."""
    if is_blank(frame["country"]):
        return _with_region(frame, region)
    codes = _country_codes(lookups)

    def code(names: pl.Series) -> pl.DataFrame:
        found = folded(names).replace_strict(codes, default=None, return_dtype=pl.String)
        return pl.DataFrame({"code": found})

    found = on_distinct(frame["country"], code)["code"]
    unknown = pl.when(found.is_null() & frame["country"].is_not_null())
    frame = frame.with_columns(
        pl.coalesce("country_reason", unknown.then(pl.lit("unknown_country"))),
        found.alias("country"),
    )
    return _with_region(frame, region)


def _with_region(frame: pl.DataFrame, region: str | None) -> pl.DataFrame:
    if region is None:
        return frame
    default = pl.when(pl.col("country_reason").is_null()).then(pl.lit(region, pl.String))
    return frame.with_columns(pl.coalesce("country", default).alias("country"))


@once_for
def _country_codes(lookups: Lookups) -> dict[str, str]:
    return folded_keys(lookups.countries)


def _shown_cities(cities: pl.Series, lookups: Lookups) -> pl.DataFrame:
    return capitalised_places(cities, lookups.minor_words).to_frame("city")


def _city_keys(cities: pl.Series, lookups: Lookups) -> pl.DataFrame:
    return _shortened(folded(cities), lookups).to_frame("city_key")


def _shown_regions(regions: pl.Series, lookups: Lookups) -> pl.Series:
    """Show a code of up to three letters in capitals and a name as other places."""
    if is_blank(regions):
        return regions
    names = capitalised_places(regions, lookups.minor_words)
    return mend(names, names.str.contains("^[A-Za-z]{1,3}$"), lambda some: some.str.to_uppercase())
