"""A plain Splink model, as its tutorial would have it, on records that were standardised well."""

from typing import Any

import duckdb
import polars as pl
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.clustering import cluster_pairwise_predictions_at_threshold

COLUMNS = ("first_key", "last_key", "birth_date", "email", "phone", "postcode_key", "city_key")
SEED = 1


def plain_clusters(records: pl.DataFrame, threshold: float = 0.95) -> pl.DataFrame:
    """Which cluster each record is in: record, cluster."""
    used = [name for name in COLUMNS if records[name].null_count() < records.height]
    columns = [pl.col("record_number").alias("unique_id"), *used]
    frame = records.select(columns).with_columns(pl.col(pl.Date).dt.to_string())
    con = duckdb.connect()
    con.execute("set enable_progress_bar = false")
    con.register("given", frame.to_arrow())
    con.execute("create table records as from given")
    api = DuckDBAPI(con)
    table = api.register(con.table("records"), dataset_display_name="customers")
    linker = Linker(table, _settings(used), log_level=None)
    linker.training.estimate_probability_two_random_records_match(
        [block_on(*pair) for pair in _pairs(used)[:2]], recall=0.7
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=SEED)
    for pair in _pairs(used)[:2]:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*pair))
    pairs = linker.inference.predict(threshold_match_probability=0.5, warning_mode="never")
    clusters = cluster_pairwise_predictions_at_threshold(
        table,
        pairs,
        api,
        node_id_column_name="unique_id",
        threshold_match_probability=threshold,
    )
    found: pl.DataFrame = con.sql(f"select * from {clusters.physical_name}").pl()
    con.close()
    return found.select(record=pl.col("unique_id").cast(pl.Int64), cluster="cluster_id")


def _settings(used: list[str]) -> Any:
    """What Splink wants (`Any`: its own type)."""
    compared = {
        "first_key": cl.NameComparison("first_key"),
        "last_key": cl.NameComparison("last_key"),
        "birth_date": cl.DamerauLevenshteinAtThresholds("birth_date", [1, 2]),
        "email": cl.JaroWinklerAtThresholds("email", [0.92]),
        "phone": cl.DamerauLevenshteinAtThresholds("phone", [1]),
        "postcode_key": cl.ExactMatch("postcode_key"),
        "city_key": cl.ExactMatch("city_key").configure(term_frequency_adjustments=True),
    }
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="unique_id",
        comparisons=[compared[name] for name in used],
        blocking_rules_to_generate_predictions=[block_on(*pair) for pair in _pairs(used)],
    )


def _pairs(used: list[str]) -> list[tuple[str, ...]]:
    wanted: list[tuple[str, ...]] = [
        ("first_key", "last_key"),
        ("last_key", "birth_date"),
        ("first_key", "birth_date"),
        ("email",),
        ("phone",),
        ("last_key", "postcode_key"),
    ]
    return [pair for pair in wanted if set(pair) <= set(used)]
