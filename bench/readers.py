"""Measure what reading and taking in a delivery cost beside plain `polars.read_*` of the same file.

    bench/readers.py [--records N] [--runs N] [--shared DIR] [--work DIR] [--only csv,parquet]

Each measurement has a process of its own, in which everything is imported before the clock starts.
"""

import argparse
import os
import resource
import shutil
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also where nothing is installed

import polars as pl
from materials import find_shared, make_customers
from meter import aside

from rules.feed import Format

ROOT = Path(__file__).resolve().parents[1]
SEED = 11
MOST_XLSX = 100_000
"""A sheet of more rows tells nothing else and takes minutes."""


class Sample(NamedTuple):
    """A file to measure with."""

    label: str
    format: Format
    path: Path
    rows: int


class Used(NamedTuple):
    """What one measurement cost."""

    cpu_seconds: float
    peak_mb: int


def main() -> None:
    """Measure what was asked for, and print the table of docs/benchmarks.md."""
    arguments = _arguments()
    work: Path = arguments.work.resolve()
    customers = make_customers(find_shared(arguments.shared), work, SEED, arguments.records)
    samples = aside(make_samples, customers.first, work / "readers", arguments.records)
    rows = []
    for sample in samples:
        if not arguments.only or sample.format in arguments.only:
            rows.append(_row(sample, work / "readers", arguments.runs))
            print(" | ".join(rows[-1]), flush=True)
    print(_table(rows))


def make_samples(source: Path, folder: Path, count: int) -> list[Sample]:
    """The same customers in each format, once."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = pl.read_parquet(source)
    quoted = rows.with_columns(pl.col("address") + ", Flat 2")
    few = rows.head(MOST_XLSX)
    drafts: list[tuple[str, Format, str, int, Callable[[Path], object]]] = [
        ("CSV", "csv", "plain.csv", rows.height, rows.write_csv),
        ("CSV, a cell of each row quoted", "csv", "quoted.csv", rows.height, quoted.write_csv),
        ("Parquet", "parquet", "plain.parquet", rows.height, rows.write_parquet),
        ("NDJSON", "ndjson", "plain.jsonl", rows.height, rows.write_ndjson),
        ("XLSX", "xlsx", "plain.xlsx", few.height, few.write_excel),
    ]
    samples = []
    for label, kind, name, height, write in drafts:
        path = folder / f"{count}_{name}"
        if not path.exists():
            write(path)
        samples.append(Sample(label, kind, path, height))
    return samples


def plain(sample: Sample) -> Used:
    """The library alone, as one would call it."""
    call: Callable[[Path], pl.DataFrame] = {
        "csv": lambda path: pl.read_csv(path, infer_schema_length=10_000),
        "parquet": pl.read_parquet,
        "ndjson": pl.read_ndjson,
        "xlsx": pl.read_excel,
    }[sample.format]
    return _measured(lambda: call(sample.path).height, sample.rows)


def reading(sample: Sample) -> Used:
    """Our reader: rows of text, each of them sound, and the others with their reasons."""
    from rules.feed import ReadRule
    from rules.limits import Limits
    from store.readers import read_parts

    rule = ReadRule(format=sample.format, path="*")

    def read() -> int:
        return sum(part.row_count for part in read_parts(sample.path, rule, Limits(), _NAMES))

    return _measured(read, sample.rows)


def taking_in(sample: Sample, work: Path) -> Used:
    """From the inbox to the end of the stage ingest: kept, read, told apart, written."""
    from flows.beginning import prepare
    from flows.line import open_warehouse, perform
    from store.settings import Settings

    settings = _settings(sample, work)
    assert isinstance(settings, Settings)

    def take_in() -> int:
        run = prepare(settings, datetime(2026, 11, 1, 2, 15, tzinfo=UTC)).run
        with open_warehouse(run) as warehouse:
            return perform(run, "ingest", warehouse)["rows"]

    return _measured(take_in, sample.rows)


_NAMES = ("record_id", "first_name", "last_name", "dob", "email", "phone", "address", "postcode")
_HEADER = (
    "",
    "rows",
    "MB",
    "plain, CPU s",
    "reading, CPU s",
    "ratio",
    "taking in, CPU s",
    "rows / CPU s: plain",
    "reading",
    "taking in",
    "MB / CPU s: plain",
    "reading",
    "taking in",
    "peak MiB: plain",
    "reading",
)


def _measured(work: Callable[[], int], expected: int) -> Used:
    pl.read_csv(b"a,b\n1,2\n")  # whatever a library does once in its life
    before = resource.getrusage(resource.RUSAGE_SELF)
    count = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    if count != expected:
        raise AssertionError(f"{count} rows, not {expected}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Used(cpu, after.ru_maxrss // 1024)


def _settings(sample: Sample, work: Path) -> object:
    from store.settings import Settings

    data, rules = work / "data", work / "rules"
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(rules, ignore_errors=True)
    shutil.copytree(ROOT / "rules", rules, ignore=shutil.ignore_patterns("*.py", "feeds"))
    feed = (ROOT / "bench" / "feed" / "feed.toml").read_text(encoding="utf-8")
    (rules / "feeds" / "crm").mkdir(parents=True)
    (rules / "feeds" / "crm" / "feed.toml").write_text(
        feed.replace('"parquet"', f'"{sample.format}"').replace("*.parquet", "*"), encoding="utf-8"
    )
    (data / "inbox" / "crm").mkdir(parents=True)
    shutil.copyfile(sample.path, data / "inbox" / "crm" / sample.path.name)
    return Settings(data=data, rules=rules)


def _table(rows: list[list[str]]) -> str:
    lines = [list(_HEADER), ["---", *["---:"] * (len(_HEADER) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(sample: Sample, work: Path, runs: int) -> list[str]:
    """The ways take turns, so that what else the machine does falls on all of them."""
    taken = [
        (aside(plain, sample), aside(reading, sample), aside(taking_in, sample, work))
        for _ in range(runs)
    ]
    ways = list(zip(*taken, strict=True))
    cpu = [statistics.median(one.cpu_seconds for one in way) for way in ways]
    peaks = [max(one.peak_mb for one in way) for way in ways]
    size = sample.path.stat().st_size / 1e6
    return [
        sample.label,
        f"{sample.rows:,}",
        f"{size:,.0f}",
        f"{cpu[0]:.2f}",
        f"{cpu[1]:.2f}",
        f"{cpu[1] / cpu[0]:.1f}",
        f"{cpu[2]:.2f}",
        *(f"{sample.rows / one:,.0f}" for one in cpu),
        *(f"{size / one:,.0f}" for one in cpu),
        *(f"{one:,}" for one in peaks[:2]),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the readers.")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", type=lambda text: text.split(","), default=[])
    parser.add_argument(
        "--shared",
        type=Path,
        default=Path(os.environ.get("TOUCHSTONE_BENCH", "../shared/bench")),
        help="the folder with the generator (TOUCHSTONE_BENCH)",
    )
    parser.add_argument("--work", type=Path, default=ROOT / "bench-data")
    return parser.parse_args()


if __name__ == "__main__":
    main()
