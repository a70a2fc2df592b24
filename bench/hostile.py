"""Put each hostile file through the line, beside a good one, and judge what came.

    bench/hostile.py --shared DIR [--work DIR] [--only NAME,NAME] [--together]
    bench/hostile.py --own [--work DIR] [--only NAME,NAME] [--twice]

The files are those of a manifest or, with `--own`, those of `bench/adverse/`, made at full size as
they are asked for. Each has a night of its own in a process of its own, so that its seconds and its
memory are its own. `--twice` delivers each again the night after, which must change nothing;
`--together` also runs one night with all of them, twice.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also where nothing is installed

import duckdb
import polars as pl
from meter import BenchError, Cost, aside, run

from bench.adverse import adverse_kinds, make_aside
from bench.adverse.kind import Kind, Outcome
from store.archive import shown_name

ROOT = Path(__file__).resolve().parents[1]
FEEDS = Path(__file__).resolve().parent / "hostile"
MOST_MB, MOST_SECONDS = 2048, 60
_SMALL = 4 << 20
_LARGE = re.compile(
    r"bomb|\d_?[gm]b|million|thousand|huge|shared|nulls|holes|newlines|wide|laughs|deep_|brackets"
    r"|\d0k|good_then|quote_pairs|opens_a|open_quotes|long_everything|new_key"
)
"""Names of what is not made among the small ones."""
CONTROL = (
    "external_id,first_name,last_name,email,phone,date_of_birth,address,city,postcode,country\n"
    "OK1,Ann,Good,ann.good@mail.example.org,+442079460001,1980-02-03,1 High St,London,N2 1AB,GB\n"
)


class Case(NamedTuple):
    """One hostile file, and what may come of it."""

    file: str
    feed: str
    put: Callable[[Path], object]
    """Writes it to a path."""
    allowed: list[dict[str, Any]]
    """What may come of it, in the manifest's words."""
    says: str = ""
    most_seconds: int = MOST_SECONDS


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
    work = arguments.work.resolve()
    cases = _own_cases() if arguments.own else _cases_of(arguments.shared / "hostile")
    cases = [one for one in cases if not arguments.only or one.file in arguments.only]
    rules, bad = _make_rules(work), []
    if arguments.at_once:
        cases = _judge_at_once(cases, rules, work)
    for case in cases:
        verdict = judge(case, rules, work, is_twice=arguments.twice)
        print(_line(verdict), flush=True)
        bad += [verdict.file] if verdict.problems else []
    if arguments.together:
        print(_together(cases, rules, work))
    print(f"{len(cases) - len(bad)} of {len(cases)} behave." + (f" Not: {bad}" if bad else ""))
    return 1 if bad else 0


def judge(case: Case, rules: Path, work: Path, *, is_twice: bool) -> Verdict:
    """One night with this file and a good one; another with the same file, if so asked."""
    data = work / "data"
    shutil.rmtree(data, ignore_errors=True)
    _deliver(case, data)
    (data / "inbox" / "control").mkdir(parents=True)
    (data / "inbox" / "control" / "good.csv").write_text(CONTROL, encoding="utf-8")
    try:
        cost = _night(data, rules, work)
        outcome, said = _outcome(data, case.file)
        cost = Cost(cost.cpu_seconds, cost.seconds, max([cost.peak_mb, *_stage_peaks(data)]))
        problems = _problems(case, outcome, said, cost, data)
        problems += _again(case, rules, work) if is_twice else []
    except BenchError as error:
        return Verdict(case.file, {}, "", Cost(0, 0, 0), [f"the night failed: {error}"])
    return Verdict(case.file, outcome, said, cost, problems)


def _judge_at_once(cases: list[Case], rules: Path, work: Path) -> list[Case]:
    """Judge what is small and of no full dump in one night, and once more the night after.

    Those that are left, and those that need a closer look, are returned.
    """
    data, small = work / "data", list[Case]()
    shutil.rmtree(data, ignore_errors=True)
    for case in cases:
        path = data / "inbox" / case.feed / case.file
        if case.feed == "hostile_json" or _LARGE.search(case.file):
            continue
        _deliver(case, data)
        small.append(case)
        if path.is_file() and not path.is_symlink() and path.stat().st_size > _SMALL:
            path.unlink()
            small.pop()
    digests = {one.file: _digest(data / "inbox" / one.feed / one.file) for one in small}
    first = _night(data, rules, work)
    print(f"{len(small)} files at once: {first.seconds:.0f} s, {first.peak_mb} MiB", flush=True)
    good = []
    for case in small:
        outcome, said = _outcome(data, case.file, digests[case.file])
        if outcome in case.allowed and case.says.lower() in said.lower():
            good.append(case)
            print(_line(Verdict(case.file, outcome, said, Cost(0, 0, 0), [])), flush=True)
    before = _tables(data)
    shutil.rmtree(data / "inbox")
    _deliver_kept(data)
    _night(data, rules, work)
    changed = [name for name, table in _tables(data).items() if not table.equals(before[name])]
    print(f"the same content under other names: {changed or 'nothing'} changes", flush=True)
    return [case for case in cases if case not in good]


def _deliver_kept(data: Path) -> None:
    """Lay into the inbox again what was taken out of it, each file under another name."""
    for card in sorted((data / "raw").glob("*/delivery.json")):
        feed = json.loads(card.read_text(encoding="utf-8"))["source"]
        (data / "inbox" / feed).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(card.with_name("payload"), data / "inbox" / feed / f"{card.parent.name}x")


def _digest(path: Path) -> str | None:
    """What the delivery of a file will be known by."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _again(case: Case, rules: Path, work: Path) -> list[str]:
    """What changes when the file comes again the night after."""
    data = work / "data"
    before = _tables(data)
    shutil.rmtree(data / "inbox" / case.feed, ignore_errors=True)
    _deliver(case, data)
    _night(data, rules, work)
    differing = [name for name, table in _tables(data).items() if not table.equals(before[name])]
    return [f"the second night changes {differing}"] if differing else []


def _cases_of(folder: Path) -> list[Case]:
    """The files of a manifest."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return [
        Case(
            entry["file"],
            _feed_of(entry["file"]),
            partial(shutil.copyfile, folder / entry["file"]),
            entry["allowed_outcomes"],
        )
        for entry in manifest["files"]
    ]


def _own_cases() -> list[Case]:
    """The files that `bench/adverse/` makes."""
    return [_own_case(kind) for kind in adverse_kinds()]


def _own_case(kind: Kind) -> Case:
    feed = kind.feed or _feed_of(kind.file)
    allowed = [_in_words(outcome) for outcome in kind.allowed]
    return Case(
        kind.file, feed, partial(make_aside, kind.file), allowed, kind.says, kind.most_seconds
    )


def _in_words(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, str):
        return {outcome: True}
    return {"accepted": outcome[0], "rejected": outcome[1]}


def _stage_peaks(data: Path) -> list[int]:
    """The most memory of each stage: the line resets the kernel's mark as each begins."""
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as con:
        return [row[0] for row in con.sql("select peak_mb from ledger.steps").fetchall()]


def _problems(case: Case, outcome: dict[str, Any], said: str, cost: Cost, data: Path) -> list[str]:
    published = data / "published" / "current"
    loaded = pl.read_parquet(published / "crosswalk.parquet")["record_id"]
    texts = (str(pl.read_parquet(path).rows()) for path in published.glob("*.parquet"))
    found = {
        f"allowed are {case.allowed[:3]}": outcome not in case.allowed,
        f"{case.says!r} is not said": case.says.lower() not in said.lower(),
        f"{cost.peak_mb} MiB": cost.peak_mb > MOST_MB,
        f"{cost.seconds:.0f} s": cost.seconds > case.most_seconds,
        "the good file was not loaded": "control:OK1" not in loaded,
        "a command of the file's name was run": any(data.parent.rglob("PWNED*")),
        "an external entity was read": any("CANARY" in text for text in texts),
        "the reason is not one line": "\n" in said or len(said) > 1000,
    }
    return [problem for problem, is_so in found.items() if is_so]


def _outcome(data: Path, name: str, digest: str | None = None) -> tuple[dict[str, Any], str]:
    """What the published tables say of the delivery, in the manifest's words."""
    published = data / "published" / "current"
    deliveries = pl.read_parquet(published / "deliveries.parquet").filter(
        pl.col("source") != "control"
    )
    if deliveries.is_empty():
        return {"ignored": True}, "no delivery"
    named = deliveries.filter(delivery_id=digest) if digest else deliveries.clear()
    if named.is_empty():
        named = deliveries.filter(
            pl.col("file_name").str.ends_with("/" + shown_name(Path(name).name))
        )
    if named.is_empty():
        return {"ignored": True}, "no delivery of this name"
    row = named.row(0, named=True)
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


def _together(cases: list[Case], rules: Path, work: Path) -> str:
    """All files in one night; then the same files again, which must change nothing."""
    data = work / "data"
    shutil.rmtree(data, ignore_errors=True)
    for case in cases:
        _deliver(case, data)
    first = _night(data, rules, work)
    before = _tables(data)
    for case in cases:
        _deliver(case, data)
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


def _deliver(case: Case, data: Path) -> None:
    target = data / "inbox" / case.feed
    target.mkdir(parents=True, exist_ok=True)
    case.put(target / case.file)


def _feed_of(name: str) -> str:
    if name.startswith("partner_beta"):
        return "hostile_json"
    if name.endswith(".jsonl.gz"):
        return "hostile_ndjson"
    kinds = {".jsonl": "ndjson", ".xlsx": "xlsx", ".parquet": "parquet"}
    return f"hostile_{kinds.get(Path(name).suffix, 'csv')}"


def _night(data: Path, rules: Path, work: Path) -> Cost:
    words = [sys.executable, "-m", "flows.cli", "nightly", "--json"]
    words += ["--data", str(data), "--rules", str(rules)]
    return aside(run, words, ROOT, work / "night.log")


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
    parser.add_argument("--own", action="store_true", help="the kinds of bench/adverse/")
    parser.add_argument("--twice", action="store_true", help="each again the night after")
    parser.add_argument("--at-once", action="store_true", help="the small ones in one night")
    parser.add_argument("--together", action="store_true", help="all in one night, twice")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
