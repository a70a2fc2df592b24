"""Work out what records are compared by, from their standardised values.

The keys are not kept with the records. They follow from the values and the lookups alone, and
a night compares few records: to work them out for those costs less than to write them for all.
"""

import polars as pl

from rules.lookups import Lookups
from transforms.standardise.addresses import KEYS as ADDRESS_KEYS
from transforms.standardise.addresses import address_keys
from transforms.standardise.companies import company_keys
from transforms.standardise.contact_keys import email_keys, email_parts
from transforms.standardise.names import name_keys

MADE_OF = (
    "first_name",
    "middle_name",
    "last_name",
    "company",
    "email",
    "email_2",
    "address",
    "city",
    "postcode",
    "country",
)
"""The standardised fields that the keys are made of."""

KEYS = (
    *ADDRESS_KEYS,
    "first_key",
    "middle_key",
    "last_key",
    "first_root",
    "first_phonetic",
    "first_others",
    "last_phonetic",
    "company_key",
    "email_key",
    "email_2_key",
    "email_local",
    "email_domain",
)
"""What records are compared by, besides values that are compared as they are."""

_TOGETHER = 250_000
"""Records whose keys are worked out at once; it bounds the memory."""


def record_keys(records: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    """Add the keys to standardised records, which have the fields `MADE_OF`."""
    parts = list(records.iter_slices(_TOGETHER)) or [records]
    return pl.concat([_with_keys(part, lookups) for part in parts])


def _with_keys(records: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    keyed = name_keys(address_keys(records, lookups), lookups).drop("initial")
    local, domain = email_parts(keyed["email"])
    return keyed.with_columns(
        company_key=company_keys(keyed["company"], lookups),
        email_key=email_keys(keyed["email"]),
        email_2_key=email_keys(keyed["email_2"]),
        email_local=local,
        email_domain=domain,
    )
