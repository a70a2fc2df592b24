"""Put each hostile file of a manifest through the line, beside a good one, and judge what came.

    bench/hostile.py --shared DIR [--work DIR] [--only NAME,NAME] [--together]

Each file has a night of its own in a process of its own, so that its seconds and its memory are
its own. `--together` also runs one night with all of them, twice.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also where nothing is installed

import duckdb
import polars as pl
from meter import BenchError, Cost, run

ROOT = Path(__file__).resolve().parents[1]
FEEDS = Path(__file__).resolve().parent / "hostile"
MOST_MB, MOST_SECONDS = 2048, 60
CONTROL = (
    "external_id,first_name,last_name,email,phone,date_of_birth,address,city,postcode,country\n"
    "OK1,Ann,Good,ann.good@mail.example.org,+442079460001,1980-02-03,1 High St,London,N2 1AB,GB\n"
)


class Verdict(NamedTuple):
    """What came of one file."""

    file: str
    outcome: dict[str, Any]
    said: str
    cost: Cost
    problems: list[str]


def main() -> int:
    """Judge what was asked for; 1 if any file did not behave."""
    arguments = _arguments()
    folder, work = arguments.shared / "hostile", arguments.work.resolve()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    entries = [
        one for one in manifest["files"] if not arguments.only or one["file"] in arguments.only
    ]
    rules = _make_rules(work)
    verdicts = [judge(folder, entry, rules, work) for entry in entries]
    for verdict in verdicts:
        print(_line(verdict), flush=True)
    if arguments.together:
        print(_together(folder, entries, rules, work))
    bad = [one.file for one in verdicts if one.problems]
    print(
        f"{len(verdicts) - len(bad)} of {len(verdicts)} behave." + (f" Not: {bad}" if bad else "")
    )
    return 1 if bad else 0


def judge(folder: Path, entry: dict[str, Any], rules: Path, work: Path) -> Verdict:
    """One night with this file and a good one."""
    data = work / "data"
    shutil.rmtree(data, ignore_errors=True)
    _deliver(folder, entry["file"], data)
    (data / "inbox" / "control").mkdir(parents=True)
    (data / "inbox" / "control" / "good.csv").write_text(CONTROL, encoding="utf-8")
    try:
        cost = _night(data, rules, work)
    except BenchError as error:
        return Verdict(entry["file"], {}, "", Cost(0, 0, 0), [f"the night failed: {error}"])
    cost = Cost(cost.cpu_seconds, cost.seconds, max([cost.peak_mb, *_stage_peaks(data)]))
    outcome, said = _outcome(data, entry["file"])
    return Verdict(entry["file"], outcome, said, cost, _problems(entry, outcome, cost, data))


def _stage_peaks(data: Path) -> list[int]:
    """The most memory of each stage: the line resets the kernel's mark as each begins."""
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as con:
        return [row[0] for row in con.sql("select peak_mb from ledger.steps").fetchall()]


def _problems(entry: dict[str, Any], outcome: dict[str, Any], cost: Cost, data: Path) -> list[str]:
    found = []
    if outcome not in entry["allowed_outcomes"]:
        found.append(f"allowed are {entry['allowed_outcomes'][:3]}")
    if cost.peak_mb > MOST_MB:
        found.append(f"{cost.peak_mb} MiB")
    if cost.seconds > MOST_SECONDS:
        found.append(f"{cost.seconds:.0f} s")
    published = data / "published" / "current"
    if (
        not pl.read_parquet(published / "crosswalk.parquet")["record_id"]
        .is_in(["control:OK1"])
        .any()
    ):
        found.append("the good file was not loaded")
    if list(data.parent.rglob("PWNED*")):
        found.append("a command of the file's name was run")
    texts = [str(pl.read_parquet(path).rows()) for path in published.glob("*.parquet")]
    if any("CANARY" in text for text in texts):
        found.append("an external entity was read")
    return found


def _outcome(data: Path, name: str) -> tuple[dict[str, Any], str]:
    """What the published tables say of the delivery, in the manifest's words."""
    published = data / "published" / "current"
    deliveries = pl.read_parquet(published / "deliveries.parquet").filter(
        pl.col("source") != "control"
    )
    if deliveries.is_empty():
        return {"ignored": True}, "no delivery"
    row = deliveries.row(0, named=True)
    if not row["file_name"].endswith(f"/{name}"):
        return {}, f"another name: {row['file_name']}"
    if row["state"] != "taken_in":
        return {"refused": True}, row["reason"]
    rejected = row["quarantined_count"] + _late_rejects(published, row)
    return {"accepted": row["row_count"] - rejected, "rejected": rejected}, "; ".join(row["notes"])


def _late_rejects(published: Path, row: dict[str, Any]) -> int:
    """Rows in quarantine by a check, which come on top of those that could not be read."""
    quarantine = pl.read_parquet(published / "quarantine.parquet").filter(
        pl.col("delivery_id") == row["delivery_id"]
    )
    return quarantine.height - row["quarantined_count"]


def _together(folder: Path, entries: list[dict[str, Any]], rules: Path, work: Path) -> str:
    """All files in one night; then the same files again, which must change nothing."""
    data = work / "data"
    shutil.rmtree(data, ignore_errors=True)
    for entry in entries:
        _deliver(folder, entry["file"], data)
    first = _night(data, rules, work)
    before = _tables(data)
    for entry in entries:
        _deliver(folder, entry["file"], data)
    _night(data, rules, work)
    differing = [name for name, table in _tables(data).items() if not table.equals(before[name])]
    return (
        f"together   {first.seconds:.0f} s, {first.peak_mb} MiB; "
        f"delivered twice: {'nothing changes' if not differing else f'{differing} change'}"
    )


def _tables(data: Path) -> dict[str, pl.DataFrame]:
    published = data / "published" / "current"
    names = ("customers", "crosswalk", "contact_points", "history", "quarantine", "deliveries")
    tables = {name: pl.read_parquet(published / f"{name}.parquet") for name in names}
    return {name: table.sort(table.columns[:3]) for name, table in tables.items()}


def _deliver(folder: Path, name: str, data: Path) -> None:
    target = data / "inbox" / _feed_of(name)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / name, target / name)


def _feed_of(name: str) -> str:
    if name.startswith("partner_beta"):
        return "hostile_json"
    kinds = {".jsonl": "ndjson", ".xlsx": "xlsx", ".parquet": "parquet"}
    return f"hostile_{kinds.get(Path(name).suffix, 'csv')}"


def _night(data: Path, rules: Path, work: Path) -> Cost:
    words = [sys.executable, "-m", "flows.cli", "nightly", "--json"]
    return run([*words, "--data", str(data), "--rules", str(rules)], ROOT, work / "night.log")


def _make_rules(work: Path) -> Path:
    rules = work / "rules"
    shutil.rmtree(rules, ignore_errors=True)
    shutil.copytree(ROOT / "rules", rules, ignore=shutil.ignore_patterns("*.py", "feeds"))
    shutil.copytree(FEEDS, rules / "feeds")
    return rules


def _line(verdict: Verdict) -> str:
    what = " ".join(f"{name}={count}" for name, count in verdict.outcome.items())
    told = f"{'ok ' if not verdict.problems else 'BAD'} {verdict.file!r:36} {what:26}"
    cost = f"{verdict.cost.seconds:5.1f} s {verdict.cost.peak_mb:5d} MiB"
    return f"{told} {cost}  {verdict.said} {' | '.join(verdict.problems)}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Judge what becomes of hostile files.")
    parser.add_argument(
        "--shared",
        type=Path,
        default=Path(os.environ.get("TOUCHSTONE_BENCH", "../shared/bench")),
        help="the folder with hostile/ and its manifest (TOUCHSTONE_BENCH)",
    )
    parser.add_argument("--work", type=Path, default=ROOT / "bench-data" / "hostile")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[])
    parser.add_argument("--together", action="store_true", help="all in one night, twice")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
