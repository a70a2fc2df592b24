"""See how each request was answered and how long it took."""

import time
from abc import ABC, abstractmethod

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Timed(ABC):
    """Middleware that notes each answer, also one that was never begun."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_see)
        finally:
            self.note(scope, status, time.perf_counter() - began)

    @abstractmethod
    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """Note an answer; 500 where none was begun."""
