"""Know when a rule has changed, and from which stage on the work must be done again."""

import hashlib
import json
from typing import Any

import duckdb
import polars as pl

from store.rulebook import Rulebook
from transforms.standardise.emails import email_library_version
from transforms.standardise.phones import phone_metadata_version

READING = ("lookups", "reading", "match")
"""What changes here needs everything read again: a rebuild."""


def digests(rulebook: Rulebook) -> dict[str, str]:
    """One digest for each part of the rules that a stage depends on.

    What a feed says has a name of its own, `stage:source`, so that a new feed changes nothing
    for the others.
    """
    model = rulebook.model
    frequencies = {name: _frame(table) for name, table in model.frequencies.items()}
    matching = rulebook.matching.model_dump(mode="json")
    thresholds = matching.pop("thresholds")
    for guard in ("training", "drift", "max_compared"):  # they decide nothing in a table
        matching.pop(guard)
    parts: dict[str, Any] = {
        "lookups": [
            rulebook.digest("lookups"),
            phone_metadata_version(),
            email_library_version(),
        ],
        "match": [matching, model.settings, frequencies, duckdb.__version__],
        "cluster": [thresholds, model.manifest.prior],
        "survive": rulebook.survivorship.model_dump(mode="json"),
        "reading:golden fields": rulebook.survivorship.names(),  # they are the tables' columns
    }
    for source, feed in rulebook.feeds.items():
        parts[f"reading:{source}"] = feed.model_dump(
            mode="json", include={"columns", "constants", "parse", "campaign"}
        )
        parts[f"reading:{source} held"] = [
            feed.read.model_dump(mode="json", exclude={"path"}),
            feed.expect.model_dump(mode="json"),
            sorted(feed.ignore),
            sorted(feed.optional),
            feed.mode,
        ]
        parts[f"cluster:{source}"] = feed.duplicate_free
        parts[f"survive:{source}"] = feed.trust
    return {name: _digest(part) for name, part in parts.items()}


def changed_parts(before: dict[str, str], now: dict[str, str]) -> frozenset[str]:
    """Which stages' rules differ from `before`; a part that was not there has not changed."""
    return frozenset(
        name.partition(":")[0]
        for name, digest in before.items()
        if name in now and now[name] != digest
    )


def _frame(table: pl.DataFrame) -> list[Any]:
    return table.sort(pl.all()).rows()


def _digest(part: Any) -> str:  # whatever JSON can hold
    text = json.dumps(part, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
