"""`touchstone pseudonymise`: deliveries for testing, in which everybody has another name."""

import argparse
from pathlib import Path

from flows.cli import show
from flows.sharing.pseudonymous import pseudonymise
from store.settings import Settings
from store.state.open import open_state


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--out", type=Path, metavar="DIR", required=True, help="a new folder for data and rules"
    )
    parser.add_argument(
        "--by", metavar="NAME", required=True, help="who asks for it; stands in the audit trail"
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write them, and say how to run a night on them."""
    folder: Path = arguments.out
    counts = pseudonymise(settings, folder)
    told = f"{sum(counts.values())} records"
    with open_state(settings) as state:
        state.audit.note(arguments.by, "pseudonymise", "", told)
    show(
        {"sources": counts, "folder": str(folder)},
        f"{sum(counts.values()):,} records of {len(counts)} sources are in {folder}, everybody "
        f"under another name. Run `touchstone nightly --data {folder / 'data'} --rules "
        f"{folder / 'rules'}`.",
        as_json=arguments.json,
    )
    return 0
