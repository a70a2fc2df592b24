"""Partners on loopback: a REST endpoint and an SFTP server that fail as a test tells them to."""

import asyncio
import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import asyncssh

from rules.feed import Feed
from store.fetch import Fetched, fetch_feed
from store.settings import Settings

NOW = datetime(2026, 3, 2, 2, 15, tzinfo=UTC)


def feed_of(fetch: dict[str, Any], path: str, **more: Any) -> Feed:
    """A feed that fetches so, its columns two."""
    ending = "json" if path.endswith("json") else "csv"
    given = {
        "source": "acme",
        "title": "Acme",
        "channel": "partner_feed",
        "owner": "acme@example.com",
        "trust": 50,
        "read": {"format": ending, "path": path},
        "columns": {"id": "source_key", "name": "full_name"},
        "fetch": fetch,
    }
    return Feed.model_validate(given | more)


def fetch_now(settings: Settings, feed: Feed, seconds: float = 30) -> Fetched:
    """One fetch of this feed alone."""
    return fetch_feed(settings, feed, {feed.source: feed}, NOW, seconds)


def inbox_of(settings: Settings) -> dict[str, bytes]:
    """What lies in the inbox, hidden files too, by path."""
    return {
        path.relative_to(settings.inbox).as_posix(): path.read_bytes()
        for path in sorted(settings.inbox.rglob("*"))
        if path.is_file()
    }


class Request(NamedTuple):
    """What a REST partner was asked."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    number: int
    """How many requests came before it."""


class Reply(NamedTuple):
    """What a REST partner says; `cut` ends the line after so many bytes of the body."""

    status: int = 200
    body: bytes = b"[]"
    headers: Mapping[str, str] = MappingProxyType({})
    cut: int | None = None
    has_length: bool = True


def page(records: list[Any], **more: Any) -> Reply:
    """A page of records under `data`."""
    return Reply(body=json.dumps({"data": records, **more}).encode())


class RestPartner:
    """Answers by `answer`, which may be changed while it runs, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Callable[[Request], Reply] = lambda _: Reply()
        self.asked: list[Request] = []
        self.url = ""


@contextmanager
def rest_partner() -> Iterator[RestPartner]:
    """A REST endpoint for the length of a test."""
    partner = RestPartner()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            request = Request(
                parts.path, dict(parse_qsl(parts.query)), dict(self.headers), len(partner.asked)
            )
            partner.asked.append(request)
            self._send(partner.answer(request))

        def _send(self, reply: Reply) -> None:
            body = reply.body
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.headers.get("Content-Encoding") == "gzip":
                body = gzip.compress(body)
            if reply.has_length:
                self.send_header("Content-Length", str(len(body)))
            else:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body[: reply.cut])
            if reply.cut is not None or not reply.has_length:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Tell nobody."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    partner.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield partner
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class SftpPartner:
    """A server whose files lie in `folder`; `on_read` may fail, or change them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.on_read: Callable[[str, int], None] = lambda _name, _offset: None
        self.listed: list[str] | None = None
        """Names that it lists in the place of the real ones."""
        self.logins = 0
        self.bytes_read = 0
        self.port = 0
        self.host_key = ""
        self.break_line: Callable[[], None] = lambda: None


@contextmanager
def sftp_partner(folder: Path, client_key: str, password: str) -> Iterator[SftpPartner]:
    """An SFTP server for the length of a test."""
    partner = SftpPartner(folder)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_serve(partner, client_key, password), loop).result()
    partner.port = server.sockets[0].getsockname()[1]
    try:
        yield partner
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve(partner: SftpPartner, client_key: str, password: str) -> Any:
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    partner.host_key = host_key.export_public_key().decode().strip()
    allowed = asyncssh.import_public_key(client_key)

    class Login(asyncssh.SSHServer):
        def connection_made(self, conn: Any) -> None:
            partner.logins += 1
            partner.break_line = conn.abort

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, given: str) -> bool:
            return (username, given) == ("touchstone", password)

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: Any) -> bool:
            return bool(username == "touchstone" and key == allowed)

    class Files(asyncssh.SFTPServer):
        def __init__(self, chan: Any) -> None:
            super().__init__(chan, chroot=str(partner.folder).encode())

        def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
            return path.decode(), super().open(path, pflags, attrs)

        def read(self, file_obj: Any, offset: int, size: int) -> bytes:
            name, content = file_obj
            partner.on_read(name, offset)
            found = super().read(content, offset, size)
            partner.bytes_read += len(found)
            return found

        def close(self, file_obj: Any) -> None:
            super().close(file_obj[1])

        async def scandir(self, path: bytes) -> Any:
            if partner.listed is None:
                async for entry in super().scandir(path):
                    yield entry
            else:
                attrs = asyncssh.SFTPAttrs(permissions=0o100644, size=3, mtime=1)
                for name in partner.listed:
                    yield asyncssh.SFTPName(name.encode("utf-8", "surrogateescape"), attrs=attrs)

    return await asyncssh.create_server(
        Login,
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        sftp_factory=Files,
    )


async def _end(server: Any) -> None:
    server.close()
    await server.wait_closed()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
