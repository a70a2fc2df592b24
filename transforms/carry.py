"""Carry values forward: a missing value in an update erases nothing.

Unless the feed says that its blanks mean so. A place is carried whole or not at all, since half
of an old address beside half of a new one is nobody's. And where an update says another
generation than before (Jr) and another mailbox, telephone or birth date, the key has been given
to somebody else: nothing is carried over to him from his namesake.
"""

import polars as pl

from rules.feed import Feed
from transforms.generations import generation_of

PLACE = ("address", "city", "region", "postcode", "country")
NAME = ("title", "first_name", "middle_name", "last_name", "suffix")
ALONE = (
    "company",
    "job_title",
    "email",
    "email_2",
    "phone",
    "phone_2",
    "phone_key",
    "phone_2_key",
    "birth_date",
    "person_number",
    "gender",
    "language",
    "consent_email",
    "consent_phone",
    "consent_post",
    "campaign",
)
FIELDS = (*NAME, *PLACE, *ALONE)
"""The fields that are carried forward."""
_OWN = ("email", "phone", "birth_date", "person_number")
_KEY = "record_number"
_WHOSE = (_KEY, "_person")
_IS_CLEAN = ~(pl.col("is_test").fill_null(value=False) | pl.col("has_link").fill_null(value=False))


def carry_forward(
    records: pl.DataFrame, before: pl.DataFrame, feeds: dict[str, Feed]
) -> pl.DataFrame:
    """Fill what `records` lack from the version before, by arrival.

    records: arrival, record_number, source, is_test, has_link and fields; before: the latest
    version before these of each record that had one. Test entries and misused forms, which will
    be quarantined, give nothing to the versions after them.
    """
    erasing = [feed.source for feed in feeds.values() if feed.parse.blank_means_erase]
    is_changed = pl.len().over("record_number") > 1
    several = records.filter(
        (is_changed | pl.col("record_number").is_in(before["record_number"].implode()))
        & ~pl.col("source").is_in(erasing)
    )
    if several.is_empty():
        return records
    rest = records.join(several.select("arrival"), on="arrival", how="anti")
    laid = pl.concat(
        [before.with_columns(is_before=pl.lit(value=True)), several], how="diagonal"
    ).sort("record_number", "arrival")
    filled = _filled(_with_persons(laid), [name for name in FIELDS if name in records.columns])
    given = filled.filter(pl.col("is_before").is_null()).select(records.columns)
    return pl.concat([rest, given]).sort("arrival")


def _with_persons(laid: pl.DataFrame) -> pl.DataFrame:
    """Number the persons that a key has meant, one after the other, as `_person`."""
    laid = laid.with_columns(_person=pl.lit(0))
    if "suffix" not in laid.columns or laid["suffix"].null_count() == laid.height:
        return laid
    laid = laid.with_columns(_generation=generation_of("suffix"))
    is_other = _begins_another(laid.columns)
    while laid.select(is_other.any()).item():
        laid = laid.with_columns(_person=pl.col("_person") + is_other.cum_sum().over(_KEY))
    return laid


def _begins_another(columns: list[str]) -> pl.Expr:
    """Whether a version is the first of another person, as far as that is not known yet."""
    generation = pl.col("_generation")
    differs = (pl.col(name) != _known_before(name) for name in _OWN if name in columns)
    is_other = (
        generation.is_not_null()
        & generation.ne_missing(_known_before("_generation"))
        & pl.any_horizontal(pl.lit(value=False), *differs).fill_null(value=False)
    )
    return is_other & (is_other.cum_sum().over(_KEY) == 1)


def _known_before(name: str) -> pl.Expr:
    return pl.when(_IS_CLEAN).then(name).forward_fill().shift(1).over(_WHOSE)


def _filled(laid: pl.DataFrame, fields: list[str]) -> pl.DataFrame:
    """Versions of records in order, each with what the ones before it knew and it does not say."""
    places = [name for name in PLACE if name in fields]
    has_place = pl.any_horizontal(pl.col(name).is_not_null() for name in places)
    known = pl.when(_IS_CLEAN & has_place).then("arrival").forward_fill().over(_WHOSE)
    laid = laid.with_columns(_place_from=known)
    source = laid.select(
        _place_from="arrival", **{f"_{name}": pl.col(name) for name in places}
    ).with_columns(_has=pl.lit(value=True))
    laid = laid.join(source, on="_place_from", how="left", maintain_order="left")
    carried = {name: pl.when(has_place).then(name).otherwise(f"_{name}") for name in places} | {
        name: pl.coalesce(name, pl.when(_IS_CLEAN).then(name).forward_fill().over(_WHOSE))
        for name in fields
        if name not in places
    }
    return laid.with_columns(**carried)
