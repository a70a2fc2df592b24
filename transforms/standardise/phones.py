"""Verify phone numbers: E.164, kind, time zones and region of each number as delivered.

The authority is `phonenumbers`. Nearly all numbers are settled by its own metadata, compiled
to polars expressions in `numbering.py`; a text that is not plainly a phone number, and a
numbering plan with too few numbers to be worth compiling, goes to the library value by value.
Both ways give the same answer in every column, and a test compares them for all regions.

Two marks of a spreadsheet are dealt with before the library sees the text. A number shown as
4.47912E+11 has lost its digits for good (`scientific_notation`). A number kept as a decimal,
447912345678.0, loses its `.0` again, which would otherwise be dialled as one digit more.
"""

import re
from typing import NamedTuple

import phonenumbers
import polars as pl
from phonenumbers import NumberParseException, ValidationResult
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from transforms.standardise.numbering import kind_word, settle_numbers, split_rows


class Verdict(NamedTuple):
    """What is known of a number. Unless it is valid: only that it is not, and why."""

    value: str | None
    """E.164."""
    verification: str
    """valid or invalid."""
    reason: str | None
    """not_a_number, too_short, too_long, not_in_use, no_region or scientific_notation."""
    kind: str | None
    """mobile, fixed_line, fixed_line_or_mobile, toll_free …, in the library's words."""
    time_zone: str | None
    """The possible zones, joined by & since their names hold slashes; null when unknown."""
    number_region: str | None
    """The ISO region the number belongs to, or 001 when to none."""


def verify_phones(values: pl.DataFrame) -> pl.DataFrame:
    """Add the fields of `Verdict` to `raw` and `region`, row by row.

    The region is the record's: an ISO code in capitals, or null. A null `raw` is missing, not
    invalid, and has no verdict.
    """
    rows = values.select("raw", "region").with_row_index("row")
    texts = rows.drop_nulls("raw")
    settled = settle_numbers(_read_digits(texts))
    asked = _ask_library(texts.join(settled, on="row", how="anti"))
    verdicts = pl.concat([settled, asked], how="diagonal_relaxed")
    return rows.join(verdicts, on="row", how="left", maintain_order="left").select(
        "raw", "region", *Verdict._fields
    )


def phone_metadata_version() -> str:
    """Name the numbering plans, kept beside each verdict: newer ones verify all again."""
    return phonenumbers.__version__


def ask_library(raw: str, region: str | None) -> Verdict:
    """Take the library's word for one value."""
    if re.search(_SCIENTIFIC, raw):
        return _invalid("scientific_notation")
    try:
        number = phonenumbers.parse(re.sub(_DECIMAL, r"\1", raw), region)
    except NumberParseException as refusal:
        return _invalid(_refusal_reason(refusal, raw, region))
    if not phonenumbers.is_valid_number(number):
        length = phonenumbers.is_possible_number_with_reason(number)
        return _invalid(_LENGTH_REASONS.get(length, "not_in_use"))
    zones = time_zones_for_number(number)
    return Verdict(
        value=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        verification="valid",
        reason=None,
        kind=kind_word(phonenumbers.number_type(number)),
        time_zone=None if UNKNOWN_TIMEZONE in zones else "&".join(zones),
        number_region=phonenumbers.region_code_for_number(number),
    )


_LENGTH_REASONS = {
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_short",  # its area code is missing
    ValidationResult.TOO_LONG: "too_long",
}
_REFUSAL_REASONS = {
    NumberParseException.NOT_A_NUMBER: "not_a_number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}


def _invalid(reason: str) -> Verdict:
    return Verdict(None, "invalid", reason, None, None, None)


def _refusal_reason(refusal: NumberParseException, raw: str, region: str | None) -> str:
    """Tell a calling code that no country has from a national number of no region."""
    if refusal.error_type != NumberParseException.INVALID_COUNTRY_CODE:
        return _REFUSAL_REASONS[refusal.error_type]
    has_origin = region in phonenumbers.SUPPORTED_REGIONS or re.search("[+＋]", raw)
    return "not_in_use" if has_origin else "no_region"


def _ask_library(texts: pl.DataFrame) -> pl.DataFrame:
    asked = texts.select("raw", "region").unique()
    verdicts = [ask_library(raw, region) for raw, region in asked.iter_rows()]
    fields = pl.DataFrame(verdicts, schema=dict.fromkeys(Verdict._fields, pl.String), orient="row")
    known = pl.concat([asked, fields], how="horizontal")
    return texts.join(known, on=["raw", "region"], nulls_equal=True).drop("raw", "region")


_SCIENTIFIC = r"^\s*[+-]?[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]{1,2}\s*$"
_DECIMAL = r"^(\s*[1-9][0-9]{6,14})\.0\s*$"
_DASHES = "\u2010-\u2015\u00a0"
_PLAIN = (
    rf"^[A-Za-z \t.:(\[{_DASHES}-]*"  # the library skips to the first plus or digit
    rf"\+?[0-9 ().\[\]/{_DASHES}-]*"
    rf"[ \t,;:.)\]{_DASHES}-]*$"
)
_EXTENSION = r"(?i)[ ,]*(?:ext(?:n|ension)?|x|#)[.:]? *[0-9]{1,6}$"


def _read_digits(texts: pl.DataFrame) -> pl.DataFrame:
    """Read the texts that hold one number and nothing else; its extension is left out."""
    texts = texts.filter(pl.col("raw").str.len_bytes() <= 100)  # far below the library's limit
    texts = texts.with_columns(pl.col("raw").str.replace(_DECIMAL, "${1}"))
    plain, odd = split_rows(texts, pl.col("raw").str.contains(_PLAIN))
    extended = (
        odd.filter(pl.col("raw").str.contains(_EXTENSION))
        .with_columns(pl.col("raw").str.replace(_EXTENSION, ""))
        .filter(pl.col("raw").str.contains(_PLAIN) & pl.col("raw").str.contains("[0-9]$"))
    )
    return pl.concat([plain, extended]).select(
        "row",
        "region",
        number=pl.col("raw").str.replace_all("[^0-9]+", ""),
        is_international=pl.col("raw").str.contains("+", literal=True),
    )
