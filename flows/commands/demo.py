"""`touchstone demo`: build the made-up company and run its nights."""

import argparse
import runpy
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import rules
from flows.commands.nightly import tell
from flows.nightly import Night, nightly
from flows.summary import Teller
from store.errors import TouchstoneError
from store.settings import Settings

FIRST_NIGHT = datetime(2026, 3, 2, 2, 15, tzinfo=UTC)


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--people", type=int, default=2000, help="how many people (2000)")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another company (7)")
    parser.add_argument("--nights", type=int, default=3, choices=(1, 2, 3), help="nights to run")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Make the company's deliveries and run its nights on them, one after the other."""
    maker = Path(rules.__file__).parents[1] / "data" / "demo" / "generate.py"
    if not maker.exists():
        raise TouchstoneError(
            "The demo is made by data/demo/generate.py, which is not installed with the "
            "package; run it in a checkout of the repository."
        )
    if settings.warehouse.exists() or any(settings.raw.glob("[0-9]*")):
        raise TouchstoneError(
            f"{settings.data} has deliveries already, and the demo wants an empty place; "
            "name another with --data, or remove what is there."
        )
    made = settings.data / "demo-company"
    runpy.run_path(str(maker))["generate"](made, arguments.people, arguments.seed)
    night: Night | None = None
    for number in range(1, arguments.nights + 1):
        shutil.copytree(made / f"night_{number}", settings.inbox, dirs_exist_ok=True)
        teller = Teller(quiet=arguments.json, title=f"Night {number}")
        night = nightly(settings, FIRST_NIGHT + timedelta(days=number - 1), teller)
        if number < arguments.nights and not arguments.json:
            tell(night, arguments)
    return tell(night, arguments) if night else 1
