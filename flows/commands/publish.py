"""`touchstone publish`: answer for a snapshot that is held back, or hand on the current one."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

from flows.announcing import announce_to_folder, announce_to_webhook
from flows.cli import show
from flows.erasing.carry_out import finish_released
from rules.queues import Queues
from store.errors import DecisionLogError, TouchstoneError
from store.lock import one_writer
from store.postgresql import copy_to_postgresql
from store.publications import Said, answer_held
from store.queueing import queue_of, show_queue
from store.rulebook import read_feeds, read_rule
from store.settings import Settings
from store.snapshot import current_run, held_back, open_snapshot, release
from store.state.open import open_state
from store.state.staging import live_run


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("run_id", nargs="?", metavar="RUN", help="the run, e.g. R0005")
    parser.add_argument("--by", metavar="NAME", help="who releases it")
    parser.add_argument(
        "--withhold", action="store_true", help="RUN stays back: it is answered, and not published"
    )
    parser.add_argument("--because", metavar="TEXT", help="why, for whoever looks later")
    parser.add_argument(
        "--to",
        metavar="URL",
        help="postgresql://user@host/database: bring a copy of the tables there to the current "
        "snapshot (password in PGPASSWORD); https://…: tell a webhook what changed; else a folder: "
        "write what changed as NDJSON, a file for each run",
    )
    parser.add_argument(
        "--since", metavar="RUN", help="tell again what changed after this run ('' for all)"
    )
    parser.set_defaults(refuse=parser.error)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Say what is held back, or answer for it, which the decision log notes first."""
    if arguments.to:
        return _bring(arguments, settings)
    if not arguments.run_id:
        return _tell(arguments, settings)
    if not arguments.by or not arguments.because:
        arguments.refuse("an answer needs --by NAME and --because TEXT")
    with one_writer(settings.lock):
        held = held_back(settings)
        is_held = held is not None and held[0] == arguments.run_id
        if not is_held and (arguments.withhold or not _is_half_done(settings, arguments.run_id)):
            raise TouchstoneError(
                f"{arguments.run_id} is not held back; `touchstone publish` says what is."
            )
        if is_held:
            _answer(arguments, settings, "withhold" if arguments.withhold else "publish")
        if not arguments.withhold:
            _release(arguments, settings)
    told = "stays back" if arguments.withhold else "is published"
    answer = {"run_id": arguments.run_id, "published": not arguments.withhold}
    show(answer, f"{arguments.run_id} {told}.", as_json=arguments.json)
    return 0


def _is_half_done(settings: Settings, run_id: str) -> bool:
    """Whether readers have the snapshot and the queue does not: a release was killed there."""
    with open_state(settings) as state:
        number = live_run(state.engine)
    return current_run(settings) == run_id and number is not None and run_id != f"R{number:04d}"


def _release(arguments: argparse.Namespace, settings: Settings) -> None:
    """Lead readers and the queue to it."""
    with open_snapshot(settings, arguments.run_id) as con:
        queues = read_rule(settings.rules / "queues.toml", Queues)
        items = queue_of(con, read_feeds(settings.rules), queues)
    release(settings, arguments.run_id)
    show_queue(settings, items, arguments.run_id, datetime.now(UTC), queues)
    finish_released(settings, arguments.run_id)


def _bring(arguments: argparse.Namespace, settings: Settings) -> int:
    """Bring what is published to where it was asked for."""
    if arguments.to.startswith(("postgresql://", "postgres://", "postgresql+pg8000://")):
        return _copy(arguments, settings)
    if arguments.to.startswith(("https://", "http://")):
        told = announce_to_webhook(settings, arguments.to, arguments.since)
    elif "://" in arguments.to:
        arguments.refuse("--to is postgresql://…, https://… or a folder")
    else:
        told = announce_to_folder(settings, Path(arguments.to), arguments.since)
    what = "messages" if "://" in arguments.to else "files"
    text = f"{told.changes:,} changes were told in {told.parts:,} {what}."
    show(told._asdict(), text, as_json=arguments.json)
    return 0


def _copy(arguments: argparse.Namespace, settings: Settings) -> int:
    copied = copy_to_postgresql(settings, arguments.to)
    count = f"{sum(copied.rows.values()):,} rows of {len(copied.rows)} tables were written"
    what = f"those that differ from {copied.before}" if copied.before else "all there are"
    text = f"The copy is at {copied.run_id}: {count}, {what}."
    if copied.before == copied.run_id:
        text = f"The copy is at {copied.run_id} already."
    show(copied._asdict(), text, as_json=arguments.json)
    return 0


def _tell(arguments: argparse.Namespace, settings: Settings) -> int:
    held = held_back(settings)
    if held is None:
        text = f"Nothing is held back; {current_run(settings) or 'nothing'} is published."
    else:
        text = "\n".join([f"{held[0]} is held back:", *(f"  {why}." for why in held[1])])
        text += f"\n`touchstone publish {held[0]} --by NAME --because TEXT` publishes it."
    told = {"current": current_run(settings), "held": held and held[0]}
    show(told, text, as_json=arguments.json)
    return 0


def _answer(
    arguments: argparse.Namespace, settings: Settings, kind: Literal["publish", "withhold"]
) -> None:
    """Note the answer in the decision log."""
    queues = read_rule(settings.rules / "queues.toml", Queues)
    said = Said(arguments.run_id, kind, arguments.by, arguments.because, f"{kind}-{uuid4()}")
    try:
        with open_state(settings) as state:
            answer_held(settings, state.engine, queues, said)
    except (DecisionLogError, ValueError) as error:
        raise TouchstoneError(f"The answer cannot be noted: {error}") from error
