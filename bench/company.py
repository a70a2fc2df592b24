"""Put what a made-up company's channels deliver through real nights, and score what came of it.

    bench/company.py --shared DIR --set dev_10k [--nights] [--refresh | --train] [--work DIR]

The feeds are in `bench/company/feeds/`. With `--nights` the set has several nights, with records
that change, leave and ask to be erased. The truth names a record by its source's own key, or by
`<file>#<row>`, so what the line calls it is brought back to that first.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also where nothing is installed

import duckdb
import polars as pl
from meter import BenchError, run

ROOT = Path(__file__).resolve().parents[1]
FEEDS = Path(__file__).resolve().parent / "company" / "feeds"
KEYLESS = (
    "candidates_in",
    "excel_export",
    "messe_kontakte",
    "prospects_lf",
    "uk_event",
    "us_mailing",
)
"""Feeds whose records have no key of their own."""
ERASURES = "erasure_requests.csv"


def main() -> int:
    """Run the night or the nights, and print what the scorer says of each."""
    arguments = _arguments()
    deliveries = arguments.shared / "dev" / arguments.set
    work = (arguments.work / arguments.set).resolve()
    data, rules = work / "data", work / "rules"
    shutil.rmtree(work, ignore_errors=True)
    (data / "inbox").mkdir(parents=True)
    _make_rules(rules)
    folders = sorted(deliveries.glob("night_*")) if arguments.nights else [deliveries]
    for day, folder in enumerate(folders, start=1):
        _deliver(folder, data / "inbox")
        cost = _night(data, rules, work, day)
        _erase(folder, data, rules, work, day)
        print(f"\n== {folder.name}: {cost.cpu_seconds:.0f} CPU s, {cost.peak_mb} MiB", flush=True)
        _tell_deliveries(data)
        _score(arguments.shared, folders[:day], data, work, is_series=arguments.nights)
        if arguments.learn and day == 1:
            _learn(data, rules, arguments.learn)
            _night(data, rules, work, day, hour=6)
            print(f"\n== the same, after `touchstone {' '.join(arguments.learn)}`", flush=True)
            _score(arguments.shared, folders[:day], data, work, is_series=arguments.nights)
    return 0


def _learn(data: Path, rules: Path, command: list[str]) -> None:
    """Learn a model, or a part of one, from the first night, and switch it on."""
    words = [*command, "--json", "--data", str(data), "--rules", str(rules)]
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"train failed: {done.stderr.strip()[-400:]}")
    proposed = Path(json.loads(done.stdout)["folder"])
    shutil.copytree(proposed, rules / "weights" / proposed.name)


def _make_rules(rules: Path) -> None:
    shutil.copytree(ROOT / "rules", rules, ignore=shutil.ignore_patterns("*.py", "feeds"))
    shutil.copytree(FEEDS, rules / "feeds")


def _deliver(folder: Path, inbox: Path) -> None:
    """Lay each file into the folder of its feed; the truth stays where it is."""
    for path in sorted(folder.iterdir()):
        if feed := _feed_of(path.name):
            (inbox / feed).mkdir(exist_ok=True)
            shutil.copyfile(path, inbox / feed / f"{folder.name}_{path.name}")


def _feed_of(name: str) -> str | None:
    """`bulk_004_us_mailing_20240501.csv` is of `us_mailing`; truth and requests are of none."""
    if not name.startswith(("bulk_", "partner_", "web_forms")):
        return None
    stem = re.sub(r"^bulk_\d+_|_(full|delta)_\d{8}|_\d{8}", "", name)
    return stem.split(".")[0]


def _night(data: Path, rules: Path, work: Path, day: int, hour: int = 2) -> Any:
    places = ["--data", str(data), "--rules", str(rules)]
    now = ["--now", f"2025-06-{day + 1:02d}T{hour:02d}:15+00:00"]
    words = [sys.executable, "-m", "flows.cli", "nightly", *places, *now]
    return run(words, ROOT, work / f"night_{day}.log")


def _erase(folder: Path, data: Path, rules: Path, work: Path, day: int) -> None:
    """Erase who asked for it; the command says whom it is not certain of."""
    requests = folder / ERASURES
    if not requests.is_file():
        return
    words = [sys.executable, "-m", "flows.cli", "erase", "--from", str(requests), "--by", "bench"]
    words += ["--data", str(data), "--rules", str(rules), "--now", f"2025-06-{day + 1:02d}T04:15Z"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    (work / f"erase_{day}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode and "do not tell for certain" not in done.stderr:
        raise BenchError(f"erase failed: {done.stderr.strip()[-400:]}")
    print(*(f"  {line}" for line in (done.stdout + done.stderr).strip().splitlines()), sep="\n")


def _tell_deliveries(data: Path) -> None:
    told = pl.read_parquet(data / "published" / "current" / "deliveries.parquet")
    told = told.filter(pl.col("run_id") == told["run_id"].max())
    for row in told.sort("delivery_number").iter_rows(named=True):
        name = row["file_name"].rpartition("/")[2]
        if row["state"] == "taken_in":
            notes = "; ".join(row["notes"])
            print(f"  {name:55} {row['row_count']:7,} rows  {notes}")
        else:
            print(f"  {name:55} {row['state']}: {row['reason']}")


def _score(shared: Path, folders: list[Path], data: Path, work: Path, *, is_series: bool) -> None:
    files = {f"{folder.name}_{path.name}": path for folder in folders for path in folder.iterdir()}
    names = {delivered: path.name for delivered, path in files.items()}
    clusters, rejects = work / "clusters.parquet", work / "rejects.parquet"
    _clusters(data, files).write_parquet(clusters)
    _rejects(data, names).write_parquet(rejects)
    folder = folders[-1]
    invalid = work / "invalid.parquet"
    pl.concat([pl.read_parquet(one / "truth_invalid.parquet") for one in folders]).write_parquet(
        invalid
    )
    scorer = [sys.executable, str(shared / "evaluate.py")]
    truth = str(folder / "truth.parquet")
    _tell_rejects(_scored([*scorer, "invalid", str(rejects), str(invalid)]), truth)
    live = ["--where", "status = 'live'", "--group", "household_id"]
    told = work / "told.json"
    asked = [*scorer, "clusters", str(clusters), truth, *live, "--json", str(told)]
    _tell_clusters(_scored(asked, told))
    if is_series:
        print(f"  events   {json.dumps(_scored([*scorer, 'events', str(clusters), str(folder)]))}")
        golden = work / "golden.parquet"
        _golden(data, golden)
        fields = ["last=last_name", "email=email", "mobile=phone", "postcode=postcode"]
        fields += ["dob=birth_date", "consent=consent_email", "first=first_name", "country=country"]
        told = _scored([*scorer, "golden", str(golden), str(clusters), str(folder), *fields])
        for field, by in told.items():
            print(f"  golden   {field:9} {_golden_line(by['whole_in_one_cluster'])}")


def _scored(words: list[str], told: Path | None = None) -> Any:
    """What the scorer says as JSON, on its output or in the file `told`."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(words[1:3])} failed: {done.stderr.strip()[-400:]}")
    return json.loads(told.read_text(encoding="utf-8") if told else done.stdout)


def _tell_rejects(told: dict[str, Any], truth: str) -> None:
    valid = pl.scan_parquet(truth).select(pl.len()).collect().item()
    wrong = told["valid_rows_rejected"]
    print(
        f"  refused  {told['caught']} of {told['labelled']} bad rows ({told['recall']:.4f}); "
        f"{wrong} of {valid} valid rows ({wrong / valid:.3%})"
    )
    for reason, share in told["by_reason"].items():
        caught, labelled = share.split("/")
        if caught != labelled:
            print(f"           {reason}: {share}")


def _tell_clusters(told: dict[str, Any]) -> None:
    pairs, cubed, merged = told["pairwise"], told["bcubed"], told["over_merge"]
    print(
        f"  pairwise P {pairs['precision']:.4f} R {pairs['recall']:.4f} F1 {pairs['f1']:.4f}"
        f"   B-cubed P {cubed['precision']:.4f} R {cubed['recall']:.4f} F1 {cubed['f1']:.4f}\n"
        f"  customers over-merged {merged['clusters']}; false pairs inside a household"
        f" {told['group']['fp_pairs_inside_group']} of {pairs['fp']}"
        f"; without a customer {told['coverage']['truth_without_prediction']}"
    )


def _golden_line(one: dict[str, Any]) -> str:
    return (
        f"right {one['right']:.4f}, missing {one['missing']:.4f}, wrong {one['wrong']:.4f}"
        f" of {one['entities']}"
    )


def _clusters(data: Path, files: dict[str, Path]) -> pl.DataFrame:
    """The truth's record_key of each live record, and its customer as cluster_id."""
    rows = _rows_of(data)
    keyless = rows.filter(pl.col("source").is_in(KEYLESS))
    repeats = [
        _repeats(keyless.filter(pl.col("file") == name), path)
        for name, path in files.items()
        if _feed_of(path.name) in KEYLESS
    ]
    keyless = pl.concat([keyless, *(one for one in repeats if one.height)])
    base = pl.col("file").replace({name: path.name for name, path in files.items()})
    keyless = keyless.with_columns(record_key=pl.format("{}#{}", base, "row_number"))
    keyed = rows.filter(~pl.col("source").is_in(KEYLESS)).with_columns(record_key="source_key")
    both = pl.concat([keyless, keyed]).select("record_key", cluster_id="customer_id")
    return both.unique("record_key", maintain_order=True)


def _rows_of(data: Path) -> pl.DataFrame:
    """One row per live record: where it stood first, and its customer."""
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as con:
        crosswalk = pl.read_parquet(data / "published" / "current" / "crosswalk.parquet")
        con.register("crosswalk", crosswalk.to_arrow())
        return (
            con.sql(
                """
            select r.source, r.source_key, d.file_name, c.customer_id,
                r.record_number % 1000000000 as row_number
            from ingest.records r join crosswalk c using (source, source_key)
            join ingest.deliveries d on d.delivery_number = r.record_number // 1000000000"""
            )
            .pl()
            .with_columns(file=pl.col("file_name").str.extract(r"([^/]+)$"))
            .drop("file_name")
        )


def _repeats(rows: pl.DataFrame, path: Path) -> pl.DataFrame:
    """The rows of a file that say what a row above says: they are the same record."""
    cells = _cells(path)
    firsts = cells.group_by("cells", maintain_order=True).agg(
        pl.col("row_number").first().alias("first"), "row_number"
    )
    others = firsts.explode("row_number").filter(pl.col("first") != pl.col("row_number"))
    return (
        others.select("first", repeat="row_number")
        .join(rows, left_on="first", right_on="row_number")
        .select(
            *[name for name in rows.columns if name != "row_number"],
            row_number=pl.col("repeat").cast(rows.schema["row_number"]),
        )
        .select(rows.columns)
    )


@cache
def _cells(path: Path) -> pl.DataFrame:
    from rules.limits import Limits
    from store.readers import read_delivery
    from store.rulebook import read_feeds

    feed = read_feeds(FEEDS.parent)[_feed_of(path.name) or ""]
    rows = read_delivery(path, feed.read, Limits(), expected=list(feed.columns)).rows
    return rows.select("row_number", cells=pl.struct(pl.exclude("row_number")).struct.json_encode())


def _rejects(data: Path, names: dict[str, str]) -> pl.DataFrame:
    """Each quarantined row by its file and its row."""
    current = data / "published" / "current"
    deliveries = pl.read_parquet(current / "deliveries.parquet").select("delivery_id", "file_name")
    quarantine = pl.read_parquet(current / "quarantine.parquet")
    quarantine = quarantine.filter(~pl.col("reasons").list.contains("erased"))
    file = pl.col("file_name").str.extract(r"([^/]+)$").replace(names)
    return quarantine.join(deliveries, on="delivery_id").select(
        file=file, row="row_number", native_id=_key_in("raw"), reasons="reasons", raw="raw"
    )


def _key_in(raw: str) -> pl.Expr:
    """The source's key in a row as it was delivered, where it can be read."""
    keys = [
        pl.col(raw).str.json_path_match(f"$['{name}']")
        for name in ("source_key", "submission_id", "id", "partner_ref", "MemberNo")
    ]
    return pl.coalesce(keys)


def _golden(data: Path, path: Path) -> None:
    customers = pl.read_parquet(data / "published" / "current" / "customers.parquet")
    customers.with_columns(cluster_id="customer_id").write_parquet(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Put a made-up company through the line.")
    parser.add_argument(
        "--shared",
        type=Path,
        default=Path(os.environ.get("TOUCHSTONE_BENCH", "../shared/bench")),
        help="the folder with dev/ and evaluate.py (TOUCHSTONE_BENCH)",
    )
    parser.add_argument("--set", default="dev_10k", help="a folder below dev/")
    parser.add_argument("--nights", action="store_true", help="the set has a folder for each night")
    learn = parser.add_mutually_exclusive_group()
    for option, command in {"--refresh": ["train", "--refresh"], "--train": ["train"]}.items():
        learn.add_argument(
            option,
            action="store_const",
            const=command,
            dest="learn",
            help=f"run `touchstone {' '.join(command)}` after the first night and use what it says",
        )
    parser.add_argument("--work", type=Path, default=ROOT / "bench-data" / "company")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
