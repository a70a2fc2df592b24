"""Verify e-mail addresses by their form; whether a domain takes mail is another question.

The authority is `email_validator`, which also refuses the names that are reserved for tests
and local networks, such as `.test` and `localhost`; `example.com` it takes. An address of
plain ASCII stands or falls with its domain, so each distinct domain is asked once; any other
address is asked whole. Both ways give the same answer, and a test compares them.

What surrounds an address is taken off first: blanks, the `Ann Lee <` and `>` or the `mailto:`
of a mail program, and the comma or full stop of a sentence or a list.
"""

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import email_validator
import polars as pl
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email


class Verdict(NamedTuple):
    """What is known of an address."""

    value: str | None
    """The whole address in lower case, its domain in Unicode; null unless valid."""
    verification: str
    """valid or invalid."""
    reason: str | None
    """no_at_sign, too_long, bad_local_part, special_use_domain or bad_domain."""
    domain: str | None
    """The part after the @ of `value`."""


def verify_emails(values: pl.DataFrame) -> pl.DataFrame:
    """Add the fields of `Verdict` to `raw`, row by row.

    A null `raw` is missing, not invalid, and has no verdict.
    """
    rows = values.select("raw").with_row_index("row")
    texts = rows.drop_nulls().select("row", address=bare_address(pl.col("raw")))
    settled = _settle(texts)
    asked = _ask_library(texts.join(settled, on="row", how="anti"))
    verdicts = pl.concat([settled, asked])
    return rows.join(verdicts, on="row", how="left", maintain_order="left").drop("row")


def email_library_version() -> str:
    """Name the rules, kept beside each verdict: newer ones verify all again."""
    return email_validator.__version__


def bare_address(raw: pl.Expr) -> pl.Expr:
    """Take off what surrounds an address; nothing inside it is changed."""
    bracketed = raw.str.replace(r"^[^<>]*<([^<>]*)>[\s.,;:]*$", "${1}")
    return (
        bracketed.str.replace(r"(?i)^\s*mailto:", "")
        .str.replace(r"[\s.,;:]+$", "")
        .str.strip_chars()
    )


def ask_library(address: str) -> Verdict:
    """Take the library's word for one bare address."""
    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return Verdict(None, "invalid", _refusal_reason(address), None)
    value = unicodedata.normalize("NFC", found.normalized.lower())
    return Verdict(value, "valid", None, value.rpartition("@")[2])


def _refusal_reason(address: str) -> str:
    """Find the part at fault; the library tells it in sentences, which may change."""
    local, at, domain = address.partition("@")
    above, _, top = domain.rpartition(".")
    if not at:
        return "no_at_sign"
    if len(address.encode()) > _MOST_BYTES:
        return "too_long"
    if not _is_valid(f"{local}@a.co"):
        return "bad_local_part"
    is_special = top.lower() in SPECIAL_USE_DOMAIN_NAMES and _is_valid(f"a@{above}.com")
    return "special_use_domain" if is_special else "bad_domain"


def _is_valid(address: str) -> bool:
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


_MOST_BYTES = 254
"""The library's limit for an address."""

_DOMAINS_HELD = 20_000
"""Domains whose verdict is held in memory: few have most of the addresses."""

_SURELY_SHORT = 200
"""Below this no limit but that of a domain's labels can matter."""

_ATOM = r"[A-Za-z0-9_!#$%&'*+/=?^`{|}~-]+"
_PLAIN = rf"^{_ATOM}(?:\.{_ATOM})*@[!-?A-~]+$"


def _settle(texts: pl.DataFrame) -> pl.DataFrame:
    """Judge plain ASCII addresses by their domains; the others are left out."""
    address = pl.col("address")
    is_plain = address.str.contains(_PLAIN) & (address.str.len_bytes() <= _SURELY_SHORT)
    plain = texts.filter(is_plain).with_columns(address.str.to_lowercase())
    plain = plain.with_columns(name=address.str.replace("^[^@]*@", ""))
    is_valid = pl.col("verification") == "valid"
    return plain.join(_judge_names(plain["name"].unique()), on="name").select(
        "row", pl.when(is_valid).then("address").alias("value"), "verification", "reason", "domain"
    )


def _judge_names(names: pl.Series) -> pl.DataFrame:
    """Judge domain names; one that the library would write differently is left out."""
    verdicts = [_judge_name(name) for name in names]
    known = _frame(verdicts).with_columns(names.alias("name")).drop("value")
    return known.filter(pl.col("domain").is_null() | (pl.col("domain") == pl.col("name")))


@lru_cache(maxsize=_DOMAINS_HELD)
def _judge_name(name: str) -> Verdict:
    return ask_library(f"a@{name}")


def _ask_library(texts: pl.DataFrame) -> pl.DataFrame:
    addresses = texts["address"].unique()
    known = _frame([ask_library(address) for address in addresses])
    return texts.join(known.with_columns(addresses), on="address").drop("address")


def _frame(verdicts: list[Verdict]) -> pl.DataFrame:
    return pl.DataFrame(verdicts, schema=dict.fromkeys(Verdict._fields, pl.String), orient="row")
