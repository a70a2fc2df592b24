"""Files of a folder, here and on a real SFTP server: new ones, changed ones, and traps."""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from rules.feed import Feed
from store.fetch import Fetched, trying
from store.fetch.local import LocalFolder
from store.lock import one_writer
from store.settings import Settings
from tests.store.partners import SftpPartner, feed_of, fetch_now, inbox_of, sftp_partner

OLD = time.time() - 3600
KEY = asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr(trying.time, "sleep", waited.append)
    return waited


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "rules").mkdir()
    (tmp_path / "data").mkdir()
    return Settings(data=tmp_path / "data", rules=tmp_path / "rules", threads=1)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def server(out: Path, waits: list[float]) -> Iterator[SftpPartner]:
    public = KEY.export_public_key().decode()
    with sftp_partner(out, public, "pass word") as running:
        yield running


@pytest.fixture(params=["folder", "sftp"])
def fetched(request: pytest.FixtureRequest, settings: Settings, out: Path) -> "Fetcher":
    """Fetches from the folder, as it is or over SFTP: both must do the same."""
    request.getfixturevalue("waits")
    if request.param == "folder":
        return lambda **more: fetch_now(settings, local(out, **more))
    server = request.getfixturevalue("server")
    trust(settings, server)
    request.getfixturevalue("monkeypatch").setenv("ACME_KEY", KEY.export_private_key().decode())
    return lambda **more: fetch_now(settings, remote(server, key="ACME_KEY", **more))


Fetcher = Callable[..., Fetched]


def local(out: Path, path: str = "acme/m_*.csv", **more: Any) -> Feed:
    return feed_of({"kind": "folder", "folder": str(out), **more}, path)


def remote(server: SftpPartner, path: str = "acme/m_*.csv", **more: Any) -> Feed:
    given = {"kind": "sftp", "host": "127.0.0.1", "port": server.port, "user": "touchstone"}
    return feed_of({**given, "folder": "/", "timeout": 2, **more}, path)


def trust(settings: Settings, server: SftpPartner) -> None:
    """Put the server's host key where it is looked for."""
    line = f"[127.0.0.1]:{server.port} {server.host_key}\n"
    (settings.rules / "known_hosts").write_text(line)


def drop(out: Path, name: str, content: bytes, changed: float = OLD) -> Path:
    path = out / name
    path.write_bytes(content)
    os.utime(path, (changed, changed))
    return path


def test_new_files_come_once_and_stay_where_they_were(
    fetched: Fetcher, settings: Settings, out: Path
) -> None:
    drop(out, "m_1.csv", b"one")
    drop(out, "m_2.csv", b"two")

    first, second = fetched(), fetched()

    assert (first.deliveries, first.byte_count, first.problems) == (2, 6, [])
    assert (second.deliveries, second.problems) == (0, [])
    assert inbox_of(settings) == {"acme/m_1.csv": b"one", "acme/m_2.csv": b"two"}
    assert sorted(path.name for path in out.iterdir()) == ["m_1.csv", "m_2.csv"]


def test_only_names_that_match_are_fetched_and_none_that_is_on_its_way(
    fetched: Fetcher, settings: Settings, out: Path
) -> None:
    for name in ("m_1.csv", "m_1.csv.part", "m_2.csv.tmp", ".m_3.csv", "~$m_4.csv", "other.txt"):
        drop(out, name, b"x")

    found = fetched(pattern="m_*.csv*")

    assert (list(inbox_of(settings)), found.problems) == (["acme/m_1.csv"], [])


def test_the_same_name_with_new_content_is_another_delivery(
    fetched: Fetcher, settings: Settings, out: Path
) -> None:
    drop(out, "m_1.csv", b"one")
    fetched()
    drop(out, "m_1.csv", b"other", OLD + 60)

    found = fetched()

    assert found.problems == []
    assert inbox_of(settings) == {"acme/m_1.csv": b"one", "acme/m_1~000002.csv": b"other"}


def test_a_file_that_was_only_touched_brings_nothing(
    fetched: Fetcher, settings: Settings, out: Path
) -> None:
    drop(out, "m_1.csv", b"one")
    fetched()
    drop(out, "m_1.csv", b"one", OLD + 60)

    assert fetched().deliveries == 0
    assert list(inbox_of(settings)) == ["acme/m_1.csv"]


def test_a_file_that_is_gone_is_remembered_and_not_missed(
    fetched: Fetcher, settings: Settings, out: Path
) -> None:
    path = drop(out, "m_1.csv", b"one")
    fetched()
    path.unlink()
    gone = fetched()
    drop(out, "m_1.csv", b"one")

    assert (gone.problems, fetched().deliveries) == ([], 0)


def test_a_young_file_is_waited_for(
    fetched: Fetcher, settings: Settings, out: Path, waits: list[float]
) -> None:
    drop(out, "m_1.csv", b"one", time.time() - 2)

    found = fetched(quiet_seconds=30)

    assert found.deliveries == 1
    assert len(waits) == 1
    assert 20 < waits[0] <= 28


def test_a_file_that_grows_while_it_is_waited_for_is_left_until_it_is_whole(
    fetched: Fetcher, settings: Settings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(out, "m_1.csv", b"one", time.time() - 2)
    monkeypatch.setattr(trying.time, "sleep", lambda _: path.write_bytes(b"one and more"))

    growing = fetched()

    assert (growing.deliveries, inbox_of(settings)) == (0, {})
    assert "still being written" in growing.notes[0]
    os.utime(path, (OLD, OLD))
    assert fetched().deliveries == 1
    assert inbox_of(settings) == {"acme/m_1.csv": b"one and more"}


def test_what_is_not_a_plain_file_is_told_of(
    fetched: Fetcher, settings: Settings, out: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("root")
    (out / "m_link.csv").symlink_to(tmp_path / "secret")
    (out / "m_folder.csv").mkdir()
    os.mkfifo(out / "m_pipe.csv")

    found = fetched()

    assert len(found.problems) == 3
    assert all("is not a plain file" in problem for problem in found.problems)
    assert inbox_of(settings) == {}


def test_a_file_past_the_limit_is_told_of(fetched: Fetcher, settings: Settings, out: Path) -> None:
    with (out / "m_huge.csv").open("wb") as content:
        content.truncate(11_000_000_000)
    drop(out, "m_small.csv", b"one")

    found = fetched()

    assert "'m_huge.csv' is larger than 10,000,000,000 bytes" in found.problems[0]
    assert list(inbox_of(settings)) == ["acme/m_small.csv"]


def test_a_large_file_arrives_whole(fetched: Fetcher, settings: Settings, out: Path) -> None:
    content = os.urandom(1 << 20) * 5 + b"end"
    drop(out, "m_1.csv", content)

    fetched()

    assert inbox_of(settings) == {"acme/m_1.csv": content}


def test_an_empty_file_is_a_delivery(fetched: Fetcher, settings: Settings, out: Path) -> None:
    drop(out, "m_1.csv", b"")

    assert fetched().deliveries == 1
    assert inbox_of(settings) == {"acme/m_1.csv": b""}


def test_a_folder_that_is_not_there_is_told_of(fetched: Fetcher) -> None:
    found = fetched(folder="/nowhere/at/all")

    assert "the folder is not there" in found.problems[0]


def test_a_file_that_no_feed_would_take_is_not_fetched(
    fetched: Fetcher, settings: Settings, out: Path
) -> None:
    drop(out, "other.csv", b"x")

    found = fetched()

    assert "does not match [read] path" in found.problems[0]
    assert inbox_of(settings) == {}


@pytest.mark.parametrize("name", ["m_\n1.csv", "m_\x1b[2J.csv", "m_\udcff.csv", "m_" + "x" * 250])
def test_a_name_that_would_do_harm_is_told_of(
    settings: Settings, out: Path, waits: list[float], name: str
) -> None:
    os.close(os.open(os.fsencode(str(out / name)), os.O_CREAT))

    found = fetch_now(settings, local(out))

    assert "is not a name for a file here" in found.problems[0]
    assert found.problems[0].isprintable()
    assert inbox_of(settings) == {}


@pytest.mark.parametrize(
    "name", ["../m_1.csv", "../../rules/m_1.csv", "/etc/m_1.csv", "a/m_1.csv", "m_\udcff.csv"]
)
def test_a_server_cannot_write_outside_the_inbox(
    settings: Settings,
    server: SftpPartner,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
) -> None:
    trust(settings, server)
    monkeypatch.setenv("ACME_PASSWORD", "pass word")
    server.listed = [name, ".", ".."]
    before = sorted(tmp_path.rglob("m_1.csv"))

    found = fetch_now(settings, remote(server, password="ACME_PASSWORD"))

    assert "is not a name for a file here" in found.problems[0]
    assert sorted(tmp_path.rglob("m_1.csv")) == before


def test_a_password_opens_the_server_too(
    settings: Settings, out: Path, server: SftpPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(settings, server)
    monkeypatch.setenv("ACME_PASSWORD", "pass word")
    drop(out, "m_1.csv", b"one")

    assert fetch_now(settings, remote(server, password="ACME_PASSWORD")).deliveries == 1


def test_a_wrong_password_is_not_tried_again(
    settings: Settings, server: SftpPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(settings, server)
    monkeypatch.setenv("ACME_PASSWORD", "wrong")

    found = fetch_now(settings, remote(server, password="ACME_PASSWORD"))

    assert found.problems == ["the server refuses the user or the secret"]
    assert server.logins == 1


@pytest.mark.parametrize("known", ["another key", "another host"])
def test_a_server_with_another_host_key_gets_no_password(
    settings: Settings, server: SftpPartner, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    key, host = (other, "127.0.0.1") if known == "another key" else (server.host_key, "10.0.0.1")
    (settings.rules / "known_hosts").write_text(f"[{host}]:{server.port} {key}\n")
    monkeypatch.setenv("ACME_PASSWORD", "pass word")

    found = fetch_now(settings, remote(server, password="ACME_PASSWORD"))

    assert "does not show the host key" in found.problems[0]
    assert server.logins == 1


def test_without_known_hosts_no_server_is_asked(
    settings: Settings, server: SftpPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_PASSWORD", "pass word")

    found = fetch_now(settings, remote(server, password="ACME_PASSWORD"))

    assert "there is no rules/known_hosts" in found.problems[0]
    assert server.logins == 0


def test_a_secret_that_is_no_key_is_told_of_without_showing_it(
    settings: Settings, server: SftpPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(settings, server)
    monkeypatch.setenv("ACME_KEY", "not a key at all")

    found = fetch_now(settings, remote(server, key="ACME_KEY"))

    assert "ACME_KEY is not a private key" in found.problems[0]
    assert "not a key at all" not in found.problems[0]


def test_without_its_package_sftp_is_one_clear_sentence(
    settings: Settings, server: SftpPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_PASSWORD", "pass word")
    monkeypatch.setitem(sys.modules, "asyncssh", None)

    found = fetch_now(settings, remote(server, password="ACME_PASSWORD"))

    assert found.problems == [
        "SFTP needs a package that is not installed; install touchstone[sftp]"
    ]


def test_a_line_that_breaks_is_taken_up_where_it_broke(
    settings: Settings, out: Path, server: SftpPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(3 << 20)
    drop(out, "m_1.csv", content)
    trust(settings, server)
    monkeypatch.setenv("ACME_PASSWORD", "pass word")
    broken = []

    def breaks(_name: str, offset: int) -> None:
        if offset >= 2 << 20 and not broken:
            broken.append(offset)
            server.break_line()

    server.on_read = breaks

    found = fetch_now(settings, remote(server, password="ACME_PASSWORD"))

    assert (found.deliveries, found.problems, len(broken)) == (1, [], 1)
    assert inbox_of(settings) == {"acme/m_1.csv": content}
    assert server.logins == 2
    assert server.bytes_read < 5 << 20  # not all of it twice


def test_a_server_that_never_comes_back_is_given_up(
    settings: Settings, out: Path, server: SftpPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(out, "m_1.csv", b"one")
    trust(settings, server)
    monkeypatch.setenv("ACME_PASSWORD", "pass word")
    server.on_read = lambda _name, _offset: server.break_line()

    found = fetch_now(settings, remote(server, password="ACME_PASSWORD", attempts=3))

    assert "the line to the server broke" in found.problems[0]
    assert "3 times" in found.problems[0]
    assert inbox_of(settings) == {}


def test_a_server_that_falls_silent_holds_nobody(
    settings: Settings, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        (settings.rules / "known_hosts").write_text("127.0.0.1 ssh-ed25519 AAAA\n")
        monkeypatch.setenv("ACME_PASSWORD", "x")
        given = {"kind": "sftp", "host": "127.0.0.1", "port": listening.getsockname()[1]}
        silent_one = feed_of(
            {**given, "user": "u", "folder": "/", "password": "ACME_PASSWORD", "timeout": 1}
            | {"attempts": 2},
            "acme/m_*.csv",
        )

        found = fetch_now(settings, silent_one)

    assert "the line to the server broke" in found.problems[0]


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_fetch(
    settings: Settings, out: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(out, "m_1.csv", b"one")
    read = LocalFolder.read

    def changing(self: LocalFolder, name: str, offset: int) -> Iterator[bytes]:
        path.write_bytes(b"two!")
        return read(self, name, offset)

    with monkeypatch.context() as patch:
        patch.setattr(LocalFolder, "read", changing)
        found = fetch_now(settings, local(out))

    assert (found.deliveries, inbox_of(settings)) == (0, {})
    assert "still being written" in found.notes[0]
    assert fetch_now(settings, local(out)).deliveries == 1
    assert inbox_of(settings) == {"acme/m_1.csv": b"two!"}


def test_a_file_that_may_not_be_read_keeps_no_other_back(
    settings: Settings, out: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(out, "m_1.csv", b"one", OLD - 60)
    drop(out, "m_2.csv", b"two")
    real = os.open

    def refusing(path: Any, *given: Any, **more: Any) -> int:
        if str(path).endswith("out/m_1.csv"):
            raise PermissionError(13, "no")
        return real(path, *given, **more)

    monkeypatch.setattr(os, "open", refusing)

    found = fetch_now(settings, local(out))

    assert found.problems == ["'m_1.csv' was left: it may not be read by this user"]
    assert list(inbox_of(settings)) == ["acme/m_2.csv"]


def test_two_fetches_of_one_feed_never_meet(
    settings: Settings, out: Path, waits: list[float]
) -> None:
    (settings.data / "fetch").mkdir()
    with one_writer(settings.data / "fetch" / "acme.lock"):
        found = fetch_now(settings, local(out))

    assert found.problems == ["another fetch of this feed is going on"]


def test_either_a_key_or_a_password_is_named() -> None:
    given = {"kind": "sftp", "host": "sftp.example", "user": "u", "folder": "/"}

    for more in ({}, {"key": "A", "password": "B"}):
        with pytest.raises(ValueError, match="either key or password"):
            feed_of({**given, **more}, "acme/m_*.csv")
