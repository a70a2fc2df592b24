"""Leave out of matching the values of which people said that they tell nobody apart.

A value is known by a digest of the form that it is compared in, so that every spelling of it is
meant, and the log of decisions does not say it. A record that has such a value is matched as if it
said nothing there.
"""

import hashlib
from collections.abc import Mapping
from typing import get_args

import polars as pl

from rules.decision import Contact
from rules.lookups import Lookups
from transforms.standardise.addresses import address_keys
from transforms.standardise.contact_keys import email_keys, phone_keys

Ignored = Mapping[str, frozenset[str]]
"""By kind of contact value the digests of those that are left out."""

FIELDS: dict[str, Contact] = {
    "email": "email",
    "email_2": "email",
    "phone": "phone",
    "phone_2": "phone",
    "address": "address",
}
"""The fields of a record that hold a contact value, and its kind."""

_SEPARATOR = "\x1f"
_BLANKED = {
    "email": ("email_key", "email_local", "email_domain"),
    "email_2": ("email_2_key",),
    "phone": ("phone_key",),
    "phone_2": ("phone_2_key",),
    "address": ("address_key", "house_number", "street_key", "postcode_key", "city_key"),
}
"""What a record is compared by that follows from each field."""


def digest_of(contact: str, key: str) -> str:
    """What a value is known by: the digest of its kind and of what it is compared by."""
    return hashlib.sha256(f"{contact}{_SEPARATOR}{key}".encode()).hexdigest()


def ignored_of(decided: pl.DataFrame) -> Ignored:
    """Decided values (contact, digest) by their kind; a kind without any is left out."""
    by_kind = {kind: decided.filter(contact=kind)["digest"] for kind in get_args(Contact)}
    return {kind: frozenset(digests) for kind, digests in by_kind.items() if digests.len()}


def without_ignored(keyed: pl.DataFrame, ignored: Ignored) -> pl.DataFrame:
    """Records with their keys, as `record_keys` gives them, those of ignored values blank."""
    for field, contact in FIELDS.items():
        if contact in ignored and f"{field}_key" in keyed.columns:
            texts = keyed.select(_text(field)).to_series()
            is_hit = _is_among(contact, texts, ignored[contact])
            blank = [name for name in _BLANKED[field] if name in keyed.columns]
            keyed = keyed.with_columns(
                pl.when(~is_hit).then(pl.col(name)).alias(name) for name in blank
            )
    return keyed


def key_values(records: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    """What values are known by, one row per record and field that says one: record, field,
    contact, key.

    records: `record` and any of `FIELDS`, beside an address its postcode, city and country. What
    a number is compared by where it is not valid must come with it, as `phone_key`.
    """
    keyed = records.with_columns([*_email_keys(records), *_phone_keys(records)])
    if "address" in keyed.columns:
        keyed = address_keys(keyed, lookups)
    found = [
        keyed.select("record", field=pl.lit(field), contact=pl.lit(contact), key=_text(field))
        for field, contact in FIELDS.items()
        if f"{field}_key" in keyed.columns
    ]
    return pl.concat(found).drop_nulls("key")


def among(values: pl.DataFrame, ignored: Ignored) -> pl.DataFrame:
    """Of values, as `key_values` gives them, those that are ignored, with their digest."""
    found = [
        values.filter(
            pl.col("contact") == contact, _is_among(contact, values["key"], ignored[contact])
        )
        for contact in ignored
    ]
    return with_digests(pl.concat([values.clear(), *found]))


def with_digests(values: pl.DataFrame) -> pl.DataFrame:
    """Add to values, as `key_values` gives them, the digest that each is known by."""
    digests = [digest_of(*one) for one in values.select("contact", "key").iter_rows()]
    return values.with_columns(digest=pl.Series(digests, dtype=pl.String))


def _text(field: str) -> pl.Expr:
    """The text of which the digest is made; an address belongs to a place."""
    if field != "address":
        return pl.col(f"{field}_key")
    place = pl.coalesce("postcode_key", "city_key").fill_null("")
    return pl.concat_str("address_key", place, separator=_SEPARATOR)


def _email_keys(records: pl.DataFrame) -> list[pl.Series]:
    fields = [field for field in ("email", "email_2") if field in records.columns]
    return [email_keys(records[field]).alias(f"{field}_key") for field in fields]


def _phone_keys(records: pl.DataFrame) -> list[pl.Series]:
    """The keys of the numbers that came without one: these are valid."""
    nothing = pl.lit(None, pl.String)
    return [
        records.select(raw=nothing, value=field, reason=nothing)
        .select(phone_keys())
        .to_series()
        .alias(f"{field}_key")
        for field in ("phone", "phone_2")
        if field in records.columns and f"{field}_key" not in records.columns
    ]


def _is_among(contact: str, texts: pl.Series, digests: frozenset[str]) -> pl.Series:
    """Which of these texts are known by one of the digests; equal ones are looked at once."""
    found = [text for text in texts.drop_nulls().unique() if digest_of(contact, text) in digests]
    return texts.is_in(found).fill_null(value=False)
