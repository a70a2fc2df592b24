"""`touchstone audit`: measure each source, find what is wrong, remove what is past its days."""

import argparse
import sys

from flows.alerts import tell_of_audit, telling_of_failure
from flows.audit import FINDINGS, Told, audit
from flows.cli import show
from flows.commands.nightly import moment
from flows.summary import Teller
from store.errors import TouchstoneError
from store.marts import MEASURES
from store.settings import Settings


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--now", metavar="TIME", help="ISO 8601: the time of the audit")
    parser.add_argument(
        "--check", action="store_true", help="say what is past its days, and remove nothing"
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Audit, and say what came of it."""
    with telling_of_failure(settings, "An audit"):
        progress = Teller(quiet=arguments.json)
        now = moment(arguments.now)
        told = audit(settings, now, progress, remove=not arguments.check)
    show(told, _text(told), as_json=arguments.json)
    for problem in tell_of_audit(settings, told["wrong"], now):
        sys.stderr.write(f"touchstone: {problem}\n")
    if told["wrong"]:
        raise TouchstoneError(told["wrong"])
    return 0


def _rescored(rescored: Told) -> str:
    if rescored["skipped"]:
        return f"Pairs: {rescored['skipped']}."
    count = ", ".join(f"{count:,} {band}" for band, count in rescored["pairs"].items()) or "none"
    return f"Pairs scored again: {count}; {rescored['differing']:,} come out otherwise."


def _text(told: Told) -> str:
    heads = ["source", "records", *MEASURES]
    rows = [heads, *([_shown(one[head]) for head in heads] for one in told["sources"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
             for row in rows]  # fmt: skip
    found = told["found"] | {"nearly_duplicates": len(told["nearly_duplicates"])}
    lines += ["", *(f"{count:>9,}  {FINDINGS[name]}" for name, count in found.items()), ""]
    lines.append(_rescored(told["rescored"]))
    word = "removed" if "removed" in told else "due"
    counts = {**told[word], **{name: count for name, count in told["aged"].items() if count}}
    gone = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    lines.append(f"{'Removed' if word == 'removed' else 'Past their days'}: {gone}.")
    lines += [f"{name} is {size:,} bytes smaller." for name, size in told["compacted"].items()]
    return "\n".join(line.rstrip() for line in lines)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "–" if value is None else str(value)
