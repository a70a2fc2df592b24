"""Run Touchstone's nights and the reference, and read what they cost and how good they were."""

import json
import resource
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from meter import BenchError, Cost, run

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """One run, ours or the reference's: what it cost, whole and by stage."""

    cost: Cost
    stages: dict[str, Cost]


@dataclass(frozen=True)
class Score:
    """Pairwise: of the pairs made, how many are right; of the right ones, how many are made."""

    precision: float
    recall: float
    f1: float


def touchstone(*words: str, log: Path) -> Cost:
    """Run a command of this checkout."""
    return run([sys.executable, "-m", "flows.cli", *words], ROOT, log)


def first_night(data: Path, rules: Path, delivery: Path, log: Path) -> Run:
    """Run a night on one delivery, in an empty data folder."""
    shutil.rmtree(data, ignore_errors=True)
    return night(data, rules, log, 1, delivery)


def night(data: Path, rules: Path, log: Path, day: int, delivery: Path | None = None) -> Run:
    """Run a night with this delivery in the inbox, or with nothing new."""
    if delivery is not None:
        inbox = data / "inbox" / "crm"
        inbox.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(delivery, inbox / f"night_{day}.parquet")
    places = ["--data", str(data), "--rules", str(rules)]
    cost = touchstone("nightly", *places, "--now", f"2026-11-{day:02d}T02:15+00:00", log=log)
    return _with_stages(cost, _steps(data))


def counters(data: Path) -> dict[str, int]:
    """What the last run did, as it is published in `runs`."""
    runs = pl.read_parquet(data / "published" / "current" / "runs.parquet").sort("run_id")
    names = ["deliveries", "rows", "values_parsed", "pairs_scored", "golden_rows_written"]
    return dict(runs.select(names).row(-1, named=True))


def reference(script: Path, folder: Path, count: int, log: Path) -> tuple[Run, Score]:
    """Run the reference on the same file, for what it says of itself.

    Its CPU is the sum of its own phases: what it takes to score itself is left out.
    """
    whole = run([sys.executable, str(script), str(count)], folder, log)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said: list[dict[str, Any]] = [json.loads(line) for line in lines if line.startswith("{")]
    phases = {line["phase"]: line for line in said if "phase" in line}
    total = phases.pop("TOTAL", None)
    score = next((line for line in said if "F1" in line), None)
    if total is None or score is None:
        raise BenchError(f"The reference did not say its total and its F1; see {log}.")
    stages = {
        name: Cost(phase["cpu"], phase["wall"], int(phase["rss_mb"]))
        for name, phase in phases.items()
    }
    cost = Cost(total["cpu"], total["wall"], whole.peak_mb)
    return _with_stages(cost, stages), Score(score["P"], score["R"], score["F1"])


def score_pairs(crosswalk: Path, truth: Path) -> Score:
    """Compare customers with who is who; a record that is in no customer is one by itself."""
    key = pl.col("record_id").cast(pl.String)
    found = pl.scan_parquet(crosswalk).select("customer_id", record_id="source_key")
    records = (
        pl.scan_parquet(truth)
        .select("entity_id", record_id=key)
        .join(found, on="record_id", how="left")
        .with_columns(pl.col("customer_id").fill_null(pl.col("record_id")))
        .collect()
    )
    right = _count_pairs(records, "customer_id", "entity_id")
    precision = right / _count_pairs(records, "customer_id")
    recall = right / _count_pairs(records, "entity_id")
    return Score(precision, recall, 2 * precision * recall / (precision + recall))


def copy_snapshot(data: Path, scratch: Path) -> float:
    """CPU seconds of copying the golden tables into a snapshot, and of nothing else."""
    from store.settings import Settings
    from store.snapshot import publish

    settings = Settings(data=scratch)
    began = resource.getrusage(resource.RUSAGE_SELF)
    publish(data / "golden.duckdb", settings, "R0001")
    ended = resource.getrusage(resource.RUSAGE_SELF)
    shutil.rmtree(scratch)
    return ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime


def _with_stages(cost: Cost, stages: dict[str, Cost]) -> Run:
    """Both begin their mark of the most memory anew with each stage: take the highest mark."""
    peak = max(cost.peak_mb, *(stage.peak_mb for stage in stages.values()))
    return Run(Cost(cost.cpu_seconds, cost.seconds, peak), stages)


def _steps(data: Path) -> dict[str, Cost]:
    """What the run's ledger says of each stage of the last run."""
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as con:
        rows = con.sql(
            """
            select stage, cpu_seconds, seconds, peak_mb from ledger.steps
            where run_id = (select max(run_id) from ledger.runs) order by finished_at"""
        ).fetchall()
    return {stage: Cost(cpu, wall, peak) for stage, cpu, wall, peak in rows}


def _count_pairs(records: pl.DataFrame, *by: str) -> int:
    sizes = records.group_by(by).agg(n=pl.len().cast(pl.Int64))
    return int(sizes.select((pl.col("n") * (pl.col("n") - 1) // 2).sum()).item())
