"""`touchstone escalate`: review items that are past due go to the next level."""

import argparse
import sys
from datetime import UTC, datetime

from flows.cli import show
from flows.escalating import escalate, say
from store.settings import Settings


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--now",
        type=datetime.fromisoformat,
        metavar="TIME",
        help="as if it were this time (ISO 8601)",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do it and say what came of it."""
    now = arguments.now or datetime.now(UTC)
    now = now if now.tzinfo else now.replace(tzinfo=UTC)
    went, problems = escalate(settings, now)
    show(dict(went), say(went), as_json=arguments.json)
    for problem in problems:
        sys.stderr.write(f"touchstone: {problem}\n")
    return 0
