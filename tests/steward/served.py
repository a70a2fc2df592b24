"""The app as a process of its own, which can be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import randrange
from threading import Thread

from playwright.sync_api import Page

from store.settings import Settings
from tests.flows.builders import environment


def free_port() -> int:
    """A port of loopback that nobody listens on, below those that connections are given."""
    while True:
        port = randrange(20_000, 32_000)
        with suppress(OSError), socket.socket() as found:
            found.bind(("127.0.0.1", port))
            return port


class Served:
    """`touchstone steward` on loopback."""

    def __init__(self, settings: Settings) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.words = [sys.executable, "-m", "flows.cli", "steward", "--port", str(self.port)]
        self.words += ["--data", str(settings.data), "--rules", str(settings.rules)]
        self.log = settings.data / "app.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.words, env=environment(), stdout=log, stderr=log)
        until = time.monotonic() + 90
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(self.log.read_text())

    def end(self, how: signal.Signals) -> int:
        """Stop it; how it ended."""
        assert self.process is not None
        os.kill(self.process.pid, how)
        return self.process.wait(60)


@contextmanager
def served(settings: Settings) -> Iterator[Served]:
    """The app, started, and gone in the end."""
    app = Served(settings)
    try:
        app.start()
        yield app
    finally:
        if app.process is not None and app.process.poll() is None:
            app.end(signal.SIGKILL)


def open_at(page: Page, url: str, path: str) -> None:
    """Open a page of the app; `/customers?q=…` stands for typing it, since no address says it."""
    where, _, typed = path.partition("?q=")
    page.goto(f"{url}{where}")
    if typed:
        page.locator("main input[name=q]").fill(typed)
        page.locator("main input[name=q]").press("Enter")
        page.get_by_text(f"Found for “{typed}”").wait_for()


@contextmanager
def pages(folder: Path) -> Iterator[str]:
    """A web site of the files in `folder`; its origin."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
