"""Know when a rule has changed, and from which stage on the work must be done again."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import duckdb
import polars as pl

from store.rulebook import Rulebook
from transforms.standardise.emails import email_library_version
from transforms.standardise.phones import phone_metadata_version
from transforms.standardise.scripts import script_tables_version

READING = ("lookups", "reading", "match")
"""What changes here needs everything read again: a rebuild."""
_METHOD = 4
"""Raised whenever this code makes something else of the same rows and rules."""


def digests(rulebook: Rulebook) -> dict[str, str]:
    """One digest for each part of the rules that a stage depends on.

    What a feed says has a name of its own, `stage:source`, so that a new feed changes nothing
    for the others.
    """
    model = rulebook.model
    frequencies = _Frequencies(rulebook.digest(f"weights/{model.name}"), model.frequencies)
    matching = rulebook.matching.model_dump(mode="json")
    decides = [matching.pop("thresholds"), matching.pop("clustering")]
    for guard in ("training", "drift", "max_compared"):  # they decide nothing in a table
        matching.pop(guard)
    parts: dict[str, Any] = {
        "lookups": [
            _METHOD,
            rulebook.digest("lookups"),
            phone_metadata_version(),
            email_library_version(),
            script_tables_version(),
        ],
        "cluster": [*decides, model.manifest.prior],
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
    match = [_text(matching), _text(model.settings), _told(frequencies), _text(duckdb.__version__)]
    told = {name: _text(part) for name, part in parts.items()}
    told["match"] = f"[{', '.join(match)}]"
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in told.items()}


def changed_parts(before: dict[str, str], now: dict[str, str]) -> frozenset[str]:
    """Which stages' rules differ from `before`; a part that was not there has not changed."""
    return frozenset(
        name.partition(":")[0]
        for name, digest in before.items()
        if name in now and now[name] != digest
    )


@dataclass(frozen=True)
class _Frequencies:
    """A model's term frequencies, which are the same where its files are."""

    files: str
    tables: dict[str, pl.DataFrame] = field(compare=False)


@lru_cache(maxsize=4)
def _told(frequencies: _Frequencies) -> str:
    """What is long to tell, told once: a process that runs many nights has few models."""
    return _text({name: table.sort(pl.all()).rows() for name, table in frequencies.tables.items()})


def _text(part: Any) -> str:  # whatever JSON can hold
    return json.dumps(part, sort_keys=True, default=str)
