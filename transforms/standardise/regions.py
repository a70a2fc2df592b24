"""Tell by which country's rules a phone number is read.

The record's country says it, or else its feed. Where neither does, what the record says besides is
asked, and only what leaves no doubt: a number that is valid once a plus is put in front of it, a
postcode that only one country writes so, the ending of its e-mail address, or the
way in which North America writes its numbers. A guess that is wrong seldom makes a valid number,
so most of them end as the number would have without it: invalid.
"""

import polars as pl
from phonenumbers import country_code_for_region

from rules.lookups import Lookups
from transforms.standardise.fold import is_blank
from transforms.standardise.phones import verify_phones

PHONES, EMAILS = ("phone", "phone_2"), ("email", "email_2")
NANP = r"^\s*(?:1[ .-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[.-])[2-9][0-9]{2}[ .-][0-9]{4}\s*$"
_BARE = r"^\s*(?:[2-9]|12)[0-9 ]{9,18}\s*$"
"""A calling code and a number; mobiles in China begin with 13 to 19 and look like +1 3…"""
_FEWEST_DIGITS = 11


def with_regions(records: pl.DataFrame, region: str | None, lookups: Lookups) -> pl.DataFrame:
    """Add `region_hint`, an ISO code or null, and the plus that a number was delivered without.

    records: phone, phone_2, email, email_2, postcode and country, those of them that there are.
    """
    country = pl.col("country") if "country" in records.columns else pl.lit(None, pl.String)
    hinted = records.with_columns(region_hint=pl.coalesce(country, pl.lit(region, pl.String)))
    names = [name for name in PHONES if name in records.columns]
    if not names:
        return hinted
    international = [_international(hinted[name], hinted["region_hint"]) for name in names]
    if not hinted["region_hint"].has_nulls():
        return hinted.with_columns(*international)
    told = pl.coalesce(
        "region_hint",
        _by_postcode(records, lookups),
        _by_mailbox(records, lookups),
        _by_shape(names),
    )
    return hinted.with_columns(*international, region_hint=told)


def _by_postcode(records: pl.DataFrame, lookups: Lookups) -> pl.Expr:
    answer = pl.lit(None, pl.String)
    if "postcode" not in records.columns:
        return answer
    text = pl.col("postcode").str.strip_chars().str.to_uppercase()
    for code, form in lookups.postcodes.items():
        if form.is_unlike_others:
            answer = (
                pl.when(text.str.contains(rf"^(?:{form.search})$"))
                .then(pl.lit(code))
                .otherwise(answer)
            )
    return answer


def _by_mailbox(records: pl.DataFrame, lookups: Lookups) -> pl.Expr:
    endings = [
        pl.col(name).str.strip_chars().str.to_lowercase().str.extract(r"@.*\.([a-z]{2})$")
        for name in EMAILS
        if name in records.columns
    ]
    ending = pl.coalesce(*endings) if endings else pl.lit(None, pl.String)
    return ending.replace_strict(lookups.mail_regions, default=None, return_dtype=pl.String)


def _by_shape(names: list[str]) -> pl.Expr:
    is_nanp = pl.any_horizontal(pl.col(name).str.contains(NANP) for name in names)
    return pl.when(is_nanp).then(pl.lit("US"))


def _international(numbers: pl.Series, regions: pl.Series) -> pl.Series:
    """Put a plus in front of what is valid with it, and of no region or a mobile of its region.

    In plans whose numbers are of any length, 49 151… could be a number of the town 4915.
    """
    if is_blank(numbers):
        return numbers
    rows = numbers.str.contains(_BARE).arg_true()
    if rows.is_empty():
        return numbers
    asked = (
        pl.DataFrame({"row": rows, "text": numbers.gather(rows), "region": regions.gather(rows)})
        .with_columns(pl.col("text").str.replace_all(" ", "", literal=True))
        .filter(pl.col("text").str.len_bytes() >= _FEWEST_DIGITS)
    )
    codes = {region: str(country_code_for_region(region)) for region in regions.unique() if region}
    own = pl.col("region").replace_strict(codes, default="", return_dtype=pl.String)
    asked = asked.filter(pl.col("text").str.starts_with(own))
    verdicts = verify_phones(
        asked.select(raw="+" + pl.col("text"), region=pl.lit(None, pl.String))
    ).rename({"region": "asked"})
    is_mobile = (pl.col("verification") == "valid") & (pl.col("kind") == "mobile")
    is_valid = (pl.col("verification") == "valid") & pl.col("region").is_null()
    found = asked.hstack(verdicts.select("raw", "verification", "kind")).filter(
        is_mobile | is_valid
    )
    return numbers.clone().scatter(found["row"], found["raw"])
