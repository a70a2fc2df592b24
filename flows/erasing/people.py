"""Find in the warehouse what is held on the records that are to be erased."""

from typing import NamedTuple

import polars as pl

from rules.lookups import Lookups
from store.warehouse import Warehouse
from transforms.erasure import PHONES
from transforms.standardise.contact_keys import FEWEST
from transforms.standardise.keys import record_keys
from transforms.standardise.person_numbers import bare_number

_DOMAINS = " union ".join(
    f"select split_part({email}, '@', 2) as domain from {{of}} where {email} is not null"
    for email in ("email", "email_2")
)


class People(NamedTuple):
    """The records that are to be erased, and all that they say or ever said."""

    records: pl.DataFrame
    """record_number, source, source_key."""
    versions: pl.DataFrame
    """number, the standardised values and the keys they are compared by."""
    emails: pl.Series
    """Keys of addresses that nobody else has."""
    sought: pl.DataFrame
    """text (in lower case), kind (email, phone or key), is_own: whether nobody else has it. A
    person's number is looked for as a phone is, by its digits, or with its letters as an address.
    """

    @property
    def numbers(self) -> pl.DataFrame:
        """The record numbers."""
        return self.records.select("record_number")


def read_people(warehouse: Warehouse, numbers: pl.Series, lookups: Lookups) -> People:
    """All that is held on the records of these numbers."""
    named = numbers.alias("record_number").to_frame()
    records = warehouse.read(
        "select record_number, source, source_key from ingest.records semi join named "
        "using (record_number) order by record_number",
        named=named,
    )
    texts = warehouse.read(
        "select * from std.records semi join named using (record_number)", named=named
    )
    versions = record_keys(texts, lookups).with_columns(number=pl.col("record_number"))
    emails = _values(versions, ("email", "email_2"), "email")
    phones = _values(versions, PHONES, "phone")
    numbers_said = _numbers(versions)
    others = _of_others(warehouse, named, emails, phones, numbers_said)
    is_own = ~pl.col("text").is_in(others.implode())
    keys = records.select(text=pl.col("source_key").str.to_lowercase(), kind=pl.lit("key"))
    keys = keys.filter(pl.col("text").str.len_chars() >= 5).unique()
    sought = (
        pl.concat([emails, phones, numbers_said, keys])
        .unique(["text", "kind"])
        .with_columns(is_own=is_own)
    )
    return People(records, versions, _own_keys(versions, sought), sought)


def own_domains(warehouse: Warehouse, people: People) -> pl.Series:
    """The domains of addresses that nobody else has any address at."""
    return warehouse.read(
        f"""
        select domain from ({_DOMAINS.format(of="mine")})
        except select domain from (
            {_DOMAINS.format(of="(from std.records anti join mine using (record_number))")})""",
        mine=people.versions.select("record_number", "email", "email_2"),
    ).to_series()


def own_terms(warehouse: Warehouse, people: People, lookups: Lookups) -> pl.Series:
    """Keys of names and places that nobody else has."""
    terms = ("first_key", "last_key", "city_key")
    mine = pl.concat([people.versions[term] for term in terms]).drop_nulls().unique()
    if mine.is_empty():
        return mine
    numbers = people.numbers
    rest = warehouse.read(
        "select distinct first_name, last_name, city from std.records "
        "anti join numbers using (record_number)",
        numbers=numbers,
    )
    missing = ("middle_name", "company", "email", "email_2", "address", "postcode", "country")
    rest = rest.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
    keyed = record_keys(rest, lookups)
    theirs = pl.concat([keyed[term] for term in terms]).unique()
    return mine.filter(~mine.is_in(theirs.implode()))


def _values(versions: pl.DataFrame, columns: tuple[str, ...], kind: str) -> pl.DataFrame:
    """Every contact value of a kind once: text, kind."""
    found = pl.concat([versions[column].cast(pl.String) for column in columns])
    texts = found.drop_nulls().str.to_lowercase().unique()
    return texts.alias("text").to_frame().with_columns(kind=pl.lit(kind))


def _numbers(versions: pl.DataFrame) -> pl.DataFrame:
    """Every person's number once, as `_values`; one of a few digits is anywhere, and left out."""
    bare = versions.select(text=bare_number(pl.col("person_number")).str.to_lowercase())
    is_digits = pl.col("text").str.contains("^[0-9]+$")
    told = bare.drop_nulls().unique().filter(pl.col("text").str.len_chars() >= FEWEST)
    kind = pl.when(is_digits).then(pl.lit("phone")).otherwise(pl.lit("email"))
    return told.with_columns(kind=kind)


def _of_others(
    warehouse: Warehouse,
    named: pl.DataFrame,
    emails: pl.DataFrame,
    phones: pl.DataFrame,
    numbers: pl.DataFrame,
) -> pl.Series:
    """Those of these values that other records have too."""
    found = " union ".join(
        f"select {column} as text from rest where {column} in (select text from {wanted})"
        for column, wanted in (
            ("email", "emails"),
            ("email_2", "emails"),
            ("phone_key", "phones"),
            ("phone_2_key", "phones"),
            ("lower(split_part(person_number, ':', -1))", "numbers"),
        )
    )
    return warehouse.read(
        f"with rest as (from std.records anti join named using (record_number)) {found}",
        named=named,
        emails=emails,
        phones=phones,
        numbers=numbers,
    ).to_series()


def _own_keys(addresses: pl.DataFrame, sought: pl.DataFrame) -> pl.Series:
    """The keys of addresses that nobody else has."""
    own = sought.filter(pl.col("is_own"), kind="email")["text"]
    both = pl.concat(
        [
            addresses.select(email="email", key="email_key"),
            addresses.select(email="email_2", key="email_2_key"),
        ]
    )
    return both.filter(pl.col("email").is_in(own.implode()))["key"].drop_nulls().unique()
