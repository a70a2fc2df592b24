"""Measure Touchstone beside a reference, and print tables; docs/benchmarks.md explains them."""

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also where nothing is installed

from contacts import measure_emails, measure_phones
from materials import (
    MEASURED_SEED,
    REFERENCE,
    Customers,
    find_shared,
    make_customers,
    make_rules,
)
from meter import BenchError, Cost, aside
from nights import ROOT, Run, copy_snapshot, counters, first_night, night, reference, score_pairs
from report import Results, write_report

PARTS = ("full", "increment", "quiet", "contacts", "five")
NEW_RECORDS = 10_000
FIVE_MILLION = 5_000_000


@dataclass
class Bench:
    """What the parts share."""

    shared: Path
    work: Path
    rules: Path
    records: int
    runs: int
    firsts: list[Run] = field(default_factory=list)
    """The first nights so far."""

    @cached_property
    def customers(self) -> Customers:
        """The file that is measured; made when a part needs it."""
        return make_customers(self.shared, self.work, MEASURED_SEED, self.records, NEW_RECORDS)

    @property
    def first(self) -> Path:
        """The data folder of the last first night."""
        return self.work / "first"

    @property
    def second(self) -> Path:
        """The data folder of the last second night."""
        return self.work / "second"


def main() -> int:
    """Measure what was asked for."""
    arguments = _arguments()
    _clear_environment(arguments.work)
    try:
        results = _measure(arguments)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(write_report(results))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Touchstone beside a reference.")
    parser.add_argument("--records", type=int, default=1_000_000, help="of the first night")
    parser.add_argument("--runs", type=int, default=3, help="the median of how many (3)")
    parser.add_argument(
        "--shared",
        type=Path,
        default=Path(os.environ.get("TOUCHSTONE_BENCH", "../shared/bench")),
        help="the folder with the generator and the reference (TOUCHSTONE_BENCH)",
    )
    parser.add_argument("--work", type=Path, default=ROOT / "bench-data", help="all goes here")
    parser.add_argument(
        "--only", type=_parts, default=PARTS[:4], help=f"parts, by commas: {','.join(PARTS)}"
    )
    return parser.parse_args()


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}")
    return parts


def _clear_environment(work: Path) -> None:
    """Measure the defaults, on nobody's data, with bytecode kept as it is on any machine."""
    for name in [name for name in os.environ if name.startswith("TOUCHSTONE_")]:
        del os.environ[name]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(work.resolve() / "bytecode")


def _measure(arguments: argparse.Namespace) -> Results:
    """Measure part by part; each is kept in results.json as soon as it is known."""
    shared, work = find_shared(arguments.shared), arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    parts: dict[str, Callable[[Bench], dict[str, Any]]] = {
        "full": _full,
        "increment": _increment,
        "quiet": _quiet,
        "contacts": _contacts,
        "five": _five,
    }
    bench = Bench(shared, work, work / "rules", arguments.records, arguments.runs)
    if set(arguments.only) != {"contacts"}:
        _tell("learning a model from other customers")
        make_rules(shared, work, bench.records)
    results: Results = {"circumstances": _circumstances()}
    for name in [name for name in parts if name in arguments.only]:
        results[name] = parts[name](bench)
        text = json.dumps(results, indent=1) + "\n"
        (work / "results.json").write_text(text, encoding="utf-8")
    return results


def _full(bench: Bench) -> dict[str, Any]:
    """First nights and the reference in turn, on the same file."""
    made, theirs = bench.customers, []
    script, log = bench.shared / REFERENCE, bench.work / "reference.log"
    for _ in range(bench.runs):
        _run_first(bench)
        _tell("the reference")
        theirs.append(reference(script, made.folder, made.records, log))
    return {
        "records": made.records,
        "runs": bench.runs,
        "ours": _middle(bench.firsts),
        "score": asdict(aside(score_pairs, _crosswalk(bench.first), made.first_truth)),
        "reference": {**_middle([run for run, _ in theirs]), "score": asdict(theirs[-1][1])},
    }


def _increment(bench: Bench) -> dict[str, Any]:
    """Second nights, each on a copy of the last first night's data folder."""
    runs = []
    for _ in range(bench.runs):
        _start_second(bench)
        _tell("a second night")
        log, delivery = bench.work / "second.log", bench.customers.second
        runs.append(night(bench.second, bench.rules, log, 2, delivery))
    return {
        "records": bench.customers.records,
        "new_records": NEW_RECORDS,
        "runs": bench.runs,
        "first": _with_copy(bench, bench.firsts, bench.first),
        "second": _with_copy(bench, runs, bench.second),
        "score": asdict(aside(score_pairs, _crosswalk(bench.second), bench.customers.truth)),
    }


def _quiet(bench: Bench) -> dict[str, Any]:
    """Nights with nothing new, after the last second night if there was one."""
    if not bench.second.exists():
        _start_second(bench)
    runs = []
    for number in range(bench.runs):
        _tell("a night with nothing new")
        runs.append(night(bench.second, bench.rules, bench.work / "quiet.log", 3 + number))
    return {
        "records": bench.customers.records,
        "runs": bench.runs,
        "night": _middle(runs),
        "counters": counters(bench.second),
    }


def _contacts(_: Bench) -> dict[str, Any]:
    """Phones and e-mails by themselves."""
    _tell("phones and e-mails")
    return {
        "phones": asdict(aside(measure_phones)),
        "e-mails": asdict(aside(measure_emails)),
    }


def _five(bench: Bench) -> dict[str, Any]:
    """A first night of five million records, once."""
    made = make_customers(bench.shared, bench.work, MEASURED_SEED, FIVE_MILLION)
    _tell(f"a first night of {FIVE_MILLION:,}")
    data = bench.work / "five"
    whole = first_night(data, bench.rules, made.first, bench.work / "five.log")
    score = aside(score_pairs, _crosswalk(data), made.first_truth)
    shutil.rmtree(data)
    return {"records": FIVE_MILLION, "night": _middle([whole]), "score": asdict(score)}


def _run_first(bench: Bench) -> None:
    delivery = bench.customers.first
    _tell(f"a first night of {bench.customers.records:,}")
    log = bench.work / "first.log"
    bench.firsts.append(first_night(bench.first, bench.rules, delivery, log))
    shutil.rmtree(bench.second, ignore_errors=True)


def _start_second(bench: Bench) -> None:
    """A copy of the data folder as a first night left it."""
    if not bench.firsts:
        _run_first(bench)
    shutil.rmtree(bench.second, ignore_errors=True)
    shutil.copytree(bench.first, bench.second, symlinks=True)


def _with_copy(bench: Bench, runs: list[Run], data: Path) -> dict[str, Any]:
    """The middle of these runs, and what is left of it without making the snapshot."""
    copy = median(aside(copy_snapshot, data, bench.work / "copy") for _ in range(bench.runs))
    middle = _middle(runs)
    whole, publish = middle["cpu_seconds"], middle["stages"]["publish"]["cpu_seconds"]
    return {
        **middle,
        "copy": copy,
        "without_copy": whole - copy,
        "without_publish": whole - publish,
    }


def _middle(runs: list[Run]) -> dict[str, Any]:
    """Median seconds and highest memory of some runs, whole and by stage."""
    stages = {name: [run.stages[name] for run in runs] for name in runs[0].stages}
    return {
        **asdict(_middle_cost([run.cost for run in runs])),
        "each": [run.cost.cpu_seconds for run in runs],
        "stages": {name: asdict(_middle_cost(costs)) for name, costs in stages.items()},
    }


def _middle_cost(costs: list[Cost]) -> Cost:
    return Cost(
        median(cost.cpu_seconds for cost in costs),
        median(cost.seconds for cost in costs),
        max(cost.peak_mb for cost in costs),
    )


def _crosswalk(data: Path) -> Path:
    return data / "published" / "current" / "crosswalk.parquet"


def _circumstances() -> dict[str, Any]:
    """On what, with what and when this was measured."""
    libraries = ("polars", "duckdb", "splink", "phonenumbers", "email-validator")
    return {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in libraries},
    }


def _tell(doing: str) -> None:
    print(f"bench: {doing} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
