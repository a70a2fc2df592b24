"""Fetch from partners: before a night, or on its own.

It writes into the inbox and its own folder, `data/fetch/`, and opens no tables, so it needs no
writer's lock: a partner who is slow keeps nobody waiting but the night itself.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flows import ledger
from flows.line import open_warehouse
from flows.run import Counts, Run
from rules.feed import Feed
from store.errors import TouchstoneError
from store.fetch import Fetched, fetch_feed
from store.rulebook import read_feeds
from store.settings import Settings


def fetch(settings: Settings, now: datetime, source: str | None = None) -> list[Fetched]:
    """Fetch what is new for every feed that says how, or for one."""
    if not settings.data.is_dir():
        return []  # the run says so
    feeds = read_feeds(settings.rules)
    deadline = time.monotonic() + settings.fetch_seconds
    return [
        fetch_feed(settings, feed, feeds, now, max(0.0, deadline - time.monotonic()))
        for feed in _wanted(feeds, source)
    ]


def counts_of(fetched: Sequence[Fetched]) -> Counts:
    """What was fetched, in numbers."""
    return {
        "partners": len(fetched),
        "partners_failed": sum(bool(one.problems) for one in fetched),
        "files_fetched": sum(one.deliveries for one in fetched),
        "bytes_fetched": sum(one.byte_count for one in fetched),
    }


def note_fetch(run: Run, fetched: Sequence[Fetched]) -> None:
    """Note in the run's ledger what was fetched before it; it is published among the metrics."""
    if not fetched:
        return
    seconds = round(sum(one.seconds for one in fetched), 3)
    with open_warehouse(run) as warehouse, warehouse.transaction():
        warehouse.execute(
            f"delete from ledger.steps where run_id = '{run.run_id}' and stage = 'fetch'"
        )
        cost = ledger.Cost(seconds, 0.0, 0)
        ledger.note_step(warehouse, run.run_id, "fetch", counts_of(fetched), cost)


def refuse_gaps(fetched: Sequence[Fetched]) -> None:
    """End in one sentence where a partner's deliveries could not all be had."""
    lost = {one.source: one.problems[0] for one in fetched if one.problems}
    if lost:
        source, why = next(iter(lost.items()))
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise TouchstoneError(
            f"Not everything could be fetched from {source}{more} ({why}); whatever did come in is "
            "safe, and the next run fetches the rest."
        )


def tell_fetched(fetched: list[dict[str, Any]]) -> list[str]:
    """Lines of a summary: what came from each partner, and what a person must see to."""
    lines = []
    for one in fetched:
        if one["deliveries"]:
            files = "1 delivery" if one["deliveries"] == 1 else f"{one['deliveries']:,} deliveries"
            lines.append(f"Fetched     {one['source']}: {files}, {one['byte_count']:,} bytes.")
        lines += [f"Not fetched {one['source']}: {problem}." for problem in one["problems"]]
        lines += [f"Waits       {one['source']}: {note}." for note in one["notes"]]
    return lines


def _wanted(feeds: dict[str, Feed], source: str | None) -> list[Feed]:
    if source is None:
        return [feed for feed in feeds.values() if feed.fetch is not None]
    feed = feeds.get(source)
    if feed is None:
        raise TouchstoneError(f"There is no feed {source}; there are {', '.join(sorted(feeds))}.")
    if feed.fetch is None:
        raise TouchstoneError(
            f"The feed {source} has no [fetch]: its deliveries are brought to the inbox. "
            "docs/partners.md says how to fetch them."
        )
    return [feed]
