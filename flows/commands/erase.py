"""`touchstone erase`: remove a person from all that is kept, and write a receipt."""

import argparse
import getpass
from pathlib import Path

from flows.cli import show
from flows.commands.nightly import moment
from flows.erasing.erase import Asked, Done, erase
from flows.erasing.receipt import receipt_path
from flows.erasing.requests import Request, read_requests, resolve_requests
from flows.summary import Teller
from store.errors import TouchstoneError
from store.settings import Settings


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="a customer (C3-417), a customer's old id, or a record (source:key) of the person",
    )
    parser.add_argument("--from", dest="file", metavar="FILE", type=Path, help="a CSV of requests")
    parser.add_argument(
        "--only", action="store_true", help="of a record: it alone, and not its whole customer"
    )
    parser.add_argument("--by", metavar="NAME", help="who asks; unset: who is signed in here")
    parser.add_argument("--now", metavar="TIME", help="ISO 8601: the time of the erasure")
    parser.add_argument(
        "--check", action="store_true", help="say who would be erased, and erase nobody"
    )
    parser.set_defaults(refuse=parser.error)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Erase, and say what came of it."""
    if bool(arguments.ids) == bool(arguments.file):
        arguments.refuse("name whom to erase, or give a file of requests with --from")
    if arguments.only and not all(":" in name for name in arguments.ids):
        arguments.refuse("--only is for records, source:key")
    now = moment(arguments.now)
    requests = read_requests(arguments.file) if arguments.file else []
    requests = resolve_requests(settings, requests, now) if requests else []
    ids = [*arguments.ids, *(name for one in requests for name in one.ids)]
    if arguments.check:
        show([one.told() for one in requests] or ids, _unclear(requests), as_json=arguments.json)
        return 0
    done = Done([], [])
    if ids:
        asked = Asked(ids, arguments.only, arguments.by or getpass.getuser())
        done = erase(settings, asked, now, Teller(quiet=arguments.json))
    show(_told(done, requests), _text(settings, done, requests), as_json=arguments.json)
    waiting = [one for one in requests if not one.ids]
    if waiting:
        raise TouchstoneError(
            f"{len(waiting)} of {len(requests)} requests do not tell for certain who is meant; "
            "look at the customers that are named, ask the person, and erase by id."
        )
    return 0


def _told(done: Done, requests: list[Request]) -> dict[str, object]:
    return {
        "receipts": done.receipts,
        "erased_before": done.before,
        "requests": [one.told() for one in requests],
    }


def _text(settings: Settings, done: Done, requests: list[Request]) -> str:
    lines = [
        f"Erased {sum(told['records_by_source'].values())} records of "
        f"{len(told['customers'])} customers; the receipt is in "
        f"{receipt_path(settings, told['erasure']).with_suffix('.txt')}."
        for told in done.receipts
    ]
    lines += [f"{name} was erased before; nothing of it was there." for name in done.before]
    return "\n".join([*lines, _unclear(requests)]).strip() or "There was nobody to erase."


def _unclear(requests: list[Request]) -> str:
    """What is to be said of requests: by their number, never by a name."""
    lines = []
    for one in requests:
        maybe = ", ".join(one.maybe) or "nobody"
        meant = ", ".join(one.ids) or f"not certain; {maybe} may be meant"
        lines.append(f"{one.name}: {meant}" + (f" ({one.why})" if one.why else ""))
    return "\n".join(lines)
