"""Lay out what people search by, one sorted table of words, and what the scorecard sums up.

It is made once for a snapshot.

A word is a part of a name, an e-mail address, a phone number, a person's number or a source's key,
folded by the same transforms as records are, and stands with the record that says it. So a search
finds a customer by what is in the reader's scope and by nothing else.
"""

from contextlib import closing
from functools import partial

import polars as pl

from steward.aside import LONG_SECONDS, STANDS_BACK, Aside, lay_out_aside
from store.beside import NAME as NAME_OF_FILE
from store.laid_out import laid_out
from store.marts import channel_effectiveness, data_decay
from store.opened import Snapshot
from store.reading import Snapshots
from store.settings import Settings
from transforms.standardise.contact_keys import DIALLED
from transforms.standardise.fold import fold_text
from transforms.standardise.person_numbers import FIELD

NAME, EMAIL, PHONE, KEY, NUMBER = "n:", "e:", "p:", "k:", "d:"
"""What the words of each kind begin with."""

_NAMES = ("first_name", "middle_name", "last_name", "company")
_ROW = ("founder", "record_number", "campaign", "source", "seen")

_FEW = pl.col("campaign", "source").cast(pl.Categorical)
"""Kept as numbers, since they are few."""


def prepare(snapshot: Snapshot) -> None:
    """Make what a search reads, unless it is there."""
    snapshot.keep("people", "founder, record_number", _people, is_lasting=True)
    snapshot.keep("entries", "word, founder", _entries, is_lasting=True)
    snapshot.keep("contested", "founder", _contested, is_lasting=True)
    snapshot.keep("places", "source, campaign", _places, is_lasting=True)
    snapshot.keep("channels", "source, campaign, week", _channels, is_lasting=True)
    snapshot.keep("ages", "source, campaign, years", _ages, is_lasting=True)
    snapshot.settled()


def lay_out(settings: Settings, run_id: str) -> None:
    """Make it of the snapshot of a run, and leave it beside that."""
    snapshots = Snapshots(settings, lambda: int(run_id[1:]))
    with closing(snapshots), snapshots.reading() as snapshot:
        prepare(snapshot)


def lay_out_elsewhere(settings: Settings, run_id: str) -> None:
    """The same in a process that stands back behind all others, unless none is to be started."""
    is_there = laid_out(settings, run_id).path(NAME_OF_FILE).exists()
    if settings.match_processes and not is_there:
        make = partial(partial, lay_out, settings)
        lay_out_aside(Aside[str, None](make, LONG_SECONDS, STANDS_BACK), run_id)


def _people(snapshot: Snapshot) -> pl.DataFrame:
    """One row per record: where it is from, when it last came, and what of a customer it says."""
    people = snapshot.frame(
        """
        select r.founder, r.record_number, r.campaign, r.source, r.received_at::date as seen,
            r.is_active, coalesce(r.last_name, r.first_name, r.company) is not null as has_name,
            coalesce(r.email, r.phone) is not null as has_contact,
            v.founder is not null as is_verified
        from records r left join (
            select distinct r.founder, r.record_number from records r join contact_values c
            on c.founder = r.founder and c.verification = 'valid'
            and c.value in (r.email, r.email_2, r.phone, r.phone_2)
        ) v using (founder, record_number)"""
    )
    return people.with_columns(_FEW)


def _places(snapshot: Snapshot) -> pl.DataFrame:
    """One row per source and campaign that any record has."""
    return snapshot.frame("select distinct source, campaign from crosswalk")


def _entries(snapshot: Snapshot) -> pl.DataFrame:
    """One row per word of a record."""
    has_numbers = FIELD in snapshot.frame("select * from records limit 0").columns
    records = snapshot.frame(
        f"""
        select founder, record_number, campaign, source, received_at::date as seen, source_key,
            email, email_2, phone, phone_2, {FIELD if has_numbers else f"null::varchar as {FIELD}"},
            {", ".join(_NAMES)}
        from records"""
    )
    names = [
        _words(records, NAME, fold_text(pl.col(name)).str.split(" ")).explode("word")
        for name in _NAMES
    ]
    emails = [_words(records, EMAIL, pl.col(name)) for name in ("email", "email_2")]
    phones = [_words(records, PHONE, dialled(pl.col(name))) for name in ("phone", "phone_2")]
    keys = _words(records, KEY, pl.col("source_key").str.to_lowercase())
    numbers = _words(records, NUMBER, pl.col(FIELD))
    found = pl.concat([*names, *emails, *phones, keys, numbers])
    return found.with_columns(_FEW)


def _channels(snapshot: Snapshot) -> pl.DataFrame:
    """What came of the records of each source, campaign and week."""
    fields = snapshot.frame("select * from golden_values limit 0").columns
    return snapshot.frame(channel_effectiveness(fields))


def _ages(snapshot: Snapshot) -> pl.DataFrame:
    """How many records of each source and campaign are how old."""
    return snapshot.frame(data_decay(beside="r.campaign, "))


def _words(records: pl.DataFrame, kind: str, word: pl.Expr) -> pl.DataFrame:
    said = records.select(word.alias("word"), *_ROW).filter(pl.col("word").is_not_null())
    if said.schema["word"] == pl.List(pl.String):
        spelt = pl.col("word").list.eval(pl.lit(kind) + pl.element())
        return said.with_columns(word=spelt)
    return said.with_columns(word=pl.lit(kind) + pl.col("word"))


def dialled(phone: pl.Expr) -> pl.Expr:
    """The digits of a number by which numbers are found, with a country code or without."""
    return phone.str.replace_all("[^0-9]", "").str.slice(-DIALLED)


def _contested(snapshot: Snapshot) -> pl.DataFrame:
    """One row per conflict: its customer, and where both sides are from."""
    return snapshot.frame(
        """
        select c.founder, a.campaign, a.source, b.campaign as rival_campaign,
            b.source as rival_source
        from conflicts c join crosswalk a using (record_number)
        join crosswalk b on b.record_number = c.rival_record"""
    )
