"""What is kept in the spool is a delivery exactly once, whatever is killed or full."""

import json
import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from store.archive import Archive
from store.errors import TouchstoneError
from store.spool import Entry, make_entry, open_spool, remembered, sealed_segments
from store.spool_writer import SpoolWriter

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def entry(name: str, text: str = '{"a":1}', source: str = "site") -> Entry:
    return make_entry(source, name, "2026-03-01T00:00:00+00:00", text.encode())


def writer(folder: Path, **rows: int) -> SpoolWriter:
    open_spool(folder)
    return SpoolWriter(folder, rows)


def names(folder: Path) -> list[list[str]]:
    """The names in each sealed segment."""
    return [
        [json.loads(line)["intake"]["id"] for line in segment.path.read_bytes().splitlines()]
        for segment in sealed_segments(folder)
    ]


def known(folder: Path) -> set[str]:
    return {post.post_id for post in remembered(folder, {})}


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "text",
    ["{}", " { } ", '{"a":1}', '\n{\r\n\t"a" : "x\\ny",\n"b":{}\n}\n', '{"a":"\u2028\x7f é"}'],
)
def test_a_line_is_the_object_with_its_envelope(text: str) -> None:
    made = entry("n1", text)

    record = json.loads(made.line)
    assert made.line.count(b"\n") == 1
    assert b"\r" not in made.line
    assert record.pop("intake") == {"id": "n1", "received_at": "2026-03-01T00:00:00+00:00"}
    assert record == json.loads(text)


def test_each_segment_is_one_delivery(tmp_path: Path) -> None:
    spool = writer(tmp_path / "spool")
    spool.append([entry("1"), entry("2"), entry("3", source="pages")])
    archive = Archive(tmp_path / "raw")

    first = archive.take(sealed_segments(spool.folder), NOW, "R0001")
    spool.append([entry("4")])
    second = archive.take(sealed_segments(spool.folder), NOW, "R0002")

    assert [(one.source, one.delivery_number) for one in first.received] == [
        ("pages", 1),
        ("site", 2),
    ]
    assert [one.path.read_bytes() for one in second.received] == [entry("4").line]
    assert not list(spool.folder.glob("*/*.ndjson"))
    assert known(spool.folder) == {"1", "2", "3", "4"}


def test_a_segment_that_a_run_sealed_is_not_written_any_more(tmp_path: Path) -> None:
    spool = writer(tmp_path)
    spool.append([entry("1")])
    assert names(tmp_path) == [["1"]]

    spool.append([entry("2")])

    assert names(tmp_path) == [["1"], ["2"]]


def test_a_segment_ends_where_its_feed_expects_no_more_rows(tmp_path: Path) -> None:
    spool = writer(tmp_path, site=3)

    spool.append([entry(str(number)) for number in range(8)])

    assert names(tmp_path) == [["0", "1", "2"], ["3", "4", "5"], ["6", "7"]]


@pytest.mark.parametrize(
    "tail",
    [
        b'{"intake":{"id":"torn","rec',
        b'{"intake":{"id":"torn","received_at":""},"a":1}',
        b"\0" * 700,
        b"\0" * 700 + b"\n",
        b'{"intake":{"id":"torn"' + b"\0" * 20 + b"}\n",
    ],
)
def test_a_torn_last_line_is_cut_off(tail: bytes, tmp_path: Path) -> None:
    spool = writer(tmp_path)
    spool.append([entry("1"), entry("2")])
    path = next(tmp_path.glob("site/*.open"))
    with path.open("ab") as file:
        file.write(tail)

    open_spool(tmp_path)

    assert names(tmp_path) == [["1", "2"]]
    assert known(tmp_path) == {"1", "2"}


def test_a_segment_of_nothing_but_a_torn_line_is_no_delivery(tmp_path: Path) -> None:
    writer(tmp_path).append([entry("1")])
    next(tmp_path.glob("site/*.open")).write_bytes(b'{"intake":{"id":"to')

    assert names(tmp_path) == []
    assert not list(tmp_path.glob("site/*.open"))


def test_a_take_that_was_killed_before_the_segment_left_is_not_taken_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = writer(tmp_path / "spool")
    spool.append([entry("1")])
    archive = Archive(tmp_path / "raw")

    def killed(path: Path, **_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            archive.take(sealed_segments(spool.folder), NOW, "R0001")
    again = archive.take(sealed_segments(spool.folder), NOW, "R0001")

    assert (again.received, len(again.repeated)) == ([], 1)
    assert len(list(archive.deliveries())) == 1
    assert not list(spool.folder.glob("*/*.ndjson"))


def test_an_append_that_fails_is_taken_back_and_said(tmp_path: Path) -> None:
    spool = writer(tmp_path)
    spool.append([entry("1")])

    with largest_file(150):
        refusals = spool.append([entry("2"), entry("3", source="pages"), entry("4")])
    spool.append([entry("2")])

    assert [refusal is None for refusal in refusals] == [False, True, False]
    assert sorted(names(tmp_path)) == [["1"], ["2"], ["3"]]


def test_what_of_a_batch_was_kept_before_the_disk_was_full_is_told_apart(tmp_path: Path) -> None:
    spool = writer(tmp_path, site=2)
    some = [entry(str(number)) for number in range(2)]

    with largest_file(300):
        refusals = spool.append([*some, entry("long", json.dumps({"a": "x" * 500}))])

    assert [refusal is None for refusal in refusals] == [True, True, False]
    assert names(tmp_path) == [["0", "1"]]


def test_a_spool_that_cannot_take_back_takes_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = writer(tmp_path)
    spool.append([entry("1")])

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", broken)
        patched.setattr(os, "ftruncate", broken)
        first = spool.append([entry("2")])
    second = spool.append([entry("3")])

    assert None not in [*first, *second]
    with pytest.raises(OSError, match="restart"):
        spool.check()


def test_a_spool_that_may_not_be_written_keeps_nothing(tmp_path: Path) -> None:
    spool = writer(tmp_path / "spool")
    (tmp_path / "spool" / "door.lock").unlink()
    (tmp_path / "spool").rename(tmp_path / "gone")

    assert None not in spool.append([entry("1")])


def test_a_run_does_not_wait_for_ever_for_the_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    writer(tmp_path).append([entry("1")])
    monkeypatch.setattr("store.spool.DOOR_SECONDS", 0.05)
    with (tmp_path / "door.lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        with pytest.raises(TouchstoneError, match="does not let go"):
            names(tmp_path)


def test_names_are_forgotten_when_their_time_is_over(tmp_path: Path) -> None:
    spool = writer(tmp_path / "spool")
    spool.append([entry("1")])
    Archive(tmp_path / "raw").take(sealed_segments(spool.folder), NOW, "R0001")
    ids = next(spool.folder.glob("site/*.ids"))

    os.utime(ids, (0, 0))

    assert known(spool.folder) == set()
    assert not ids.exists()


def test_writers_and_runs_at_once_lose_nothing(tmp_path: Path) -> None:
    spool = writer(tmp_path / "spool")
    archive = Archive(tmp_path / "raw")
    is_over = threading.Event()

    def write() -> None:
        for number in range(60):
            assert spool.append([entry(f"{number}-{n}") for n in range(3)]) == [None] * 3
        is_over.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not is_over.is_set():
        archive.take(sealed_segments(spool.folder), NOW, "R0001")
    thread.join()
    archive.take(sealed_segments(spool.folder), NOW, "R0001")

    lines = [
        json.loads(line)["intake"]["id"]
        for delivery in archive.deliveries()
        for line in delivery.path.read_bytes().splitlines()
    ]
    assert sorted(lines) == sorted(f"{number}-{n}" for number in range(60) for n in range(3))


@pytest.mark.parametrize("lines", range(0, 40, 8))
def test_a_writer_killed_at_any_line_keeps_what_it_said_it_kept(lines: int, tmp_path: Path) -> None:
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - it is killed
        spool = writer(tmp_path)
        for number in range(10_000):
            spool.append([entry(f"{number}", json.dumps({"a": "x" * 3_000}))])
            os.write(tell, b".")
    os.close(tell)
    for _ in range(lines):
        os.read(told, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    said = lines
    while more := os.read(told, 65_536):
        said += len(more)
    os.close(told)

    kept = [name for segment in names(tmp_path) for name in segment]

    assert kept == [str(number) for number in range(len(kept))]
    assert said <= len(kept) <= said + 1
