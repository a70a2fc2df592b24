"""Tell by what a person is known again, and take erased records out of what was decided.

A row is the person's when a contact value, or the person's number, and the name in it are. Names
are compared by what they are short for, and an initial stands for a name; with an address the last
name is enough where there is no other. An address that nobody else has is the person's
without a name too. A hint is a mark in the text as it came, so that only rows with one
need be standardised.
"""

from collections.abc import Callable
from typing import Any

import polars as pl

from transforms.standardise.contact_keys import DIALLED, FEWEST, email_keys
from transforms.standardise.contact_lists import split_contacts
from transforms.standardise.emails import bare_address
from transforms.standardise.person_numbers import bare_number, person_numbers

EMAILS, PHONES = ("email_key", "email_2_key"), ("phone_key", "phone_2_key")
CONSENTS = ("consent_email", "consent_phone", "consent_post")
DIRECT = frozenset({"web_form", "direct_entry"})
"""Channels in which the person speaks, and not somebody about them."""

ERASED = "erased"
_SEPARATOR = "\x1f"


def contact_hints(rows: pl.DataFrame) -> pl.DataFrame:
    """The hints in rows of text with our columns: row_number, hint."""
    rows = split_contacts(rows)
    email = bare_address(pl.col("email")).str.to_lowercase()
    digits = (
        pl.col("phone")
        .str.replace(r"\.0+$", "")
        .str.replace(r"(?i)[ ,;]*(?:ext(?:n|ension)?|x|#)[.:]? *[0-9]{1,6}$", "")
        .str.replace_all("[^0-9]", "")
    )
    found = [pl.DataFrame(schema={"row_number": pl.Int64, "hint": pl.String})]
    for kind, told in (("email", email), ("phone", _tail(digits))):
        for column in (kind, f"{kind}_2"):
            if column in rows.columns:
                text = rows.select(pl.col(column).alias(kind)).select(told).to_series()
                text = email_keys(text) if kind == "email" else text
                found.append(rows.select("row_number", hint=kind + _SEPARATOR + text).drop_nulls())
    if "person_number" in rows.columns:
        number = bare_number(pl.col("person_number"))
        read = rows.select("row_number", person_numbers(rows["person_number"], None))
        hint = pl.lit("number" + _SEPARATOR) + number
        found.append(read.select("row_number", hint=hint).drop_nulls())
    return pl.concat(found)


def known_by(records: pl.DataFrame, *, widely: bool) -> pl.DataFrame:
    """By what records are known again: number, text.

    records: number and the keys of standardised records. `widely` tells all by which the person of
    a record may be known in another one; otherwise what a record itself says.
    """
    first, last = pl.col("first_root"), pl.col("last_key")
    initial = first.str.slice(0, 1)
    names = [_name(first, last), _name(initial, last)] if widely else [_name(first, last)]
    nameless = [_name(pl.lit(""), last)] if widely else []
    found = [pl.DataFrame(schema={"number": records.schema["number"], "text": pl.String})]
    contacts = {contact: pl.col(contact) for contact in (*EMAILS, *PHONES)}
    if "person_number" in records.columns:
        contacts["person_number"] = bare_number(pl.col("person_number"))
    for contact, value in contacts.items():
        for name in [*names, *(nameless if contact in EMAILS else [])]:
            text = pl.concat_str(pl.lit("who"), value, name, separator=_SEPARATOR)
            found.append(records.select("number", text=text))
    return pl.concat(found).drop_nulls().unique().sort(pl.all())


def known_by_email(records: pl.DataFrame, emails: pl.Series | None) -> pl.DataFrame:
    """Each address as a text that identifies alone: number, text; of `emails` only, if given."""
    found = pl.concat(records.select("number", email=column) for column in EMAILS).drop_nulls()
    if emails is not None:
        found = found.filter(pl.col("email").is_in(emails.implode()))
    text = pl.concat_str(pl.lit("mail"), "email", separator=_SEPARATOR)
    return found.select("number", text=text).unique().sort(pl.all())


def is_consented(erased_at: pl.Expr) -> pl.Expr:
    """Whether a record says yes to some channel, at a time after the erasure."""
    said_yes = pl.any_horizontal(pl.col(name) == "true" for name in CONSENTS)
    return (said_yes & (pl.col("updated_at") > erased_at)).fill_null(value=False)


def strike_out(
    subject: dict[str, Any], token: Callable[[str], str | None], *, is_void: bool
) -> dict[str, Any]:
    """A decision's subject without erased records; `Any` is whatever JSON can hold.

    `token` gives what stands in the place of an erased record. A void decision keeps its form and
    has no effect: nothing is called what its records are called then.
    """

    def name(record: str) -> str:
        if record.startswith(f"~{ERASED}:"):
            return record
        return token(record) or (f"~{ERASED}:void" if is_void else record)

    struck = dict(subject)
    if "records" in subject:
        struck["records"] = sorted({name(record) for record in subject["records"]})
    if "groups" in subject:
        groups = [sorted({name(record) for record in group}) for group in subject["groups"]]
        struck["groups"] = sorted(groups)
    if "record_id" in subject:
        struck["record_id"] = name(subject["record_id"])
    if is_void:
        plain = {"records", "groups", "record_id", "field", "sha256"}
        struck |= {key: _void(value) for key, value in subject.items() if key not in plain}
    return struck


def _void(value: Any) -> Any:  # whatever JSON can hold
    """The same shape with no text in it."""
    if isinstance(value, str):
        return ERASED
    if isinstance(value, list):
        return [_void(part) for part in value]
    if isinstance(value, dict):
        return {key: _void(part) for key, part in value.items()}
    return value


def _name(first: pl.Expr, last: pl.Expr) -> pl.Expr:
    return pl.concat_str(first.fill_null(""), last, separator=_SEPARATOR)


def _tail(digits: pl.Expr) -> pl.Expr:
    """The last digits of a number, as few as any spelling has; of too few, none."""
    return pl.when(digits.str.len_chars() >= FEWEST).then(digits.str.slice(-min(FEWEST, DIALLED)))
