"""Check a feed against its own sample: the first stages of the line, in a folder of their own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from flows.evidence import no_log
from flows.run import Run
from flows.stages.ingest import ingest
from flows.stages.standardise import standardise_records
from flows.stages.validate import validate_records
from rules.expected import Expected
from rules.feed import Expect, Feed
from rules.limits import Limits
from store.archive import Archive
from store.errors import TouchstoneError
from store.readers import read_delivery
from store.rulebook import Rulebook, read_rule
from store.schema import WAREHOUSE
from store.settings import Settings
from store.warehouse import Warehouse
from transforms.conform import conform
from transforms.expect import Outcome, find_differences
from transforms.resolve import state_of

ANY_COUNT = Expect(rows=None, withdrawn_share=1.0, quarantined_share=1.0)
"""A sample is smaller and worse than a delivery, so its counts are not judged."""


def check_feed(feed: Feed, rulebook: Rulebook, settings: Settings) -> list[str]:
    """What comes of the feed's sample otherwise than its expected.toml says; empty if nothing."""
    folder = rulebook.folder / "feeds" / feed.source
    try:
        expected = read_rule(folder / "expected.toml", Expected)
        return find_differences(expected, outcome_of(feed, sample_of(folder), rulebook, settings))
    except TouchstoneError as error:
        return [str(error)]


def sample_of(folder: Path) -> Path:
    """The one sample beside a feed."""
    found = sorted(path for path in folder.glob("sample.*") if not path.name.endswith("~"))
    if len(found) != 1:
        raise TouchstoneError(
            f"feeds/{folder.name} has {len(found)} files named sample.*, where it needs one; "
            "put a small made-up delivery there."
        )
    return found[0]


def outcome_of(feed: Feed, sample: Path, rulebook: Rulebook, settings: Settings) -> Outcome:
    """Run a sample through ingest, standardise and validate."""
    trial = feed.model_copy(
        update={"read": feed.read.model_copy(update={"path": "sample.*"}), "expect": ANY_COUNT}
    )
    with _run(trial, rulebook, settings) as run:
        run.settings.inbox.mkdir()
        (run.settings.inbox / sample.name).write_bytes(sample.read_bytes())
        archive = Archive(run.settings.raw)
        kept = archive.receive(
            run.settings.inbox, run.rulebook.feeds, run.now, run.run_id
        ).received[0]
        with (
            Warehouse(run.warehouse, run.settings, WAREHOUSE, compress=False) as warehouse,
            warehouse.transaction(),
        ):
            ingest(run, warehouse)
            _refuse_held(warehouse)
            standardise_records(run, warehouse)
            validate_records(run, warehouse)
            return _outcome(warehouse, _deleted(trial, kept.path))


@contextmanager
def _run(feed: Feed, rulebook: Rulebook, settings: Settings) -> Iterator[Run]:
    """A run of this feed alone that leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="touchstone-") as folder:
        aside = settings.model_copy(update={"data": Path(folder), "decisions_url": None})
        only = rulebook._replace(feeds={feed.source: feed})
        now = datetime.now(UTC)
        log = no_log()
        yield Run("R0001", now, aside, only, log, state_of(log), frozenset(), is_rebuild=False)


def _refuse_held(warehouse: Warehouse) -> None:
    held = warehouse.read("select reason from ingest.deliveries where state <> 'taken_in'")
    if held.height:
        raise TouchstoneError(f"the sample would be held: {held.item()}")


def _deleted(feed: Feed, sample: Path) -> pl.DataFrame:
    """The rows of the sample that delete a record: source_key, row_number."""
    reading = read_delivery(sample, feed.read, Limits(), expected=list(feed.columns))
    rows = conform(reading.rows, feed)
    if not {"operation", "source_key"} <= set(rows.columns):
        return pl.DataFrame(schema={"source_key": pl.String, "row_number": pl.Int64})
    operation = pl.col("operation").str.strip_chars().str.to_lowercase()
    last = rows.drop_nulls("source_key").unique("source_key", keep="last", maintain_order=True)
    return last.filter(operation.is_in(feed.parse.delete_values)).select("source_key", "row_number")


def _outcome(warehouse: Warehouse, deleted: pl.DataFrame) -> Outcome:
    """The latest good version of each record, and the records that are deleted."""
    live = warehouse.read(
        """
        select s.*, r.source_key, v.arrival % 1000000000 as row_number
        from valid.records v join std.records s on s.arrival = v.arrival
        join ingest.records r on r.record_number = v.record_number
        where not r.is_withdrawn"""
    )
    gone = deleted.with_columns(operation=pl.lit("delete"))
    return Outcome(
        warehouse.one("select coalesce(sum(row_count), 0) from ingest.deliveries"),
        pl.concat([live, gone], how="diagonal_relaxed"),
        warehouse.read("select row_number, reasons from quarantine.records"),
    )
