"""Announce what the runs did to customers: as files of a folder, or to a webhook.

Either tells ids and fields, never values: who hears of a change asks for the customer. Where it
stopped is kept, so that the next time goes on from there; told twice is the same under one id.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import duckdb
import httpx
from standardwebhooks import Webhook

from store.changes import Change, Cursor, changes_from
from store.errors import TouchstoneError
from store.files import read_json, sync_file, sync_folder, write_json
from store.secrets import read_secret
from store.settings import Settings
from store.snapshot import open_snapshot

KEY = "WEBHOOK_KEY"
"""The secret by which messages are signed: whsec_ and Base64."""
MOST = 200
"""Changes in one message."""
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each new try of a message that was not taken."""
LONGEST_PAUSE = 60.0
TYPE = "customers.changed"


class Announced(NamedTuple):
    """What was told."""

    changes: int
    parts: int
    """Files or messages."""
    cursor: str


def announce_to_folder(settings: Settings, folder: Path, since: str | None) -> Announced:
    """Write one file for each run that has none, `changes-R0001.ndjson`; complete, or not at all.

    With `since`, a run, those of all later runs are written again.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    there = sorted(path.stem.removeprefix("changes-") for path in folder.glob("changes-R*.ndjson"))
    last = (there[-1] if there else "") if since is None else since
    count, files = 0, 0
    with open_snapshot(settings) as con:
        parts = changes_from(con, _after(last), 10_000)
        for run_id, of_run in groupby(parts, key=lambda part: str(part[0]["run_id"])):
            count += _write_lines(folder / f"changes-{run_id}.ndjson", of_run)
            last, files = run_id, files + 1
    return Announced(count, files, last)


def _write_lines(path: Path, parts: Iterable[list[Change]]) -> int:
    """Write a file for its owner alone, a change a line; how many."""
    draft, count = path.with_name(f".{path.name}.draft"), 0
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    with draft.open("w", encoding="utf-8") as out:
        for changes in parts:
            out.writelines(json.dumps(change, ensure_ascii=False) + "\n" for change in changes)
            count += len(changes)
    sync_file(draft)
    draft.replace(path)
    sync_folder(path.parent)
    return count


def announce_to_webhook(
    settings: Settings,
    address: str,
    since: str | None,
    pause: Callable[[float], None] = time.sleep,
) -> Announced:
    """Send what is new as signed messages, each until it is taken."""
    _insist_safe(address)
    signer = Webhook(read_secret(settings, KEY))
    place = (
        settings.data / "announced" / f"{hashlib.sha256(address.encode()).hexdigest()[:16]}.json"
    )
    cursor = _after(since) if since is not None else _kept(place)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    count, messages = 0, 0
    with open_snapshot(settings) as con, httpx.Client(timeout=30) as client:
        for message_id, changes in _messages(con, cursor):
            body = json.dumps(_message(changes), ensure_ascii=False)
            _send(client, address, _signed(signer, message_id, body), body, pause)
            cursor = Cursor.at(changes[-1])
            write_json(place, {"cursor": str(cursor), "run_id": cursor.run_id})
            count, messages = count + len(changes), messages + 1
    return Announced(count, messages, str(cursor))


def _after(run_id: str) -> Cursor:
    """Past all that this run did."""
    return Cursor(run_id, "\U0010ffff") if run_id else Cursor()


def _kept(place: Path) -> Cursor:
    """Where the last time stopped."""
    return Cursor.read(read_json(place)["cursor"]) if place.exists() else Cursor()


def _messages(con: duckdb.DuckDBPyConnection, cursor: Cursor) -> Iterator[tuple[str, list[Change]]]:
    """Parts of the feed under ids that are the same whenever they are sent."""
    for changes in changes_from(con, cursor, MOST):
        named = json.dumps([Cursor.at(changes[0]), Cursor.at(changes[-1])])
        digest = hashlib.sha256(named.encode()).hexdigest()[:24]
        yield f"{changes[0]['run_id']}-{digest}", changes


def _message(changes: list[Change]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    data = {"changes": changes, "next": str(Cursor.at(changes[-1]))}
    return {"type": TYPE, "timestamp": now, "data": data}


def _signed(signer: Webhook, message_id: str, body: str) -> Callable[[], dict[str, str]]:
    """The headers of a message, made anew at each try: the time is part of the signature."""

    def headers() -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signer.sign(message_id, now, body),
        }

    return headers


def _send(
    client: httpx.Client,
    address: str,
    headers: Callable[[], dict[str, str]],
    body: str,
    pause: Callable[[float], None],
) -> None:
    """Send one message until it is taken; what does not pass by itself is an error at once."""
    told = ""
    for seconds in (*PAUSES, None):
        try:
            answer = client.post(address, content=body.encode(), headers=headers())
        except httpx.TransportError as error:
            told, wait = type(error).__name__, 0.0
        else:
            if answer.is_success:
                return
            told, wait = f"status {answer.status_code}", _asked_pause(answer)
            if answer.status_code not in {408, 425, 429} and answer.status_code < 500:
                break
        if seconds is not None:
            pause(max(seconds, wait))
    raise TouchstoneError(
        f"The webhook did not take a message ({told}); what was taken is noted, and the next time "
        "goes on from there."
    )


def _asked_pause(answer: httpx.Response) -> float:
    said = answer.headers.get("retry-after", "")
    return min(float(said), LONGEST_PAUSE) if said.isascii() and said.isdigit() else 0.0


def _insist_safe(address: str) -> None:
    parts = urlsplit(address)
    is_here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme != "https" and not is_here:
        raise TouchstoneError("A webhook is told over https; give its https:// address.")
