"""`touchstone report`: a page on one delivery that the feed's owner can be sent."""

import argparse
from pathlib import Path

from flows.cli import show
from flows.delivered import tell_delivery
from flows.page import write_page
from store.errors import TouchstoneError
from store.settings import Settings


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "delivery", metavar="DELIVERY", help="its number, or its id or the first 8 signs of it"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="the page to write (report-<number>.html here; with --json none unless named)",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the page, or print what would be in it, and say where it is."""
    told = tell_delivery(settings, arguments.delivery)
    page = arguments.out
    if page is None and not arguments.json:
        page = Path(f"report-{told['delivery_number']}.html")
    if page is not None:
        if page.is_dir():
            raise TouchstoneError(f"{page} is a folder; name a file with --out.")
        write_page(page, "delivery.html", **told)
    state = told["state"].replace("_", " ")
    show(
        told,
        f"Delivery {told['delivery_number']}, {told['file_name']}, is {state}; its report is "
        f"in {page}.",
        as_json=arguments.json,
    )
    return 0
