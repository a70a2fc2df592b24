"""Tell of a run in the published tables: its row in `runs`, and in `metrics` what stages did."""

import polars as pl

from flows.run import Run
from store.golden import Golden
from store.warehouse import Warehouse


def tell_run(run: Run, warehouse: Warehouse, golden: Golden) -> None:
    """Write what the run counted and took so far; told again, it takes the place of what was."""
    golden.execute(f"delete from runs where run_id = '{run.run_id}'")
    golden.insert("runs", _run_row(run, warehouse, golden))
    golden.execute(f"delete from metrics where run_id = '{run.run_id}'")
    golden.insert("metrics", _metrics(run, warehouse, golden))
    _tell_publishing(run, warehouse, golden)


def _run_row(run: Run, warehouse: Warehouse, golden: Golden) -> pl.DataFrame:
    """The run's row, its steps read once."""
    counts = "".join(
        f", coalesce(sum(cast(counts->>'{key}' as bigint)), 0) as {name}"
        for name, key in {
            "deliveries": "deliveries",
            "rows": "rows",
            "values_parsed": "values_parsed",
            "pairs_scored": "pairs_scored",
            "golden_rows_written": "golden_rows",
        }.items()
    )
    row = warehouse.read(
        f"""
        select run_id, kind, now, started_at, current_timestamp as finished_at, model, spent.*
        from ledger.runs, (
            select sum(seconds) as seconds, sum(cpu_seconds) as cpu_seconds{counts}
            from ledger.steps where run_id = '{run.run_id}') spent
        where run_id = '{run.run_id}'"""
    )
    customers = golden.one("select count(*) from golden_values")
    return row.with_columns(customers=pl.lit(customers, pl.Int64))


def _tell_publishing(run: Run, warehouse: Warehouse, golden: Golden) -> None:
    """What publishing cost the run before: its own tables were written before that was known."""
    spent = warehouse.read(
        f"""
        unpivot (select run_id, stage as field, seconds, cpu_seconds, peak_mb::double as peak_mb
            from ledger.steps where stage = 'publish' and run_id = (
                select max(run_id) from ledger.steps
                where stage = 'publish' and run_id < '{run.run_id}'))
        on seconds, cpu_seconds, peak_mb into name measure value value"""
    )
    golden.execute(
        "delete from metrics where field = 'publish' and run_id in (select run_id from spent)",
        spent=spent,
    )
    golden.insert("metrics", spent.with_columns(source=pl.lit(None, pl.String)))


def _completeness(run: Run, warehouse: Warehouse, golden: Golden) -> pl.DataFrame:
    """Per source and field the share of records that have it; as before where no record changed."""
    touched = "select count(*) from (from change.versions union all from change.records)"
    if not (run.is_rebuild or run.changed or warehouse.one(touched)):
        told = golden.read(
            f"""
            select source, field, value from metrics where measure = 'completeness' and run_id = (
                select max(run_id) from metrics
                where measure = 'completeness' and run_id < '{run.run_id}')"""
        )
        if not told.is_empty():
            return told
    columns = warehouse.read("select * from std.records limit 0").columns
    fields = [name for name in run.rulebook.survivorship.names() if name in columns]
    filled = ", ".join(f"count(s.{name})::double / count(*) as {name}" for name in fields)
    return warehouse.read(
        f"""
        select v.source, {filled} from valid.records v join std.records s on s.arrival = v.arrival
        group by v.source"""
    ).unpivot(index="source", variable_name="field")


def _metrics(run: Run, warehouse: Warehouse, golden: Golden) -> pl.DataFrame:
    """How complete the sources are, and per stage what it counted and took."""
    counted = warehouse.read(
        f"""
        select field, measure, cast(counts->>measure as double) as value from (
            select stage as field, unnest(json_keys(counts)) as measure, counts from ledger.steps
            where run_id = '{run.run_id}')"""
    )
    spent = warehouse.read(
        f"""
        unpivot (select stage as field, seconds, cpu_seconds, peak_mb::double as peak_mb
            from ledger.steps where run_id = '{run.run_id}')
        on seconds, cpu_seconds, peak_mb into name measure value value"""
    )
    return pl.concat(
        [
            _completeness(run, warehouse, golden).with_columns(measure=pl.lit("completeness")),
            counted.with_columns(source=pl.lit(None, pl.String)),
            spent.with_columns(source=pl.lit(None, pl.String)),
        ],
        how="diagonal",
    ).with_columns(run_id=pl.lit(run.run_id))
