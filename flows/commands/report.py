"""`touchstone report`: a page on a run, or on one delivery for the owner of its feed."""

import argparse
import re
from pathlib import Path

from flows.cli import show
from flows.delivered import tell_delivery
from flows.page import write_page
from flows.run_report import read_report, write_report
from store.errors import TouchstoneError
from store.rulebook import read_rulebook
from store.settings import Settings
from store.snapshot import current_run

_RUN = re.compile(r"R\d{4,}")


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "about",
        metavar="RUN|DELIVERY",
        nargs="?",
        help="a run, e.g. R0002 (unset: the current one); or a delivery: its number, or its id or "
        "the first 8 signs of it",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="the page to write (report-<name>.html here; with --json none unless named)",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the page, or print what would be in it, and say where it is."""
    about = arguments.about or current_run(settings)
    if about is None or _RUN.fullmatch(about):
        return _on_run(arguments, settings, about)
    told = tell_delivery(settings, about)
    page = _page(arguments, str(told["delivery_number"]))
    if page is not None:
        write_page(page, "delivery.html", **told)
    state = told["state"].replace("_", " ")
    show(
        told,
        f"Delivery {told['delivery_number']}, {told['file_name']}, is {state}; its report is "
        f"in {page}.",
        as_json=arguments.json,
    )
    return 0


def _on_run(arguments: argparse.Namespace, settings: Settings, run_id: str | None) -> int:
    """Write the page on a run, or print its figures."""
    told = read_report(settings, run_id)
    name = told.run["run_id"]
    page = _page(arguments, name)
    if page is not None:
        write_report(settings, read_rulebook(settings.rules), name, page)
    counts = {".".join(key).strip("."): series[-1] for key, series in told.counts.items()}
    arrived = [one._asdict() for one in told.arrived]
    show(
        {"run": told.run, "counts": counts, "arrived": arrived, "reasons": dict(told.reasons)},
        f"The report on {name} is in {page}; it holds no personal data.",
        as_json=arguments.json,
    )
    return 0


def _page(arguments: argparse.Namespace, name: str) -> Path | None:
    """The page to write; none where the answer is for a program."""
    page: Path | None = arguments.out
    if page is None and not arguments.json:
        page = Path(f"report-{name}.html")
    if page is not None and page.is_dir():
        raise TouchstoneError(f"{page} is a folder; name a file with --out.")
    return page
