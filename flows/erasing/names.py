"""Let the customers of whom something is left keep their names when a record of theirs goes."""

from collections.abc import Iterable

import polars as pl

from rules.erasure import Erasure, Heir, OldName
from store.golden import Golden
from store.warehouse import Warehouse
from transforms.classify import ARRIVALS
from transforms.identify import customer_id

_TOUCHED = """
    select x.record_number, x.founder, x.record_number in (from numbers) as is_erased
    from cluster.crosswalk x
    where x.founder in (
        select founder from cluster.crosswalk where record_number in (from numbers))"""


def whole_customers(warehouse: Warehouse, numbers: pl.DataFrame) -> tuple[str, ...]:
    """The customers of whom nothing is left."""
    gone = warehouse.read(
        f"select founder from ({_TOUCHED}) group by founder having bool_and(is_erased) "
        "order by founder",
        numbers=numbers,
    )
    return tuple(gone.select(customer_id(pl.col("founder"))).to_series())


def heirs_of(
    warehouse: Warehouse, numbers: pl.DataFrame, erasures: Iterable[Erasure]
) -> tuple[Heir, ...]:
    """The earliest record that is left of each customer whose founder goes."""
    left = warehouse.read(
        f"select founder, min(record_number) as record_number from ({_TOUCHED}) "
        "where not is_erased group by founder order by founder",
        numbers=numbers,
    )
    gone = set(numbers["record_number"])
    carried = {
        heir.founder
        for erasure in erasures
        for heir in erasure.heirs
        if heir.record_number not in gone and not _is_struck(warehouse, heir.record_number)
    }
    return tuple(
        Heir(record_number=record, founder=founder)
        for founder, record in left.select("founder", "record_number").iter_rows()
        if founder != record and founder not in carried and not _is_there(warehouse, founder, gone)
    )


def old_names_of(
    warehouse: Warehouse, golden: Golden, numbers: pl.DataFrame
) -> tuple[OldName, ...]:
    """The names that customers of whom something is left had before, by records that are left."""
    touched = warehouse.read(_TOUCHED, numbers=numbers)
    left = (
        touched.filter(~pl.col("is_erased"))
        .group_by("founder")
        .agg(heir=pl.col("record_number").min())
    )
    names = golden.read(
        "select r.founder, l.heir, r.old_customer_id, r.run_id, r.why from redirects r "
        "join heirs l using (founder) order by r.old_customer_id",
        heirs=left,
    )
    gone = set(numbers["record_number"])
    found = []
    for _, heir, old, run_id, why in names.iter_rows():
        number = _number(old)
        if number not in gone:
            there = _is_there(warehouse, number, gone)
            record = number if there else heir
            found.append(
                OldName(old=number, record_number=record, run_number=int(run_id[1:]), why=why)
            )
    return tuple(found)


def all_heirs(erasures: Iterable[Erasure]) -> pl.DataFrame:
    """Who carries on whose name: record_number, founder."""
    rows = [(heir.record_number, heir.founder) for one in erasures for heir in one.heirs]
    schema = {"record_number": pl.Int64, "founder": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").unique(
        "record_number", keep="last", maintain_order=True
    )


def all_old_names(erasures: Iterable[Erasure]) -> pl.DataFrame:
    """Names that are remembered: old, record_number, run_number, why."""
    rows = [
        (name.old, name.record_number, name.run_number, name.why)
        for one in erasures
        for name in one.old_names
    ]
    schema = {"old": pl.Int64, "record_number": pl.Int64, "run_number": pl.Int64, "why": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row").unique(
        "old", keep="last", maintain_order=True
    )


def _is_there(warehouse: Warehouse, number: int, gone: set[int]) -> bool:
    """Whether a record of this number is kept after the erasure."""
    return number not in gone and not _is_struck(warehouse, number)


def _is_struck(warehouse: Warehouse, number: int) -> bool:
    query = f"select count(*) from ingest.records where record_number = {int(number)}"
    return warehouse.one(query) == 0


def _number(name: str) -> int:
    """The record by which a customer was named: C3-417 is 3 000 000 417."""
    delivery, _, row = name[1:].partition("-")
    return int(delivery) * ARRIVALS + int(row)
