"""`touchstone backup`: one archive of all there is, while the app goes on."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from flows.backing import back_up
from flows.cli import show
from store.settings import Settings


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="the archive (touchstone-<time>.tar here)"
    )
    parser.add_argument(
        "--days",
        metavar="N",
        type=int,
        default=30,
        help="for how long it will be kept; receipts of erasures say so (30)",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the archive and say where it is."""
    now = datetime.now(UTC)
    target = arguments.out or Path(f"touchstone-{now:%Y%m%dT%H%M%SZ}.tar")
    manifest = back_up(settings, target, now, arguments.days)
    size = sum(size for _, size in manifest.files.values())
    told = {"file": str(target), "files": len(manifest.files), "bytes": size, **manifest.about}
    text = f"{len(manifest.files):,} files, {size:,} bytes, are in {target}."
    if not manifest.about["has_decisions"]:
        text += " No decisions are in it: back up their own database at the same time."
    show(told, text, as_json=arguments.json)
    return 0
