"""A tiny company for tests: its rules, its deliveries, its nights, and what they published.

Its rules are the repository's own but for three small feeds and blocks of at most three records,
so that a handful of records can fill a block and empty it again.
"""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import polars as pl

import rules
from flows.cli import main
from flows.nightly import Night, nightly, rebuild
from rules.decision import SUBJECTS, Kind, NewDecision
from store.decisions import open_decisions
from store.rulebook import read_lookups
from store.settings import Settings
from store.snapshot import HIDDEN, TABLES, current_run, glance_at_snapshot
from transforms.answer import AnswerError, correct_row
from transforms.ignore import key_values, with_digests

if TYPE_CHECKING:
    import pytest

OWN = Path(rules.__file__).parent
FIRST_NIGHT = datetime(2026, 3, 2, 2, 15, tzinfo=UTC)
OF_THE_RUN = frozenset({"runs", "metrics", "changes"})
"""Tables that tell of runs and not of customers."""

UNIONS = frozenset({"lineage", "history"})
"""Views over all fields, which DuckDB plans for longer than it reads their files."""

PERSON = ("first", "last", "email", "phone", "born", "postcode", "city", "news")
HEADERS = {
    "forms": (*PERSON, "sent"),
    "partner": ("op", "id", *PERSON, "changed"),
    "members": ("no", *PERSON),
}
"""The columns of each feed's deliveries, in order."""

_COLUMNS = """
"first"    = "first_name"
"last"     = "last_name"
"email"    = "email"
"phone"    = "phone"
"born"     = "birth_date"
"postcode" = "postcode"
"city"     = "city"
"news"     = "consent_email"
"""

_FORMS = f"""
source  = "forms"
title   = "Forms without a key"
channel = "web_form"
mode    = "append"
owner   = "web@example.com"
trust   = 50
[read]
format    = "csv"
path      = "forms/*.csv"
delimiter = ","
encoding  = "utf-8"
[columns]
"sent" = "updated_at"
{_COLUMNS}
[parse]
region = "GB"
"""

_PARTNER = f"""
source  = "partner"
title   = "What changed at a partner"
channel = "partner_feed"
mode    = "delta"
owner   = "partner@example.com"
trust   = 70
[read]
format    = "csv"
path      = "partner/*.csv"
delimiter = ","
encoding  = "utf-8"
key       = "id"
[columns]
"op"      = "operation"
"id"      = "source_key"
"changed" = "updated_at"
{_COLUMNS}
[parse]
region = "GB"
"""

_MEMBERS = f"""
source         = "members"
title          = "All members, every night anew"
channel        = "partner_feed"
mode           = "full"
owner          = "members@example.com"
trust          = 60
duplicate_free = true
[read]
format    = "csv"
path      = "members/*.csv"
delimiter = ","
encoding  = "utf-8"
key       = "no"
[columns]
"no" = "source_key"
{_COLUMNS}
[parse]
region            = "GB"
blank_means_erase = true
[expect]
withdrawn_share = 0.2
"""

FEEDS = {"forms": _FORMS, "partner": _PARTNER, "members": _MEMBERS}

Cells = dict[str, str]
"""A row of a delivery, by the feed's own column names; what is not named is blank."""


class Company(NamedTuple):
    """One installation below one folder."""

    folder: Path
    settings: Settings

    def drop(self, feed: str, rows: Sequence[Cells | str], *, name: str | None = None) -> Path:
        """Put a delivery in the inbox; a text among `rows` is written as it is."""
        content = csv_of(HEADERS[feed], rows)
        return self.drop_file(f"{feed}/{name or uuid4().hex}.csv", content)

    def drop_file(self, name: str, content: str) -> Path:
        """Put a file of any name and content in the inbox."""
        path = self.settings.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    def night(self, number: int) -> Night:
        """Run the night of this number."""
        return nightly(self.settings, night_time(number), quiet)

    def rebuild(self, number: int) -> Night:
        """Rebuild in the night of this number."""
        return rebuild(self.settings, night_time(number), quiet)

    def decide(self, kind: Kind, *, item_id: str | None = None, **subject: Any) -> int:
        """Add a decision to the log, on the snapshot that is published."""
        decision = NewDecision(
            decided_by="anna",
            kind=kind,
            item_id=item_id,
            subject=SUBJECTS[kind].model_validate(subject),
            snapshot_run_id=current_run(self.settings),
            idempotency_key=uuid4().hex,
        )
        with open_decisions(self.settings.log_url) as log:
            return log.add(decision).decision_id

    def correct(self, item: dict[str, Any], **cells: str) -> int:
        """Correct the row of a quarantine item; a row that is known keeps its key."""
        where = f"delivery_id = '{item['delivery_id']}' and row_number = {item['row_number']}"
        raw = self.ask(f"select raw from quarantine where {where}").item(0, 0)
        try:
            answer = correct_row(item, cells, raw)
        except AnswerError:
            cells.pop("source_key")
            answer = correct_row(item, cells, raw)
        return self.decide("correct", **answer.subject.model_dump())

    def values_of(self, records: pl.DataFrame) -> pl.DataFrame:
        """By what records, as `key_values` wants them, are known to be left out of matching."""
        lookups = read_lookups(self.settings.rules / "lookups")
        return with_digests(key_values(records, lookups)).sort(pl.all())

    def ignore(self, record_id: str, field: str) -> int:
        """Decide that what a record says in a field is left out of matching."""
        said = self.ask(
            f"select record_id as record, * from records where record_id = '{record_id}'"
        )
        one = self.values_of(said).filter(field=field).row(0, named=True)
        named = {"contact": one["contact"], "digest": one["digest"]}
        return self.decide("ignore", **named, records=[record_id])

    def ask(self, query: str) -> pl.DataFrame:
        """The current snapshot's answer."""
        with glance_at_snapshot(self.settings) as con:
            return con.sql(query).pl()

    def tables(self) -> dict[str, pl.DataFrame]:
        """Every published table that tells of customers, its rows in one order."""
        names = [*(name for name in TABLES if name not in OF_THE_RUN), "records"]
        with glance_at_snapshot(self.settings) as con:
            return {
                name: _sorted(self.file(name) if name in UNIONS else con.sql(f"from {name}").pl())
                for name in names
            }

    def file(self, table: str) -> pl.DataFrame:
        """A table of the current snapshot as its Parquet file has it."""
        return pl.read_parquet(self.settings.published / "current" / f"{table}.parquet")

    def twin(self, folder: Path) -> "Company":
        """A company of its own in the state that this one is in: to be worked on further."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        places = {name: folder / name for name in ("data", "rules")}
        return Company(folder, self.settings.model_copy(update=places))

    def anew(self, folder: Path) -> "Company":
        """A company that has this one's deliveries, decisions and rules, and nothing else."""
        data = folder / "data"
        for kept in ("raw", "decisions"):
            shutil.copytree(self.settings.data / kept, data / kept)
        return Company(folder, self.settings.model_copy(update={"data": data}))


def found(folder: Path) -> Company:
    """Found a company with nothing in its inbox."""
    write_rules(folder / "rules")
    company = company_in(folder)
    company.settings.inbox.mkdir(parents=True)
    return company


def company_in(folder: Path) -> Company:
    """The company that was founded in this folder."""
    return Company(folder, Settings(data=folder / "data", rules=folder / "rules", threads=1))


def write_rules(folder: Path) -> None:
    """The repository's rules with the feeds of the tiny company."""
    shutil.copytree(OWN, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", "feeds"))
    matching = folder / "matching.toml"
    lines = matching.read_text("utf-8").splitlines()
    at_most = ["max_block = 3" if line.startswith("max_block") else line for line in lines]
    matching.write_text("\n".join(at_most) + "\n", "utf-8")
    for source, text in FEEDS.items():
        (folder / "feeds" / source).mkdir(parents=True)
        (folder / "feeds" / source / "feed.toml").write_text(text, "utf-8")


def draws(company: Company, *, each: int, share: float) -> Company:
    """Let chance draw so many pairs of each stratum; of so few records it would draw none."""
    queues = company.settings.rules / "queues.toml"
    text = re.sub(r"(?m)^each = \d+", f"each = {each}", queues.read_text("utf-8"))
    queues.write_text(re.sub(r"(?m)^share = [\d.]+", f"share = {share}", text), "utf-8")
    return company


def csv_of(columns: Sequence[str], rows: Sequence[Cells | str]) -> str:
    """A CSV of these rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        if isinstance(row, str):
            text.write(row + "\n")
        else:
            writer.writerow([row.get(column, "") for column in columns])
    return text.getvalue()


def person(first: str, last: str, **more: str) -> Cells:
    """The cells of somebody; what is not given is blank."""
    return {"first": first, "last": last, **more}


def night_time(number: int) -> datetime:
    """When the night of this number runs, from 1."""
    return FIRST_NIGHT + timedelta(days=number - 1)


def quiet(stage: str, counts: dict[str, int] | None) -> None:
    """Tell nobody of progress."""


def touchstone(
    company: Company, *words: str, preexec_fn: Any = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        command(company, *words),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=preexec_fn,
    )


def touchstone_here(
    company: Company, capsys: "pytest.CaptureFixture[str]", *words: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process, where what a process is does not matter."""
    capsys.readouterr()
    try:
        code = main(placed(company, *words))
    except SystemExit as left:
        code = int(left.code or 0)
    told = capsys.readouterr()
    return subprocess.CompletedProcess(words, code, told.out, told.err)


def command(company: Company, *words: str) -> list[str]:
    """The words that run the command line on this company."""
    program = "import sys; from flows.cli import main; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-c", program, *placed(company, *words)]


def placed(company: Company, *words: str) -> list[str]:
    """A command and its words, of this company."""
    first, *rest = words
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    return [first, *places, *rest]


def environment() -> dict[str, str]:
    """The environment of a process that finds the packages where this one did."""
    return {**os.environ, "PYTHONPATH": str(OWN.parent), "TOUCHSTONE_THREADS": "1"}


def differences(
    one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]
) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """By table, the rows that only `one` (-) or only `other` (+) has; empty when they are equal."""
    told = {}
    for name, rows in one.items():
        here, there = rows.to_dicts(), other[name].to_dicts()
        if here != there:
            told[name] = [("-", row) for row in here if row not in there]
            told[name] += [("+", row) for row in there if row not in here]
    return told


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    shown = frame.select(name for name in frame.columns if name not in HIDDEN)
    rows = sorted(shown.rows(), key=repr)
    return pl.DataFrame(rows, schema=shown.schema, orient="row")
