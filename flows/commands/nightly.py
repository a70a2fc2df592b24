"""`touchstone nightly`: one run."""

import argparse
import sys
from datetime import UTC, datetime

from flows.alerts import announce, telling_of_failure
from flows.cli import show
from flows.fetching import refuse_gaps
from flows.nightly import Night, nightly
from flows.summary import Teller, printable, summarise, summary_of, tell_held
from store.errors import TouchstoneError
from store.settings import Settings


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--now", metavar="TIME", help="ISO 8601: the time of the run, to repeat one"
    )
    parser.add_argument(
        "--decisions-only",
        action="store_true",
        help="take nothing in: obey what was decided since the last run, and publish",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run one night and say what came of it."""
    with telling_of_failure(settings, "A night"):
        night = nightly(
            settings,
            moment(arguments.now),
            Teller(quiet=arguments.json),
            takes_in=not arguments.decisions_only,
        )
    return tell(night, arguments)


def tell(night: Night, arguments: argparse.Namespace) -> int:
    """Say what a run did, to whoever started it and to whoever wants to know."""
    summary = summary_of(night)
    show(summary, summarise(summary), as_json=arguments.json)
    told = [summary] if summary["finished"] is None else [summary["finished"], summary]
    for problem in (one for said in told for one in announce(night.run.settings, said)):
        sys.stderr.write(f"touchstone: {problem}; the run itself is done.\n")
    troubled = summary["troubled_files"]
    if troubled:
        name, why = next(iter(troubled.items()))
        raise TouchstoneError(
            f"The run is done but for {len(troubled)} of the inbox: {printable(name)}, {why}; give "
            "this user the right to read and remove it, and run again."
        )
    if summary["held_back"]:
        raise TouchstoneError(
            f"The tables of {night.run.run_id} are made and held back: {summary['held_back'][0]}. "
            + tell_held(night.run.run_id)
        )
    refuse_gaps(night.fetched)
    return 0


def moment(text: str | None) -> datetime:
    """The time of a run: given, with UTC where it names no zone, or now."""
    if text is None:
        return datetime.now(UTC)
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise TouchstoneError(
            f"--now {text} is not a time; write it like 2026-11-22T02:15:00+00:00."
        ) from error
    return given if given.tzinfo else given.replace(tzinfo=UTC)
