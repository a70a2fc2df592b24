"""Answer a fault of ours with a number and nothing else, and log its kind under that number.

What an error says may hold a value of a customer, so neither the log nor the answer repeats it.
"""

import logging
from pathlib import Path
from secrets import token_hex
from traceback import extract_tb

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steward.answers import refused
from steward.problem import Problem

LOG = logging.getLogger("touchstone.steward")


def note_fault(error: Exception) -> str:
    """Log where it happened; the number under which the log has it."""
    number = token_hex(4)
    frame = extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    LOG.error("fault %s: %s at %s", number, type(error).__name__, where)
    return number


def fault(number: str) -> Problem:
    """What a program is told."""
    return Problem(
        "fault_of_ours", f"Send it again; if it happens again, tell us the number {number}."
    )


class Faults:
    """Answer whatever nobody else caught, with the headers that every answer has."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        has_begun = False

        async def send_and_see(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_see)
        except Exception as error:
            number = note_fault(error)
            if scope["type"] != "http" or has_begun:
                raise
            await refused(fault(number))(scope, receive, send)
