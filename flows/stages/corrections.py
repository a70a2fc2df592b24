"""Tell what persons said of rows in quarantine, and what came of it."""

import polars as pl

from flows.run import Run
from store.warehouse import Warehouse

_NAMES = ("title", "first_name", "middle_name", "last_name", "suffix", "company")
_MAKES = {
    "full_name": _NAMES,
    "first_name": ("title", "first_name", "middle_name"),
    "last_name": ("last_name", "suffix"),
    "email_2": ("email", "email_2"),
    "phone_2": ("phone", "phone_2"),
    "address": ("address", "city", "region", "postcode"),
    "address_line1": ("address", "postcode"),
    "address_line2": ("address", "postcode"),
    "house_number": ("address",),
}
"""What may come of a field; of any other it is the field itself."""

_CELL = ["delivery_id", "row_number", "field"]


def tell_corrections(run: Run, warehouse: Warehouse) -> pl.DataFrame:
    """As the published table has them: one row per corrected field and value that came of it."""
    said = run.said.corrections
    if said.is_empty():
        return pl.DataFrame()
    told = run.decisions.select("decision_id", "decided_by", "decided_at", "because")
    cells = warehouse.read(_STATES, said=said, told=told)
    made = _with_values(cells, warehouse)
    rest = cells.join(made, on=_CELL, how="anti")
    return pl.concat([made, rest], how="diagonal").drop("arrival").sort(*_CELL, "golden_field")


def _with_values(cells: pl.DataFrame, warehouse: Warehouse) -> pl.DataFrame:
    """The fields that made a value, with each value that came of them."""
    applied = cells.filter(state="applied")
    makes = [
        (field, golden)
        for field in applied["field"].unique()
        for golden in _MAKES.get(field, (field,))
    ]
    reach = pl.DataFrame(
        makes, schema={"field": pl.String, "golden_field": pl.String}, orient="row"
    )
    records = warehouse.read(
        "select * from std.records semi join applied using (arrival)",
        applied=applied.select("arrival").unique(),
    )
    values = records.select("arrival", pl.exclude("arrival").cast(pl.String)).unpivot(
        index="arrival", variable_name="golden_field", value_name="golden_value"
    )
    return (
        applied.join(reach, on="field")
        .join(values, on=["arrival", "golden_field"])
        .drop_nulls("golden_value")
    )


_STATES = """
select d.source, c.sha256 as delivery_id, c.row_number, a.arrival,
    r.source || ':' || r.source_key as record_id, c.field, c.value,
    t.decided_by, t.decided_at, t.because, c.decision_id,
    case when a.arrival is null then 'outdated' when q.arrival is not null then 'failing'
        else 'applied' end as state
from said c join told t using (decision_id)
left join ingest.deliveries d on d.delivery_id = c.sha256
left join (select distinct arrival from ingest.corrections) a
    on a.arrival = d.delivery_number * 1000000000 + c.row_number
left join ingest.versions v on v.arrival = a.arrival
left join ingest.records r on r.record_number = v.record_number
left join quarantine.records q on q.arrival = a.arrival"""
