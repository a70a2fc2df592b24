"""Bad input ends in one sentence that says what to do, and nothing is lost or half published."""

import contextlib
import errno
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import duckdb
import pytest

from flows.cli import main
from store import archive
from store.lock import one_writer
from store.snapshot import current_run, open_snapshot
from tests.flows.builders import Company, differences, found, night_time, person, touchstone

ANN = person("Margaret", "Miller", email="margaret@millers.org", phone="07911 123401")
TOM = person("Tom", "Baker", email="tom.baker@mail.org")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company with one published night; what a test drops or breaks, it puts right again."""
    company = found(tmp_path_factory.mktemp("company"))
    company.drop("forms", [ANN], name="1")
    company.night(1)
    return company


def run(company: Company, *words: str) -> int:
    first, *rest = words
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    return main([first, *places, *rest])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence on stderr."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("touchstone: ")
    return lines[0]


@contextlib.contextmanager
def changed(path: Path, old: str, new: str) -> Iterator[None]:
    """A file with one text in place of another, for a while."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    try:
        yield
    finally:
        path.write_text(text, "utf-8")


def test_a_missing_data_folder_is_said(
    published: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nowhere"
    company = Company(tmp_path, published.settings.model_copy(update={"data": nowhere}))

    code = run(company, "nightly")

    assert code == 1
    assert "nowhere" in said(capsys)
    assert not nowhere.exists()


def test_a_missing_rules_folder_is_said(
    published: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(published.settings.data)

    code = main(["nightly", "--data", data, "--rules", str(tmp_path / "none")])

    assert code == 1
    assert "--rules" in said(capsys)


@pytest.mark.parametrize(
    ("file", "change", "names"),
    [
        ("matching.toml", ("evidence_floor", "evidence_flor"), "matching.toml"),
        ("survivorship.toml", ('"most_recent"', '"most_recnt"'), "survivorship.toml"),
        ("feeds/forms/feed.toml", ("title ", "titel "), "forms/feed.toml"),
        ("feeds/forms/feed.toml", ('"append"', '"apend"'), "mode"),
        ("queues.toml", ("[match]", "[match"), "not TOML"),
        ("survivorship.toml", ("[fields.gender]", "[fields.region]"), "by one rule only: region"),
    ],
)
def test_a_broken_rule_is_named(
    published: Company,
    capsys: pytest.CaptureFixture[str],
    file: str,
    change: tuple[str, str],
    names: str,
) -> None:
    with changed(published.settings.rules / file, *change):
        code = run(published, "nightly")

    assert code == 1
    assert names in said(capsys)


def test_a_held_lock_is_said(published: Company, capsys: pytest.CaptureFixture[str]) -> None:
    with one_writer(published.settings.lock):
        code = run(published, "nightly")

    assert code == 1
    assert f"process {os.getpid()}" in said(capsys)


def test_a_warehouse_that_another_program_has_open_is_said(published: Company) -> None:
    with duckdb.connect(str(published.settings.warehouse)):
        ended = touchstone(published, "nightly")

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "open in another program" in ended.stderr


def test_a_corrupted_warehouse_is_said_and_a_rebuild_mends_it(
    published: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    company = published.twin(tmp_path)
    before = company.tables()
    company.settings.warehouse.write_bytes(b"not a database" * 1000)

    code = run(company, "nightly", "--json")

    assert code == 1
    assert "touchstone rebuild" in said(capsys)
    assert differences(before, company.tables()) == {}
    company.rebuild(1)
    assert differences(before, company.tables()) == {}


def test_a_file_that_cannot_be_read_is_said_and_the_others_are_not_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    company = found(tmp_path)
    company.drop("forms", [ANN], name="a")
    company.drop("forms", [TOM], name="b")

    def opened(path: Path, readable: Callable[[Path], IO[bytes]] = archive._open_file) -> IO[bytes]:
        if path.name == "b.csv":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return readable(path)

    with monkeypatch.context() as patched:
        patched.setattr(archive, "_open_file", opened)
        code = run(company, "nightly", "--json", "--now", night_time(1).isoformat())

    assert code == 1
    assert "b.csv" in said(capsys)
    assert company.ask("select count(*) from customers").item() == 1
    company.night(2)
    assert company.ask("select count(*) from customers").item() == 2


def test_what_is_no_delivery_stays_in_the_inbox(tmp_path: Path) -> None:
    company = found(tmp_path)
    (company.settings.inbox / "forms" / "folder.csv").mkdir(parents=True)
    company.drop_file("unknown/leads.csv", "a,b\n1,2\n")
    company.drop_file("forms/half.csv.part", "first,last\n")
    company.drop("forms", [TOM | {"shoe size": "9"}], name="extra")
    extra = company.settings.inbox / "forms" / "extra.csv"
    extra.write_text(extra.read_text("utf-8").replace("sent", "sent on"), "utf-8")
    company.drop("forms", [ANN], name="good")

    night = company.night(1)

    assert night.inbox.unmatched == ["unknown/leads.csv"]
    assert (company.settings.inbox / "forms" / "half.csv.part").exists()
    assert company.ask("select count(*) from customers").item() == 1
    held = company.ask("select reason from deliveries where state = 'held'").item()
    assert "sent on" in held
    assert company.ask("select why from review_items where kind = 'delivery'").item() == held


def test_a_full_disk_is_said_and_the_night_is_finished_later(
    published: Company, tmp_path: Path
) -> None:
    company = published.twin(tmp_path)
    before = company.tables()
    company.drop("forms", [TOM], name="2")
    room = company.settings.golden.stat().st_size

    ended = touchstone(
        company,
        "nightly",
        "--json",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("touchstone: ")
    assert ended.stderr.count("\n") == 1
    assert current_run(company.settings) == "R0001"
    assert differences(before, company.tables()) == {}
    company.night(2)
    assert company.ask("select count(*) from customers").item() == 2


def test_a_snapshot_can_be_read_while_newer_ones_are_published(
    published: Company, tmp_path: Path
) -> None:
    company = published.twin(tmp_path)
    company = company._replace(settings=company.settings.model_copy(update={"snapshots_kept": 1}))
    with open_snapshot(company.settings) as reader:
        company.drop("forms", [TOM], name="2")
        company.night(2)

        count = reader.sql("select count(*) from customers").fetchall()[0][0]

    assert count == 1
    assert company.ask("select count(*) from customers").item() == 2
    assert not (company.settings.published / "R0001").exists()


def test_a_full_dump_without_a_single_record_ends_no_night(tmp_path: Path) -> None:
    company = found(tmp_path / "company")
    rule = company.settings.rules / "feeds" / "members" / "feed.toml"
    text = rule.read_text("utf-8").replace('format    = "csv"', 'format  = "json"\nrecords = "all"')
    text = text.replace('delimiter = ","\n', "").replace("members/*.csv", "members/*.json")
    rule.write_text(text.replace('encoding  = "utf-8"\n', ""), "utf-8")
    company.drop("forms", [ANN], name="1")
    inbox = company.settings.inbox / "members"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "1.json").write_text('{"all": []}', "utf-8")

    company.night(1)

    told = company.ask("select source, state, row_count from deliveries order by source").rows()
    assert told == [("forms", "taken_in", 1), ("members", "taken_in", 0)]
