"""Read from the warehouse what a model can be learnt from and is compared on."""

from typing import NamedTuple

import polars as pl

from flows.evidence import read_log
from flows.stages.ignored import ignored_in
from rules.matching import Matching
from store.errors import TouchstoneError
from store.lock import one_writer
from store.rulebook import read_feeds, read_lookups
from store.schema import WAREHOUSE
from store.settings import Settings
from store.warehouse import Warehouse
from transforms.block import cap_keys, capped_keys
from transforms.generations import generations
from transforms.ignore import without_ignored
from transforms.match import prepare_nodes
from transforms.resolve import state_of
from transforms.standardise.keys import record_keys

SHOWN = ("first_name", "last_name", "birth_date", "email", "phone", "address", "postcode", "city")
"""Values by which a person tells who a record is about."""


class Known(NamedTuple):
    """What there is to learn from, and what must be obeyed."""

    records: pl.DataFrame
    """record_number, record_id, received_at and the values of SHOWN."""
    nodes: pl.DataFrame
    """Without the keys that too many share."""
    pairs: pl.DataFrame
    """The pairs that the last run kept, as in match.pairs."""
    verdicts: pl.DataFrame
    """Pairs that people judged: record_a, record_b, is_same."""
    keys: pl.DataFrame
    """record_number, source: records of sources that are free of duplicates."""
    generations: pl.DataFrame
    """record_number, generation of the records that say one."""


def read_known(settings: Settings, rules: Matching) -> Known:
    """All valid records and what the last run made of them; the lock is held meanwhile."""
    if not settings.warehouse.exists():
        raise TouchstoneError(
            f"There is no warehouse in {settings.data}, so nothing to learn from; "
            "run `touchstone nightly` first."
        )
    sources = [feed.source for feed in read_feeds(settings.rules).values() if feed.duplicate_free]
    with (
        one_writer(settings.lock),
        Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse,
    ):
        if not (warehouse.has("std.records") and warehouse.has("match.pairs")):
            raise TouchstoneError(
                "No record has been matched yet; let `touchstone nightly` end a run first."
            )
        records = warehouse.read(
            "select s.*, r.source || ':' || r.source_key as record_id from valid.records v "
            "join std.records s on s.arrival = v.arrival "
            "join ingest.records r on r.record_number = v.record_number order by s.record_number"
        )
        pairs = warehouse.read("from match.pairs order by record_a, record_b")
        ignored = ignored_in(warehouse)
    if records.height < 2:
        raise TouchstoneError("One record teaches nothing; take in deliveries first.")
    shown = records.select("record_number", "record_id", "received_at", *SHOWN)
    keys = records.select("record_number", "source").filter(pl.col("source").is_in(sources))
    keyed = without_ignored(record_keys(records, read_lookups(settings.rules / "lookups")), ignored)
    nodes = prepare_nodes(keyed, rules)
    nodes = cap_keys(nodes, capped_keys(nodes, rules), rules)
    return Known(shown, nodes, pairs, read_verdicts(settings, shown), keys, generations(records))


def read_verdicts(settings: Settings, records: pl.DataFrame) -> pl.DataFrame:
    """What people decided of two of these records: record_a, record_b, is_same."""
    said = state_of(read_log(settings))
    named = records.select("record_id", "record_number")
    both = pl.concat(
        [
            said.must_links.select("record_a", "record_b", is_same=pl.lit(True)),
            said.cannot_links.select("record_a", "record_b", is_same=pl.lit(False)),
        ]
    )
    first, second = pl.col("record_number"), pl.col("record_number_b")
    return (
        both.join(named, left_on="record_a", right_on="record_id")
        .join(named, left_on="record_b", right_on="record_id", suffix="_b")
        .select(
            "is_same",
            record_a=pl.min_horizontal(first, second),
            record_b=pl.max_horizontal(first, second),
        )
        .sort("record_a", "record_b")
    )
