"""`touchstone export`: all that is held on a person, for the person who asks."""

import argparse
import json
from pathlib import Path

from flows.cli import show
from flows.held_on import tell_held
from flows.page import write_page
from store.errors import TouchstoneError
from store.files import write_private
from store.settings import Settings


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "id",
        metavar="ID",
        help="a customer (C3-417), a customer's old id, or a record (source:key)",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="the page to write, or JSON if its name ends so (export-<id>.html here; with --json "
        "none unless named)",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the page, or print what would be in it, and say where it is."""
    told = tell_held(settings, arguments.id)
    page = arguments.out
    if page is None and not arguments.json:
        page = Path(f"export-{told['customer_id']}.html")
    if page is not None:
        if page.is_dir():
            raise TouchstoneError(f"{page} is a folder; name a file with --out.")
        if page.suffix == ".json":
            write_private(page, json.dumps(told, default=str, ensure_ascii=False, indent=1))
        else:
            write_page(page, "held.html", **told)
    show(
        told,
        f"All that is held on {told['customer_id']} is in {page}: {len(told['versions'])} versions "
        "of its records. Only you can read the file; send it safely, then remove it.",
        as_json=arguments.json,
    )
    return 0
