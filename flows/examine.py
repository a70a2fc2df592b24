"""Examine an installation: each check says what it found and, where that is wrong, what to do."""

import shutil
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import duckdb

from flows.drift import read_drift
from flows.evidence import model_of
from flows.exchange import examine_exchange
from flows.feedcheck import check_feed
from flows.finding import Finding, attempt
from flows.summary import tell_held
from rules.answers import Answers
from rules.base import Rule
from rules.feed import Feed
from rules.gates import Gates
from rules.matching import Matching
from rules.quality import Quality
from rules.queues import Queues
from rules.retention import Retention
from rules.survivorship import Survivorship
from store.archive import waiting_names
from store.decisions import open_decisions
from store.errors import TouchstoneError
from store.lock import one_writer
from store.rulebook import Rulebook, read_rule, read_rulebook
from store.settings import Settings
from store.snapshot import TABLES, current_run, held_back, open_snapshot
from store.state.open import open_state
from store.state.published import noted_digest
from store.state.seals import verify
from store.sums import SHOWN, changed_files, digest_of
from store.warehouse import FORMAT
from transforms.match import check_model

LIBRARIES = (
    "polars",
    "duckdb",
    "splink",
    "pandera",
    "pydantic",
    "sqlalchemy",
    "alembic",
    "phonenumbers",
    "email-validator",
    "prefect",
)

RULE_FILES: dict[str, type[Rule]] = {
    "matching.toml": Matching,
    "survivorship.toml": Survivorship,
    "quality.toml": Quality,
    "queues.toml": Queues,
    "answers.toml": Answers,
    "gates.toml": Gates,
    "retention.toml": Retention,
}

SPARE_BYTES = 1_000_000_000
"""What a night may need beside second copies of its tables."""


def examine(settings: Settings) -> Iterator[Finding]:
    """Run every check; one that fails does not keep the others from being run."""
    said: set[str] = set()
    for finding in _rules(settings):
        if finding.about != "rules" or finding.says not in said:
            yield finding
        said.add(finding.says)
    yield from _tables(settings)
    yield attempt("decision log", partial(_decision_log, settings))
    yield attempt("audit trail", partial(_audit, settings))
    yield attempt("snapshot", partial(_snapshot, settings))
    yield attempt("disk", partial(_disk, settings))
    yield Finding("libraries", True, _libraries())


def _rules(settings: Settings) -> Iterator[Finding]:
    for name, kind in RULE_FILES.items():
        yield attempt(f"rules/{name}", partial(_file, settings.rules / name, kind))
    for path in sorted(settings.rules.glob("feeds/*/feed.toml")):
        yield attempt(f"rules/feeds/{path.parent.name}", partial(_feed_file, path))
    try:
        rulebook = read_rulebook(settings.rules)
    except TouchstoneError as error:
        yield Finding("rules", False, str(error))
        return
    yield Finding("rules/lookups", True, "Readable.")
    yield attempt("model", partial(_model, rulebook))
    yield attempt("publication", partial(_publication, settings))
    yield attempt("drift", partial(_drift, rulebook, settings))
    for feed in rulebook.feeds.values():
        yield _sample(feed, rulebook, settings)
    yield from examine_exchange(settings, rulebook.feeds)
    yield attempt("inbox", partial(_inbox, rulebook, settings))


def _file(path: Path, kind: type[Rule]) -> str:
    read_rule(path, kind)
    return "Readable."


def _feed_file(path: Path) -> str:
    read_rule(path, Feed)
    if "TODO" in path.read_text(encoding="utf-8"):
        raise TouchstoneError("A draft: finish what is marked TODO in its feed.toml.")
    return "Readable."


def _model(rulebook: Rulebook) -> str:
    problems = check_model(model_of(rulebook), rulebook.matching)
    if problems:
        raise TouchstoneError(
            f"{rulebook.model.name} cannot be used: {problems[0]}; move its folder out of "
            "rules/weights, so that the one that ships is used, or take rules/ from version "
            "control again."
        )
    manifest = rulebook.model.manifest
    return (
        f"{rulebook.model.name}, complete, learnt from {manifest.record_count:,} records with "
        f"Splink {manifest.splink_version}."
    )


def _publication(settings: Settings) -> str:
    """That no snapshot waits for a person to release it."""
    held = held_back(settings)
    if held is not None:
        run_id, reasons = held
        raise TouchstoneError(f"{run_id} is held back: {'; '.join(reasons)}. {tell_held(run_id)}")
    return f"{current_run(settings) or 'Nothing'} is published, and nothing is held back."


def _drift(rulebook: Rulebook, settings: Settings) -> str:
    """That matching has not drifted from its model, by what the last run measured."""
    if current_run(settings) is None:
        return "Nothing is published yet to measure it on."
    with open_snapshot(settings) as con:
        warnings = read_drift(con, rulebook)
    if warnings:
        raise TouchstoneError(" ".join(warnings))
    if not rulebook.model.manifest.levels:
        return "Within the limits; the model has no levels of its links to compare with."
    return "Within the limits of matching.toml."


def _sample(feed: Feed, rulebook: Rulebook, settings: Settings) -> Finding:
    problems = check_feed(feed, rulebook, settings)
    about = f"feed {feed.source}"
    if not problems:
        return Finding(about, True, "Its sample comes out as expected.")
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    return Finding(about, False, f"{problems[0]}{more}; see `touchstone feed check {feed.source}`.")


def _inbox(rulebook: Rulebook, settings: Settings) -> str:
    """How many files wait, and that each of them has a feed."""
    names = waiting_names(settings.inbox)
    globs = [feed.read.path for feed in rulebook.feeds.values()]
    lost = [name for name in names if sum(fnmatchcase(name, glob) for glob in globs) != 1]
    if lost:
        shown = ", ".join(lost[:5]) + (" …" if len(lost) > 5 else "")
        raise TouchstoneError(
            f"No feed expects {shown}, or more than one does; move them, or mend [read] path of "
            "the feed."
        )
    return f"{len(names):,} files wait, each with its feed."


def _tables(settings: Settings) -> Iterator[Finding]:
    """The two files that only a run may open; while one does, they are left alone."""
    if not settings.data.exists():
        yield Finding("data", True, f"{settings.data} is not there yet; the first run makes it.")
        return
    try:
        with one_writer(settings.lock):
            yield attempt("warehouse", partial(_warehouse, settings))
            yield attempt("golden tables", partial(_format_of, settings.golden))
    except TouchstoneError:
        yield Finding("run", True, "A run is going on; its tables were not looked at.")
    except OSError as error:
        yield Finding("data", False, f"{settings.data} may not be written ({error.strerror}).")


def _warehouse(settings: Settings) -> str:
    found = _format_of(settings.warehouse)
    if settings.warehouse.exists():
        with duckdb.connect(str(settings.warehouse), read_only=True) as con:
            begun = con.sql("select run_id from ledger.runs where state = 'running'").fetchall()
        if begun:
            raise TouchstoneError(
                f"Run {begun[0][0]} was cut short; `touchstone nightly` finishes it."
            )
    return found


def _format_of(path: Path) -> str:
    """That a database opens and is one that this version reads."""
    if not path.exists():
        return "Not there yet; the first run makes it."
    with duckdb.connect(str(path), read_only=True) as con:
        found = con.sql("select max(version) from format").fetchall()[0][0]
    if found != FORMAT:
        raise TouchstoneError(
            f"{path.name} has format {found}, and this version reads {FORMAT}; "
            "run `touchstone rebuild`."
        )
    return f"Opens; format {found}, {path.stat().st_size / 1e6:,.0f} MB."


def _decision_log(settings: Settings) -> str:
    if settings.decisions_url is None and not (settings.data / "decisions").exists():
        return "Not there yet; the first decision or run makes it."
    with open_decisions(settings.log_url, wait_seconds=2) as log:
        return f"Opens; {log.read().height:,} decisions."


def _audit(settings: Settings) -> str:
    """That nothing was changed, put in or taken away below a seal."""
    if settings.decisions_url is None and not (settings.data / "decisions").exists():
        return "Not there yet; the first look at the desk makes it."
    with open_state(settings, wait_seconds=2) as state:
        chain = verify(state.engine)
    if chain.broken_after is not None:
        raise TouchstoneError(
            f"Its seals do not hold after row {chain.broken_after:,}: rows were changed, put in or "
            "taken away behind the desk's back. Compare it with a backup."
        )
    if chain.sealed_at is None:
        return f"Nothing is sealed yet; {chain.open_rows:,} rows."
    at = f"{chain.sealed_at:%Y-%m-%d %H:%M}"
    return (
        f"{chain.rows:,} rows are sealed as they were noted, the last at {at} UTC (seal "
        f"{chain.digest[:16]}); {chain.open_rows:,} since."
    )


def _snapshot(settings: Settings) -> str:
    run_id = current_run(settings)
    if run_id is None:
        if any(settings.raw.glob("[0-9]*")):
            raise TouchstoneError(
                "Deliveries were taken in and nothing is published; run `touchstone nightly`."
            )
        return "None yet; `touchstone nightly` publishes one."
    folder = settings.published / run_id
    lost = [table for table in TABLES if not (folder / f"{table}.parquet").exists()]
    if lost:
        raise TouchstoneError(
            f"{run_id} lacks {', '.join(lost)}; run `touchstone rebuild` to publish it anew."
        )
    wrong = changed_files(folder)
    if wrong:
        raise TouchstoneError(
            f"{', '.join(wrong)} of {run_id} are not as they were published; run `touchstone "
            "rebuild` to publish anew, and find out who may write below data/published."
        )
    digest = _insist_on_the_noted(settings, run_id)
    with open_snapshot(settings) as con:
        count = con.sql("select count(*) from customers").fetchall()[0][0]
    kept = len(list(settings.published.glob("R[0-9]*")))
    return (
        f"{run_id} is current and readable: {count:,} customers; snapshots kept: {kept}. "
        + (f"Its tables are as they were published ({digest[:SHOWN]})." if digest else "")
    ).strip()


def _insist_on_the_noted(settings: Settings, run_id: str) -> str | None:
    """The digest of a snapshot, which must be the one that the audit trail has."""
    digest = digest_of(settings.published / run_id)
    with open_state(settings, wait_seconds=2) as state:
        noted = noted_digest(state.engine, run_id)
    if digest is not None and noted is not None and noted.digest != digest:
        raise TouchstoneError(
            f"{run_id} is {digest[:SHOWN]}, and the audit trail says that {noted.digest[:SHOWN]} "
            "was published; compare it with a backup."
        )
    return digest


def _disk(settings: Settings) -> str:
    here = next(
        path for path in (settings.data, *settings.data.absolute().parents) if path.exists()
    )
    tables = (settings.warehouse, settings.golden)
    wanted = SPARE_BYTES + 2 * sum(path.stat().st_size for path in tables if path.exists())
    free = shutil.disk_usage(here).free
    told = f"{free / 1e9:,.1f} GB are free for {settings.data}"
    if free < wanted:
        raise TouchstoneError(
            f"{told}, and a night may need {wanted / 1e9:,.1f} GB; free some space, or keep fewer "
            "snapshots (TOUCHSTONE_SNAPSHOTS_KEPT)."
        )
    return f"{told}; a night may need {wanted / 1e9:,.1f} GB."


def _libraries() -> str:
    return ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"
