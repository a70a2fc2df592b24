"""The command line: read the words, run one command, say what came of it in one sentence.

A command's module is imported only when it is run, so that help and small questions do not wait
for what they do not need.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from store.errors import TouchstoneError
from store.files import keep_private
from store.priority import give_way
from store.settings import Settings

COMMANDS = {
    "demo": "build the made-up company in data/demo and run its nights",
    "fetch": "bring what partners have for us into the inbox",
    "nightly": "take in what has arrived and publish what is known now",
    "rebuild": "make all tables anew from the kept deliveries",
    "feed": "draft a feed from a sample, or check feeds against their samples",
    "train": "propose a dated match model",
    "evaluate": "measure the clusters against a truth file",
    "blocking": "what the blocking rules cost, find and lose",
    "explain": "why these are, or are not, the same customer",
    "report": "write a page on a run, or on one delivery for the feed's owner",
    "scorecard": "write a page on how good each source is and what it brings",
    "query": "ask the current snapshot, read-only",
    "steward": "start the web app, which takes posts in",
    "decide": "answer a review item; the next run obeys",
    "escalate": "take review items that are past due to the next level",
    "publish": "release a snapshot that was held back, or hand on the current one",
    "user": "add a person, change what they may do, or list all",
    "token": "let a program ask the read API, or take that back",
    "erase": "erase a person from all that is kept, with a receipt",
    "audit": "measure each source, and remove what is past its days",
    "export": "write all that is held on a person",
    "share": "hand a person the part of the snapshot that is theirs to have",
    "pseudonymise": "write deliveries for testing, everybody under another name",
    "backup": "write one archive of all there is",
    "restore": "put back what a backup holds",
    "doctor": "is everything in order, and if not, what to do",
}

GIVES_WAY = frozenset({"nightly", "rebuild", "audit", "train"})
"""Commands that nobody waits for: whoever works in the app meanwhile goes before them."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did all it was asked, 1 on failure, 2 on wrong usage."""
    arguments = _parser(words).parse_args(words)
    try:
        return _run(arguments)
    except TouchstoneError as error:
        print(f"touchstone: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("touchstone: stopped; run it again to go on where it was.", file=sys.stderr)
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:
        print(f"touchstone: {_say(error)}", file=sys.stderr)
    return 1


def show(answer: Any, text: str, *, as_json: bool) -> None:
    """Print an answer for a program or for a person; `Any` is whatever JSON can hold."""
    print(json.dumps(answer, default=str, ensure_ascii=False, indent=1) if as_json else text)


def _run(arguments: argparse.Namespace) -> int:
    places = {
        name: Path(given)
        for name in ("data", "rules")
        if (given := getattr(arguments, name)) is not None
    }
    settings = Settings().model_copy(update=places)
    if arguments.command != "feed":  # rule files are for the team, and hold nothing of anybody
        keep_private()
    if arguments.command in GIVES_WAY:
        give_way(settings.nightly_niceness)
    command = importlib.import_module(f"flows.commands.{arguments.command}")
    result: int = command.run(arguments, settings)
    return result


def _parser(words: Sequence[str] | None) -> argparse.ArgumentParser:
    """The parser; only the command that is asked for adds its own options."""
    parser = argparse.ArgumentParser(
        prog="touchstone", description="One golden record per customer, with its lineage."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = next((word for word in words or sys.argv[1:] if word in COMMANDS), None)
    for name, says in COMMANDS.items():
        command = commands.add_parser(name, help=says, description=says[0].upper() + says[1:])
        command.add_argument("--data", metavar="DIR", help="where the data lies (TOUCHSTONE_DATA)")
        command.add_argument("--rules", metavar="DIR", help="the rule files (TOUCHSTONE_RULES)")
        command.add_argument("--json", action="store_true", help="answer as JSON")
        if name == asked:
            importlib.import_module(f"flows.commands.{name}").options(command)
    return parser


def _say(error: OSError) -> str:
    """An operating system's refusal as a sentence with what to do."""
    where = Path(error.filename).name if error.filename else "a file"
    if error.errno == 28:
        return "The disk is full; free some space and run again: nothing was lost."
    if error.errno in {1, 13, 30}:
        return f"{where} may not be written or read; give this user the right and run again."
    return f"{where}: {error.strerror or error}; mend this and run again."


if __name__ == "__main__":
    sys.exit(main())
