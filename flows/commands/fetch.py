"""`touchstone fetch [FEED]`: bring what partners have for us into the inbox."""

import argparse
from datetime import UTC, datetime

from flows.cli import show
from flows.fetching import fetch, refuse_gaps, tell_fetched
from store.errors import TouchstoneError
from store.settings import Settings


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("feed", nargs="?", metavar="FEED", help="this one alone, not all")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Fetch, and say what came of it."""
    if not settings.data.is_dir():
        raise TouchstoneError(
            f"There is no folder of data at {settings.data}; make it, or give another with --data."
        )
    fetched = fetch(settings, datetime.now(UTC), arguments.feed)
    answer = [one._asdict() for one in fetched]
    show(answer, "\n".join(tell_fetched(answer)) or _nothing(fetched != []), as_json=arguments.json)
    refuse_gaps(fetched)
    return 0


def _nothing(has_partners: bool) -> str:
    if has_partners:
        return "Nothing is new. The next run takes in what lies in the inbox."
    return "No feed has a [fetch]; docs/partners.md says how to fetch from partners."
