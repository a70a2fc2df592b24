"""Deliveries leave the inbox into the archive, byte for byte, once, in order of arrival."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules.feed import Feed
from store import archive as module
from store.archive import Archive, Inbox

NOW = datetime(2026, 3, 2, 2, 15, tzinfo=UTC)


def feed(source: str, path: str) -> Feed:
    return Feed.model_validate(
        {
            "source": source,
            "title": source,
            "channel": "bulk_list",
            "owner": "who@example.com",
            "trust": 50,
            "read": {"format": "csv", "path": path},
            "columns": {"E-Mail": "email"},
        }
    )


FEEDS = {"acme": feed("acme", "acme/*.csv"), "zeta": feed("zeta", "*/zeta_*.csv")}


def drop(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / "inbox" / name.replace("__", "/").replace("_csv", ".csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder / "inbox"


def receive(folder: Path, run_id: str = "R0001") -> Inbox:
    return Archive(folder / "raw").receive(folder / "inbox", FEEDS, NOW, run_id)


def test_files_are_numbered_by_their_path_and_kept_as_they_were(tmp_path: Path) -> None:
    drop(tmp_path, acme__b_csv="two\r\n", acme__a_csv="one\0")

    found = receive(tmp_path)

    assert [(kept.delivery_number, kept.file_name) for kept in found.received] == [
        (1, "acme/a.csv"),
        (2, "acme/b.csv"),
    ]
    assert [kept.path.read_bytes() for kept in found.received] == [b"one\0", b"two\r\n"]
    assert list(Archive(tmp_path / "raw").deliveries()) == found.received
    assert not list((tmp_path / "inbox").rglob("*.csv"))


def test_files_of_an_earlier_day_are_numbered_before_later_ones_whatever_their_names(
    tmp_path: Path,
) -> None:
    inbox = drop(tmp_path, acme__fri_csv="1", acme__mon_csv="2", acme__a_csv="3", acme__b_csv="3b")
    for day, name in enumerate(["mon", "fri", "a"]):
        os.utime(inbox / "acme" / f"{name}.csv", (day * 86_400.0, day * 86_400.0 + 40_000))
    os.utime(inbox / "acme" / "b.csv", (0, 2 * 86_400.0 + 10_000))

    found = receive(tmp_path)

    assert [kept.file_name for kept in found.received] == [
        "acme/mon.csv", "acme/fri.csv", "acme/a.csv", "acme/b.csv"
    ]  # fmt: skip


def test_the_same_content_is_received_once_under_whatever_name(tmp_path: Path) -> None:
    drop(tmp_path, acme__a_csv="one")
    receive(tmp_path)
    drop(tmp_path, acme__b_csv="one", acme__c_csv="two")

    found = receive(tmp_path, "R0002")

    assert found.repeated == ["acme/b.csv"]
    assert [kept.delivery_number for kept in found.received] == [2]


def test_what_no_feed_or_more_than_one_expects_stays(tmp_path: Path) -> None:
    drop(tmp_path, other__x_csv="1", acme__zeta_1_csv="2", zeta__zeta_2_csv="3")

    found = receive(tmp_path)

    assert found.unmatched == ["acme/zeta_1.csv", "other/x.csv"]
    assert [kept.source for kept in found.received] == ["zeta"]


@pytest.mark.parametrize(
    "name",
    [
        *(".hidden.csv", "~$open.csv", "x.csv.part", "x.csv.PART", "x.csv.swp", "x.csv.lock"),
        *("x.csv~", "Thumbs.db", "desktop.ini", ".~lock.x.csv#", "x.partial"),
    ],
)
def test_a_file_that_is_still_being_written_is_left_alone(tmp_path: Path, name: str) -> None:
    inbox = drop(tmp_path, acme__a_csv="1")
    (inbox / "acme" / name).write_text("half")

    found = receive(tmp_path)

    assert len(found.received) == 1
    assert found.unmatched == []
    assert (inbox / "acme" / name).exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    inbox = drop(tmp_path, acme__a_csv="1")
    secret = tmp_path / "secret.csv"
    secret.write_text("not for us")
    (inbox / "acme" / "link.csv").symlink_to(secret)

    receive(tmp_path)

    assert secret.read_text() == "not for us"
    assert len(list(Archive(tmp_path / "raw").deliveries())) == 1


def test_a_crash_before_the_file_left_the_inbox_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(tmp_path, acme__a_csv="one")

    def crash(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "sync_folder", crash)
        with pytest.raises(KeyboardInterrupt):
            receive(tmp_path)
    found = receive(tmp_path)

    assert not list((tmp_path / "inbox").rglob("*.csv"))
    assert len(list(Archive(tmp_path / "raw").deliveries())) == 1
    assert found.repeated in ([], ["acme/a.csv"])


def test_a_released_delivery_moves_to_the_end_once_in_a_run(tmp_path: Path) -> None:
    drop(tmp_path, acme__a_csv="one", acme__b_csv="two")
    first, _ = receive(tmp_path).received
    archive = Archive(tmp_path / "raw")

    moved = archive.renumber(first, NOW, "R0002")
    again = archive.renumber(moved, NOW, "R0002")

    assert (moved.delivery_number, moved.is_released, moved.run_id) == (3, True, "R0002")
    assert again == moved
    assert [kept.delivery_number for kept in archive.deliveries()] == [2, 3]
    assert moved.path.read_text() == "one"


def test_what_is_no_file_is_left_and_named_and_stops_nothing(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox" / "acme"
    inbox.mkdir(parents=True)
    (tmp_path / "secret.csv").write_text("a,b\n", "utf-8")
    (inbox / "out.csv").symlink_to(tmp_path / "secret.csv")
    (inbox / "loop").symlink_to(inbox)
    (inbox / "dangling.csv").symlink_to(tmp_path / "none.csv")
    os.mkfifo(inbox / "pipe.csv")
    (inbox / "good.csv").write_text("a,b\n1,2\n", "utf-8")
    expecting = feed("acme", "acme/*")

    found = Archive(tmp_path / "raw").receive(tmp_path / "inbox", {"acme": expecting}, NOW, "R0001")

    assert [kept.file_name for kept in found.received] == ["acme/good.csv"]
    assert sorted(found.skipped) == [
        "acme/dangling.csv",
        "acme/loop",
        "acme/out.csv",
        "acme/pipe.csv",
    ]
    assert (tmp_path / "secret.csv").exists()


@pytest.mark.parametrize(
    "name",
    [
        "a\nb.csv",
        'it\'s "quoted".csv',
        "100%25 {a,b} [x]*?.csv",
        "-rf $(touch PWNED) `id`.csv",
        "\u202egpj.csv",
        "x..%2f..%2fetc.csv",
    ],
)
def test_a_file_keeps_its_name_whatever_is_in_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / name).write_text("a,b\n1,2\n", "utf-8")
    archive = Archive(tmp_path / "raw")

    archive.receive(tmp_path / "inbox", {"acme": feed("acme", "*")}, NOW, "R0001")

    assert [kept.file_name for kept in archive.deliveries()] == [name]


def test_a_name_that_is_no_text_is_written_with_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / os.fsdecode(b"b\xff\xe4.csv")).write_text("a,b\n1,2\n", "utf-8")
    archive = Archive(tmp_path / "raw")

    archive.receive(tmp_path / "inbox", {"acme": feed("acme", "*")}, NOW, "R0001")

    assert [kept.file_name for kept in archive.deliveries()] == [r"b\xff\xe4.csv"]
