"""`touchstone publish`: release a snapshot that the gates held back, or copy the current one."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from flows.announcing import announce_to_folder, announce_to_webhook
from flows.cli import show
from flows.erasing.carry_out import finish_released
from rules.decision import NewDecision, Publication
from rules.queues import Queues
from store.decisions import DecisionLogError, open_decisions
from store.errors import TouchstoneError
from store.lock import one_writer
from store.postgresql import copy_to_postgresql
from store.queueing import queue_of, show_queue
from store.rulebook import read_feeds, read_rule
from store.settings import Settings
from store.snapshot import current_run, held_back, open_snapshot, release


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("run_id", nargs="?", metavar="RUN", help="the run, e.g. R0005")
    parser.add_argument("--by", metavar="NAME", help="who releases it")
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
    """Say what is held back, or release it, which the decision log notes first."""
    if arguments.to:
        return _bring(arguments, settings)
    if not arguments.run_id:
        return _tell(arguments, settings)
    if not arguments.by or not arguments.because:
        arguments.refuse("a release needs --by NAME and --because TEXT")
    with one_writer(settings.lock):
        held = held_back(settings)
        if held is None or held[0] != arguments.run_id:
            raise TouchstoneError(
                f"{arguments.run_id} is not held back; `touchstone publish` says what is."
            )
        _note(arguments, settings)
        with open_snapshot(settings, arguments.run_id) as con:
            queues = read_rule(settings.rules / "queues.toml", Queues)
            items = queue_of(con, read_feeds(settings.rules), queues)
        release(settings, arguments.run_id)
        show_queue(settings, items, arguments.run_id, datetime.now(UTC))
        finish_released(settings, arguments.run_id)
    text = f"{arguments.run_id} is published."
    show({"run_id": arguments.run_id, "published": True}, text, as_json=arguments.json)
    return 0


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
    told = {"current": current_run(settings), "held": held and held[0]}
    show(told, text, as_json=arguments.json)
    return 0


def _note(arguments: argparse.Namespace, settings: Settings) -> None:
    try:
        with open_decisions(settings.log_url) as log:
            log.add(
                NewDecision(
                    decided_by=arguments.by,
                    kind="publish",
                    subject=Publication(run_id=arguments.run_id),
                    because=arguments.because,
                    snapshot_run_id=current_run(settings),
                    idempotency_key=f"publish-{uuid4()}",
                )
            )
    except (DecisionLogError, ValueError) as error:
        raise TouchstoneError(f"The release cannot be noted: {error}") from error
