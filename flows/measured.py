"""Find the records of a snapshot that a truth file speaks of."""

from typing import NamedTuple

import duckdb
import polars as pl

from store.errors import TouchstoneError

_ON_RECORDS = """
    with named as (
        select t.entity, t.source is null and t.file is null as is_bare,
            coalesce(t.record_id, t.source || ':' || t.source_key) as record_id,
            d.delivery_number * 1000000000 + t.row_number as record_number
        from truth t left join deliveries d on d.file_name = t.file and d.state = 'taken_in'),
    lone as (
        select source_key, any_value(record_number) as record_number from crosswalk
        group by source_key having count(*) = 1),
    found as (
        select n.entity, coalesce(a.record_number, b.record_number, l.record_number) as record
        from named n left join crosswalk a on a.record_id = n.record_id
        left join crosswalk b on b.record_number = n.record_number and n.record_id is null
        left join lone l on l.source_key = n.record_id and n.is_bare)
    select f.entity, f.record, x.customer_id as cluster, x.source, d.channel
    from found f left join crosswalk x on x.record_number = f.record
    left join deliveries d on d.delivery_number = f.record // 1000000000"""
"""Truth rows with the record they mean. A file with record ids alone may give bare source keys."""


class Measured(NamedTuple):
    """The records that both sides know, and what could not be measured."""

    members: pl.DataFrame
    """record, cluster, entity, source, channel"""
    unknown_rows: int
    contradicted: int
    unlabelled: int


def find_members(con: duckdb.DuckDBPyConnection, truth: pl.DataFrame) -> Measured:
    """The records of an open snapshot with who they are by `truth`."""
    con.register("truth", truth.to_arrow())
    found = con.sql(_ON_RECORDS).pl()
    record_count = con.sql("select count(*) from crosswalk").fetchall()[0][0]
    known = found.drop_nulls("cluster")
    if known.is_empty():
        raise TouchstoneError(
            "No row of the truth names a record of this snapshot; compare its record_id, or its "
            'file and row_number, with `touchstone query "select * from crosswalk"`.'
        )
    is_one = pl.col("entity").n_unique().over("record") == 1
    members = known.filter(is_one).unique("record", keep="first", maintain_order=True)
    contradicted = known.filter(~is_one)["record"].n_unique()
    return Measured(
        members,
        found.height - known.height,
        contradicted,
        record_count - members.height - contradicted,
    )
