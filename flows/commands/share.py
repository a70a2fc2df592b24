"""`touchstone share`: hand a person the part of the snapshot that is theirs to have."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from flows.cli import show
from flows.sharing.personal import Treatment
from flows.sharing.share import FORMATS, Order, check, share
from store.errors import TouchstoneError
from store.settings import Settings
from store.state.open import open_state

DAYS = 30


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the person who gets it")
    parser.add_argument("--by", metavar="NAME", help="who gives it; stands in the audit trail")
    parser.add_argument("--because", metavar="TEXT", help="what it is for")
    parser.add_argument("--out", type=Path, metavar="DIR", help="a new folder for the tables")
    parser.add_argument("--format", choices=FORMATS, default="parquet", help="of the tables")
    parser.add_argument(
        "--personal",
        choices=get_args(Treatment),
        help="how clear personal data is (as clear as the person may see it)",
    )
    parser.add_argument(
        "--campaign", action="append", metavar="NAME", help="only this one of theirs; repeat"
    )
    parser.add_argument(
        "--dataset", action="append", metavar="SOURCE", help="only this one of theirs; repeat"
    )
    parser.add_argument("--days", type=int, default=DAYS, help=f"until it expires ({DAYS})")
    parser.add_argument(
        "--check", type=Path, metavar="DIR", help="say whether a share still holds and is whole"
    )
    parser.set_defaults(refuse=parser.error)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Share, or check a share, and say what came of it."""
    if arguments.check:
        return _check(arguments)
    if not (arguments.name and arguments.by and arguments.because and arguments.out):
        arguments.refuse("a share needs NAME, --by NAME, --because TEXT and --out DIR")
    order = Order(
        name=arguments.name,
        by=arguments.by,
        purpose=arguments.because,
        folder=arguments.out,
        format=arguments.format,
        days=arguments.days,
        treatment=arguments.personal,
        campaigns=frozenset(arguments.campaign or ()),
        datasets=frozenset(arguments.dataset or ()),
    )
    with open_state(settings) as state:
        manifest = share(order, settings, state)
    customers = manifest["files"][f"customers.{arguments.format}"]["rows"]
    says = (
        f"{customers:,} customers as of {manifest['run_id']} are in {arguments.out}, personal data "
        f"{manifest['personal']}, until {manifest['expires_at'][:10]}. Only you can read the "
        "files; send them safely."
    )
    show(manifest, says, as_json=arguments.json)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    problems = check(arguments.check, datetime.now(UTC))
    if problems:
        raise TouchstoneError(" ".join(problems))
    show(
        {"problems": []}, "The share holds, and its files are as they were.", as_json=arguments.json
    )
    return 0
