"""Make what the bench measures with: files of customers, and rules with a model for them."""

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import polars as pl
from meter import BenchError, aside, run
from nights import ROOT, first_night, touchstone

GENERATOR = "gen_customers.py"
REFERENCE = "reference_splink.py"

MEASURED_SEED = 11
TAUGHT_SEED = 5
TAUGHT_RECORDS = 100_000
PRIOR_RECORDS = 300_000


class Customers(NamedTuple):
    """A generated file in two nights, and who is who in it."""

    folder: Path
    """Has `data/raw_N.parquet` and `data/clean_N.parquet`, where the reference looks."""
    records: int
    first: Path
    second: Path
    first_truth: Path
    truth: Path
    """Of both nights."""


def find_shared(named: Path) -> Path:
    """The folder with the generator and the reference, neither of which is ours to ship."""
    if not all((named / name).exists() for name in (GENERATOR, REFERENCE)):
        raise BenchError(
            f"The bench needs {GENERATOR} and {REFERENCE}, which are not part of this repository "
            "and not in the folder that --shared or TOUCHSTONE_BENCH names."
        )
    return named.resolve()


def make_customers(shared: Path, work: Path, seed: int, count: int, more: int = 0) -> Customers:
    """Generate `count` records for a first night and `more` for a second; once per size."""
    folder = work / "customers" / f"{seed}_{count}_{more}"
    total = count + more
    made = Customers(
        folder,
        count,
        folder / "data" / f"raw_{count}.parquet",
        folder / "second.parquet",
        folder / "data" / f"clean_{count}.parquet",
        folder / f"clean_{total}.parquet",
    )
    if folder.exists():
        return made
    draft = folder.with_suffix(".part")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "data").mkdir(parents=True)
    words = [sys.executable, str(shared / GENERATOR), str(total), str(seed), str(draft)]
    run(words, draft, draft / "generator.log")
    aside(_split, draft, count, total)
    os.replace(draft, folder)
    return made


def make_rules(shared: Path, work: Path, count: int) -> None:
    """Make `work/rules`: the repository's rules, the bench's feed, and a model of other customers.

    The weights are learnt from 100,000 records of another seed. How common duplicates are
    depends on how many records there are, so the prior is learnt from more of that seed.
    """
    rules = _copy_rules(work)
    _learn(make_customers(shared, work, TAUGHT_SEED, TAUGHT_RECORDS), rules, work, "bench-1")
    larger = min(count, PRIOR_RECORDS)
    if larger != TAUGHT_RECORDS:
        customers = make_customers(shared, work, TAUGHT_SEED, larger)
        _learn(customers, rules, work, "bench-2", "--prior-only")


def _split(folder: Path, count: int, total: int) -> None:
    """The first night's rows, and the rest for the second."""
    for kind in ("raw", "clean"):
        rows = pl.read_parquet(folder / f"{kind}_{total}.parquet")
        first = rows.head(count)
        first.write_parquet(folder / "data" / f"{kind}_{count}.parquet", compression="zstd")
        if kind == "raw":
            rows.tail(total - count).write_parquet(folder / "second.parquet", compression="zstd")
    (folder / f"raw_{total}.parquet").unlink()


def _copy_rules(work: Path) -> Path:
    rules = work / "rules"
    shutil.rmtree(rules, ignore_errors=True)
    shutil.copytree(
        ROOT / "rules", rules, ignore=shutil.ignore_patterns("*.py", "__pycache__", "feeds")
    )
    shutil.copytree(ROOT / "bench" / "feed", rules / "feeds" / "crm")
    return rules


def _learn(customers: Customers, rules: Path, work: Path, name: str, *how: str) -> None:
    """Run a night on these customers, learn from it, and put the model in place of the others."""
    data, proposal = work / "teach", work / name
    shutil.rmtree(proposal, ignore_errors=True)
    first_night(data, rules, customers.first, work / "teach.log")
    places = ["--data", str(data), "--rules", str(rules)]
    touchstone("train", *places, "--to", str(proposal), *how, log=work / "train.log")
    shutil.rmtree(rules / "weights")
    (rules / "weights").mkdir()
    shutil.move(proposal, rules / "weights" / name)
    shutil.rmtree(data)
