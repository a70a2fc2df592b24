"""Measure what it takes to keep records: disk by night, backup, restore, erasure.

It works on a copy of a data folder that `bench/run.py` left, and prints tables for
docs/benchmarks.md. Disk is what files really take, each file once however many names it has.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also where nothing is installed

import duckdb
import polars as pl
from meter import BenchError, Cost
from nights import touchstone

PARTS = ("nights", "restore", "erase")
OTHERS = 2_000_000
"""From here on keys are nobody's: people of another file become new ones."""
NEW_RECORDS = 10_000


@dataclass(frozen=True)
class Kept:
    """A data folder in which nights are run."""

    data: Path
    rules: Path
    log: Path

    def run(self, command: str, *words: str) -> Cost:
        """Run a command on it."""
        places = ["--data", str(self.data), "--rules", str(self.rules)]
        return touchstone(command, *places, *words, log=self.log)

    def disk(self) -> dict[str, int]:
        """Bytes on the disk by what lies directly below the folder."""
        seen: set[int] = set()
        return {
            path.name: sum(_blocks(path, seen))
            for path in sorted(self.data.iterdir(), key=lambda path: path.name)
        }


def main() -> int:
    """Measure what was asked for."""
    arguments = _arguments()
    kept = Kept(arguments.work / "data", arguments.rules, arguments.work / "keeping.log")
    try:
        if not kept.data.exists():
            shutil.copytree(arguments.first, kept.data, symlinks=True)
        if "nights" in arguments.only:
            _nights(kept, arguments.others, arguments.nights)
        if "restore" in arguments.only:
            _restore(kept, arguments.work)
        if "erase" in arguments.only:
            _erase(kept)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what it takes to keep records.")
    parser.add_argument("first", type=Path, help="a data folder after its first night; is copied")
    parser.add_argument("--rules", type=Path, required=True, help="the rules of that night")
    parser.add_argument("--others", type=Path, help="Parquet of other people, for new nights")
    parser.add_argument("--nights", type=int, default=8, help="every second one is quiet (8)")
    parser.add_argument("--work", type=Path, required=True, help="all goes here")
    parser.add_argument("--only", type=lambda text: text.split(","), default=PARTS)
    return parser.parse_args()


def _nights(kept: Kept, others: Path, nights: int) -> None:
    """Nights with new records and quiet ones in turn, and what lies on the disk after each."""
    rows = pl.read_parquet(others).with_columns(pl.col("record_id") + OTHERS)
    last = _ask(kept, "select max(now) from runs")
    assert isinstance(last, datetime)
    names = list(kept.disk())
    print("| night | new rows | CPU s | " + " | ".join(names) + " | all | snapshots |")
    for number in range(nights):
        is_quiet = number % 2 == 1
        if not is_quiet:
            part = rows.slice(number // 2 * NEW_RECORDS, NEW_RECORDS)
            inbox = kept.data / "inbox" / "crm"
            inbox.mkdir(parents=True, exist_ok=True)
            part.write_parquet(inbox / f"others_{number}.parquet", compression="zstd")
        now = last + timedelta(days=number + 1)
        cost = kept.run("nightly", "--now", now.isoformat())
        disk = kept.disk()
        sizes = [f"{disk.get(name, 0) / 1e6:,.0f}" for name in names]
        count = len(list((kept.data / "published").glob("R[0-9]*")))
        what = 0 if is_quiet else NEW_RECORDS
        cells = [number + 1, what, f"{cost.cpu_seconds:.1f}", *sizes]
        print("| " + " | ".join(map(str, [*cells, f"{sum(disk.values()) / 1e6:,.0f}", count]))
              + " |", flush=True)  # fmt: skip


def _restore(kept: Kept, work: Path) -> None:
    """A backup, its restore beside it, and a night on what was restored."""
    archive = work / "backup.tar"
    archive.unlink(missing_ok=True)
    _tell("backup", kept.run("backup", "--out", str(archive)), bytes=archive.stat().st_size)
    again = Kept(work / "restored", kept.rules, kept.log)
    shutil.rmtree(again.data, ignore_errors=True)
    _tell("restore", touchstone("restore", str(archive), "--data", str(again.data), log=kept.log))
    archive.unlink()
    last = _ask(again, "select max(now) from runs")
    assert isinstance(last, datetime)
    tomorrow = (last + timedelta(days=1)).isoformat()
    _tell("a quiet night on it", again.run("nightly", "--now", tomorrow))
    shutil.rmtree(again.data)


def _erase(kept: Kept) -> None:
    """Erase a customer who stands on several records; then look into every byte for them."""
    query = (
        "select customer_id from customers where record_count >= 3 and email is not null "
        "order by hash(customer_id) limit 1"
    )
    name = str(_ask(kept, query))
    email = str(_ask(kept, f"select email from customers where customer_id = '{name}'"))
    last = _ask(kept, "select max(now) from runs")
    assert isinstance(last, datetime)
    cost = kept.run("erase", name, "--by", "bench", "--now", (last + timedelta(days=1)).isoformat())
    receipt = json.loads(max((kept.data / "receipts").glob("*.json")).read_text("utf-8"))
    _tell("erasure", cost, **receipt["removed"])
    count, size, found = 0, 0, []
    for path in sorted(path for path in kept.data.rglob("*") if path.is_file()):
        content = path.read_bytes()
        count, size = count + 1, size + len(content)
        found += [path.name] if email.encode() in content else []
    print(json.dumps({"what": "search of every byte", "files": count, "bytes": size,
                      "found": found}))  # fmt: skip


def _tell(what: str, cost: Cost, **more: object) -> None:
    print(json.dumps({"what": what, **asdict(cost), **more}), flush=True)


def _ask(kept: Kept, query: str) -> object:
    path = kept.data / "published" / "current" / "golden.duckdb"
    with duckdb.connect(str(path.resolve()), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        return con.sql(query).fetchall()[0][0]


def _blocks(path: Path, seen: set[int]) -> Iterator[int]:
    """What each file at or below a path takes; one that was seen takes nothing more."""
    for folder, _, names in os.walk(path) if path.is_dir() else [(path.parent, (), [path.name])]:
        for name in names:
            found = (Path(folder) / name).lstat()
            if found.st_ino not in seen:
                seen.add(found.st_ino)
                yield found.st_blocks * 512


if __name__ == "__main__":
    sys.exit(main())
