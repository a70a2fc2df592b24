"""Send a message to a customer, by whoever the setting names.

`outbox` puts each into a file of its own, whose name says nothing, for a program of yours to take.
`program:PATH` runs a program of yours and gives it the message on its standard input, as the same
JSON; it has sent the message when it ends with 0. The message is in no log and no argument.
"""

import json
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol
from uuid import uuid4

from store.errors import TouchstoneError
from store.files import write_private
from store.settings import OUTBOX, PROGRAM, Settings

SECONDS = 20
"""How long a program may take; somebody waits at the desk."""
KEPT_SECONDS = 15 * 60
"""After so long a code is of no use, and what nobody took from the outbox is removed."""


class Message(NamedTuple):
    """What is to reach a customer."""

    channel: str
    """`email` or `phone`."""
    to: str
    """The address, or the number in E.164."""
    text: str


class SendingError(TouchstoneError):
    """The message was not sent."""


class Sender(Protocol):
    """Sends messages to customers."""

    def send(self, message: Message) -> None:
        """Send it, or raise `SendingError`."""


class Outbox:
    """Files in a folder, each its owner's alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: Message) -> None:
        """Put it into a file of its own, and remove what is of no use any more."""
        try:
            write_private(self._folder / f"{uuid4().hex}.json", _text(message))
        except OSError as error:
            raise SendingError("The message cannot be put into the outbox.") from error
        for path in self._folder.glob("*.json"):
            with suppress(FileNotFoundError):  # somebody takes it just now
                if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                    path.unlink()


class Program:
    """A program of the operator's, which is given the message."""

    def __init__(self, path: str) -> None:
        self._path = path

    def send(self, message: Message) -> None:
        """Run it, and wait until it has sent the message."""
        given = _text(message).encode()
        try:
            ended = subprocess.run(  # noqa: S603 - the operator names it, and no shell reads it
                [self._path], input=given, capture_output=True, timeout=SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            raise SendingError("The program that sends codes did not do so.") from None
        if ended.returncode:
            raise SendingError("The program that sends codes says that it was not sent.")


def sender_of(settings: Settings) -> Sender | None:
    """Who sends messages; none where nobody does."""
    named = settings.code_sender
    if named is None:
        return None
    if named == OUTBOX:
        return Outbox(settings.outbox)
    return Program(named.removeprefix(PROGRAM))


def _text(message: Message) -> str:
    return json.dumps(message._asdict(), ensure_ascii=False)
