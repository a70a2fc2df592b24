"""Measure each night how far matching has drifted from its model, and warn by name past a limit.

The measures are rows of the published `metrics`; a night in which nothing changed measures nothing.
"""

import duckdb
import polars as pl

from flows.run import Run
from rules.matching import Matching
from store.golden import Golden
from store.rulebook import Rulebook
from store.warehouse import Warehouse
from transforms.drift import best_columns, level_shares, level_shift, unlinkable_share
from transforms.strata import weight_sql

MEASURES = {
    "growth": "there are {value:.1f} times the records that the prior of the model was learnt "
    "from, so it links too easily; run `touchstone train --refresh`",
    "smallness": "the prior of the model was learnt from {value:.0f} times the records that there "
    "are, so it links too little; run `touchstone train --refresh`",
    "unseen": "the model came with Touchstone and has not seen these {value:,.0f} records; run "
    "`touchstone train`, or `touchstone train --refresh` where most of them have all that is "
    "compared, and read its report",
    "review_share": "{value:.0%} of the pairs that look alike are asked about; `touchstone "
    "evaluate` says what other thresholds would cost",
    "level_shift": "links answer {field} otherwise than when the model was trained ({value:.2f}); "
    "look at what the feeds send now, or run `touchstone train`",
    "unlinkable_share": "{value:.0%} of the records say too little to be linked to anything; look "
    "at `completeness` in the table metrics for what a feed stopped sending",
    "largest_customer": 'one customer stands on {value:,.0f} records; `touchstone query "select '
    'customer_id, record_count from customers order by 2 desc limit 5"` names it, `touchstone '
    "explain` says why",
    "pairs_per_record": "{value:.1f} pairs are kept for each record; `touchstone blocking` says "
    "which rule finds them",
}
"""What each measure of drift means to whoever must do something about it."""

_MANY = 200_000
"""Of more records than this a part says as much as the whole."""


def measure_drift(run: Run, warehouse: Warehouse, golden: Golden) -> pl.DataFrame:
    """The rows for `metrics`: field, measure, value; none where nothing changed."""
    rules = run.rulebook.matching
    rows: list[tuple[str, str, float]] = []
    touched = "select count(*) from (from change.customers union all from change.pairs)"
    if run.is_rebuild or run.changed or warehouse.one(touched):
        records = warehouse.one("select count(*) from match.keys")
        if records >= max(rules.drift.least_records, 1):
            rows = _measure(run, warehouse, golden, records)
    schema = {"field": pl.String, "measure": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(run_id=pl.lit(run.run_id))


def link_levels(source: Warehouse, table: str, prior: float, rules: Matching) -> pl.DataFrame:
    """How many pairs from the review band on show which levels: is_link, level_…, count."""
    levels = ", ".join(f"level_{name}" for name in rules.comparisons)
    return source.read(
        f"""
        select match_weight >= {rules.thresholds.link} as is_link, {levels}, count(*) as count
        from (select {levels}, {weight_sql(prior)} as match_weight from {table}
            where evidence >= {rules.thresholds.review - prior})
        where match_weight >= {rules.thresholds.review} group by all"""
    )


def read_drift(
    con: duckdb.DuckDBPyConnection, rulebook: Rulebook, until: str | None = None
) -> list[str]:
    """What the newest run that measured found past its limit, one sentence each, by name.

    until: the run after which nothing is looked at; none: the last.
    """
    found = con.execute(
        """
        select field, measure, value from metrics where run_id = (
            select max(run_id) from metrics where measure = 'largest_customer'
            and run_id <= coalesce(?, run_id))
        order by measure, field""",
        [until],
    ).fetchall()
    limits = rulebook.matching.drift.model_dump()
    return [
        f"{measure}: {MEASURES[measure].format(value=value, field=field.replace('_', ' '))} "
        f"(the limit is {limits[measure]:g})."
        for field, measure, value in found
        if measure in MEASURES and value > limits[measure]
    ]


def _measure(
    run: Run, warehouse: Warehouse, golden: Golden, records: int
) -> list[tuple[str, str, float]]:
    rules, model = run.rulebook.matching, run.rulebook.model
    found = link_levels(warehouse, "match.pairs", model.manifest.prior, rules)
    links = found.filter("is_link")
    unsure = float(found.filter(~pl.col("is_link"))["count"].sum())
    presence = _presence(warehouse, rules, records)
    measured = {
        "growth": records / model.manifest.record_count,
        "smallness": model.manifest.record_count / records,
        "unseen": 0.0 if model.manifest.first_received else float(records),
        "review_share": unsure / max(unsure + float(links["count"].sum()), 1.0),
        "unlinkable_share": unlinkable_share(presence, model.settings, model.manifest.prior, rules),
        "largest_customer": float(golden.one("select max(record_count) from golden_values")),
        "pairs_per_record": 2 * warehouse.one("select count(*) from match.pairs") / records,
    }
    shares = level_shares(links, rules)
    shifts = [
        (name, "level_shift", level_shift(trained, shares[name]))
        for name, trained in model.manifest.levels.items()
        if len(trained) == len(shares.get(name, ()))
    ]
    return [*(("match", name, value) for name, value in measured.items()), *shifts]


def _presence(warehouse: Warehouse, rules: Matching, records: int) -> pl.DataFrame:
    """How many records have what the best level of each comparison needs; of many, a sixteenth."""
    drawn = "" if records < _MANY else "where hash(v.record_number) % 16 = 0"
    kept = set(warehouse.read("from std.records limit 0").columns)
    columns = ", ".join(
        f"{f's.{column} is not null' if column in kept else 'true'} as {name}"
        for name, column in best_columns(rules).items()
    )
    return warehouse.read(
        f"""
        select {columns}, count(*) as count
        from valid.records v join std.records s on s.arrival = v.arrival {drawn} group by all"""
    )
