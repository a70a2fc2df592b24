"""Find which records somebody means who asks for an erasure."""

import re
from typing import NamedTuple

import polars as pl

from flows.erasing.plan import Where
from rules.erasure import Erasure
from store.erasures import Digests, Erasures, key_text
from store.errors import TouchstoneError
from transforms.classify import ARRIVALS

_CUSTOMER = re.compile(r"C([0-9]{1,9})-([0-9]{1,9})")


class Meant(NamedTuple):
    """What an id stands for."""

    numbers: pl.Series
    """The records; none where all of them were erased before."""
    erased: Erasure | None
    """The erasure that took them, when they are gone."""


def records_meant(where: Where, asked: str, *, only: bool) -> Meant:
    """The records of a customer, of the customer that a record belongs to, or the record alone."""
    number = _record(where, asked) if ":" in asked else None
    if number is not None:
        found = [number] if only else _of_customer(where, _founder(where, number), number)
        return _meant(found)
    founder = None if ":" in asked else _customer(where, asked)
    if founder is not None:
        return _meant(_of_customer(where, founder, None))
    for erasure in Erasures(where.settings.raw).all():
        if _took(where, erasure, asked):
            return Meant(pl.Series(dtype=pl.Int64), erasure)
    raise TouchstoneError(
        f"There is no {'record' if ':' in asked else 'customer'} {asked}, and nobody of that name "
        "was erased; give a customer_id such as C3-417, or a record_id such as web:ws_101."
    )


def _meant(numbers: list[int]) -> Meant:
    return Meant(pl.Series(sorted(set(numbers)), dtype=pl.Int64), None)


def _record(where: Where, record_id: str) -> int | None:
    source, _, key = record_id.partition(":")
    found = where.warehouse.read(
        "select r.record_number from ingest.records r join named using (source, source_key)",
        named=pl.DataFrame({"source": [source], "source_key": [key]}),
    )
    return int(found.item()) if found.height else None


def _founder(where: Where, number: int) -> int:
    found = where.warehouse.one(
        f"select max(founder) from cluster.crosswalk where record_number = {number}"
    )
    return found or number


def _customer(where: Where, asked: str) -> int | None:
    """The founder of the customer with this id, or that this id leads to."""
    found = where.golden.read(
        "select founder from redirects where old_customer_id = (select asked from named)",
        named=pl.DataFrame({"asked": [asked]}),
    )
    if found.height:
        return int(found["founder"][0])
    named = _CUSTOMER.fullmatch(asked)
    if named is None:
        return None
    founder = int(named[1]) * ARRIVALS + int(named[2])
    is_there = f"select count(*) from cluster.crosswalk where founder = {founder}"
    return founder if where.warehouse.one(is_there) else None


def _of_customer(where: Where, founder: int, number: int | None) -> list[int]:
    """All records of a customer, also the withdrawn; and one that may be in quarantine alone."""
    found = where.warehouse.read(
        f"select record_number from cluster.crosswalk where founder = {founder}"
    )["record_number"].to_list()
    return found if number is None else [*found, number]


def _took(where: Where, erasure: Erasure, asked: str) -> bool:
    if ":" not in asked:
        return asked in erasure.customers
    source, _, key = asked.partition(":")
    digests = Digests(Erasures(where.settings.raw).key(), where.warehouse)
    return digests.one(key_text(source, key)) in erasure.keys
