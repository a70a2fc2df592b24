"""A folder of an SFTP server as a place to fetch files from.

The server must show the host key that stands in `rules/known_hosts`. Nothing else of this machine
is used: no agent, no configuration, no keys but the one that is named. Every step has its time, so
that a server that falls silent holds nobody.
"""

import asyncio
import logging
import stat
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from rules.fetch import FromSftp
from store.fetch.files import MOST, Remote
from store.fetch.trying import FetchError, FileRefusedError, TryAgainError

T = TypeVar("T")

_CHUNK = 1 << 20


class SftpFolder:
    """The files of one folder on a server; it connects when it is needed, and again."""

    def __init__(self, rule: FromSftp, secret: str, known_hosts: Path) -> None:
        try:
            import asyncssh
        except ImportError:
            raise FetchError(
                "SFTP needs a package that is not installed; install touchstone[sftp]"
            ) from None
        logging.getLogger("asyncssh").setLevel(logging.ERROR)
        self._ssh: Any = asyncssh  # a module
        self._rule = rule
        self._login = _login(self._ssh, rule, secret)
        self._known_hosts = known_hosts
        if not known_hosts.is_file():
            raise FetchError(
                "there is no rules/known_hosts; put the server's key there, as its owner gave it"
            )
        self._runner = asyncio.Runner()
        self._connection: Any = None  # of asyncssh, which may be missing
        self._sftp: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._hang_up()
        self._runner.close()

    def entries(self) -> list[Remote]:
        """Everything in it."""
        with self._explained(FetchError, "the folder"):
            return self._run(self._list())

    def look(self, name: str) -> Remote:
        """One file as it is now."""
        with self._explained(FileRefusedError, "it"):
            found = self._run(self._client().lstat(self._path(name)))
            return _remote(name, found)

    def read(self, name: str, offset: int) -> Iterator[bytes]:
        """The bytes of a file from here on."""
        with self._explained(FileRefusedError, "it"):
            content = self._run(self._client().open(self._path(name), "rb"))
            try:
                while chunk := self._run(content.read(_CHUNK, offset)):
                    yield chunk
                    offset += len(chunk)
            finally:
                with suppress(Exception):  # a line that is broken cannot be closed
                    self._run(content.close())

    def _path(self, name: str) -> str:
        return f"{self._rule.folder.rstrip('/')}/{name}"

    async def _list(self) -> list[Remote]:
        found: list[Remote] = []
        client = await self._connected()
        async for entry in client.scandir(self._rule.folder):
            if entry.filename not in {".", ".."}:
                found.append(_remote(entry.filename, entry.attrs))
            if len(found) > MOST:
                break
        return found

    def _client(self) -> Any:  # of asyncssh
        return self._run(self._connected())

    async def _connected(self) -> Any:  # of asyncssh
        if self._sftp is None:
            rule = self._rule
            self._connection = await self._ssh.connect(
                rule.host,
                rule.port,
                username=rule.user,
                known_hosts=str(self._known_hosts),
                config=[],
                agent_path=None,
                connect_timeout=rule.timeout,
                login_timeout=rule.timeout,
                **self._login,
            )
            self._sftp = await self._connection.start_sftp_client(path_errors="surrogateescape")
        return self._sftp

    def _run(self, step: Coroutine[Any, Any, T]) -> T:
        """One step, for as long as the rule has patience."""

        async def bounded() -> T:
            return await asyncio.wait_for(step, self._rule.timeout)

        return self._runner.run(bounded())

    def _hang_up(self) -> None:
        connection, self._connection, self._sftp = self._connection, None, None
        if connection is not None:
            connection.abort()
            with suppress(Exception):  # whatever ended it is told already
                self._run(connection.wait_closed())

    @contextmanager
    def _explained(self, refusal: type[Exception], what: str) -> Iterator[None]:
        """Say what may pass and what may not; no address and no name goes into the words."""
        ssh = self._ssh
        try:
            yield
        except (ssh.HostKeyNotVerifiable, ssh.KeyExchangeFailed) as error:
            raise FetchError(
                "the server does not show the host key of rules/known_hosts; ask its owner, and do "
                f"not go on until it is clear why ({type(error).__name__})"
            ) from None
        except ssh.PermissionDenied:
            raise FetchError("the server refuses the user or the secret") from None
        except (ssh.SFTPNoSuchFile, ssh.SFTPNoSuchPath):
            raise refusal(f"{what} is not there") from None
        except (ssh.SFTPPermissionDenied, ssh.SFTPNotADirectory):
            raise refusal(f"{what} may not be read by this user") from None
        except (ssh.Error, OSError, TimeoutError, EOFError) as error:
            self._hang_up()
            raise TryAgainError(f"the line to the server broke ({type(error).__name__})") from None


def _login(ssh: Any, rule: FromSftp, secret: str) -> dict[str, Any]:  # what asyncssh takes
    if rule.password is not None:
        ways = "keyboard-interactive,password"
        return {"password": secret, "client_keys": None, "preferred_auth": ways}
    try:
        key = ssh.import_private_key(secret + "\n")
    except (ssh.KeyImportError, ssh.KeyEncryptionError):
        raise FetchError(
            f"the secret {rule.key} is not a private key without a passphrase"
        ) from None
    return {"client_keys": [key], "preferred_auth": "publickey"}


def _remote(name: str, found: Any) -> Remote:  # attributes of asyncssh
    is_plain = found.permissions is not None and stat.S_ISREG(found.permissions)
    return Remote(name, found.size or 0, int(found.mtime or 0) * 1_000_000_000, is_plain)
