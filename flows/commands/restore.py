"""`touchstone restore`: put back what a backup holds, after all of it was verified."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from flows.cli import show
from flows.restoring import restore
from store.settings import Settings


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("file", metavar="FILE", type=Path, help="an archive of `touchstone backup`")
    parser.add_argument(
        "--over", action="store_true", help="put aside what is in the data folder already"
    )
    parser.add_argument(
        "--decisions",
        metavar="FROM",
        type=Path,
        help="a newer backup, or a decisions.sqlite: what was decided since is replayed",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Restore and say what to do next."""
    told = restore(
        settings,
        arguments.file,
        datetime.now(UTC),
        over=arguments.over,
        decisions=arguments.decisions,
    )
    text = (
        f"{told['files']:,} files of {told['made_at']} are in {settings.data}, each as it was. The "
        f"rules of then are in {settings.data / 'rules'}; the next `touchstone nightly` goes on."
    )
    if told["put_aside"]:
        text += f" What was there is in {told['put_aside']}: remove it when you need it no more."
    if arguments.decisions:
        text += f" {told['replayed']:,} later decisions were replayed; the next run obeys them."
    show(told, text, as_json=arguments.json)
    return 0
