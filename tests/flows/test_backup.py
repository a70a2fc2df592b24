"""A backup is everything, verified; a night after a restore equals one without it."""

import json
import os
import resource
import shutil
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from flows.backing import back_up
from flows.erasing.erase import Asked, erase
from flows.restoring import restore
from store.decisions import open_decisions
from store.erasures import Erasures
from store.errors import TouchstoneError
from store.spool import make_entry
from store.spool_writer import SpoolWriter
from tests.flows.builders import Company, differences, found, night_time, person, quiet

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANN = person("Ann", "Ashworth", email="ann@ashworth.org", phone="07911 123401", city="Leeds")
BEN = person("Ben", "Carter", email="ben@carter.org", phone="07911 123402", city="York")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company with a published night, a decision, and a post that waits."""
    company = found(tmp_path_factory.mktemp("company"))
    company.drop("members", [{"no": "1", **ANN}, {"no": "2", **BEN}])
    company.drop("forms", [ANN])
    company.night(1)
    company.decide("value", records=["members:2"], field="city", value="Hull")
    company.settings.spool.mkdir()
    writer = SpoolWriter(company.settings.spool, {})
    assert writer.append([make_entry("forms", "one", "2026-03-02T00:00:00Z", b"{}")]) == [None]
    return company


@pytest.fixture(scope="module")
def backup(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backup") / "all.tar"
    back_up(company.settings, path, NOW, days=30)
    return path


def restored(
    company: Company, backup: Path, folder: Path, decisions: Path | None = None
) -> Company:
    data = folder / "data"
    settings = company.settings.model_copy(update={"data": data})
    restore(settings, backup, NOW, over=False, decisions=decisions)
    shutil.copytree(data / "rules", folder / "rules")
    places = {"data": data, "rules": folder / "rules"}
    return Company(folder, company.settings.model_copy(update=places))


def test_a_decision_log_that_cannot_be_copied_is_told_in_a_sentence(
    company: Company, tmp_path: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = company.settings.data / "decisions" / "decisions.sqlite"
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size // 2, hard))
    try:
        with pytest.raises(
            TouchstoneError, match=r"decision log cannot be copied .* make room there"
        ):
            back_up(company.settings, tmp_path / "all.tar", NOW, days=30)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_night_after_a_restore_equals_a_night_without_it(
    company: Company, backup: Path, tmp_path: Path
) -> None:
    again = restored(company, backup, tmp_path)
    assert list(again.settings.spool.glob("forms/*.ndjson"))
    for one in (company, again):
        one.drop("partner", [{"op": "upsert", "id": "p1", **BEN, "city": "Bath"}], name="b")

        one.night(2)

    assert differences(company.tables(), again.tables()) == {}
    assert again.ask("select city from customers where last_name = 'Carter'").item() == "Hull"


def test_a_folder_that_is_not_empty_is_put_aside_and_only_when_told(
    company: Company, backup: Path, tmp_path: Path
) -> None:
    again = restored(company, backup, tmp_path)
    with pytest.raises(TouchstoneError, match="not empty"):
        restore(again.settings, backup, NOW, over=False)

    told = restore(again.settings, backup, NOW, over=True)

    assert (Path(told["put_aside"]) / "warehouse.duckdb").exists()
    assert again.ask("select count(*) from customers").item() == 2


@pytest.fixture(scope="module")
def lived_on(company: Company, backup: Path, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company restored, and a night after that, whose delivery the backup does not have."""
    again = restored(company, backup, tmp_path_factory.mktemp("lived"))
    again.drop("members", [{"no": "1", **ANN}, {"no": "2", **BEN}, {"no": "3", **BEN}])
    again.night(2)
    return again


@pytest.mark.parametrize("moves", [0, 2, 9])
def test_a_restore_that_was_cut_short_is_finished_by_the_next_night(
    moves: int, lived_on: Company, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = lived_on.twin(tmp_path)
    done = []

    def move(source: Path, target: Path, work: Callable[..., None] = os.replace) -> None:
        if (again.settings.data / ".restoring" / "plan.json").exists():
            done.append(source)
            if len(done) > moves:
                raise InterruptedError
        work(source, target)

    monkeypatch.setattr("flows.restoring.os.replace", move)
    with pytest.raises(InterruptedError):
        restore(again.settings, backup, NOW, over=True)
    monkeypatch.undo()

    again.night(2)

    assert len(done) == moves + 1
    assert again.ask("select count(*) from customers").item() == 2
    assert again.ask("select city from customers where last_name = 'Carter'").item() == "Hull"
    assert (again.settings.data / f"replaced-{NOW:%Y%m%dT%H%M%S}" / "raw" / "000003").exists()
    assert not list(again.settings.data.glob(".restor*"))


def test_a_backup_that_is_not_as_it_was_is_refused_and_nothing_is_put_in_place(
    company: Company, backup: Path, tmp_path: Path
) -> None:
    content = backup.read_bytes()
    place = content.index(b"ashworth")
    broken = tmp_path / "broken.tar"
    broken.write_bytes(content[:place] + b"ASHWORTH" + content[place + 8 :])

    with pytest.raises(TouchstoneError, match="is damaged"):
        restored(company, broken, tmp_path)

    assert [path.name for path in (tmp_path / "data").iterdir() if path.name[0] != "."] == [
        "run.lock"
    ]


@pytest.mark.parametrize(
    ("name", "manifest", "says"),
    [
        ("data/x", {"format": 2, "about": {}, "files": {}}, "newer version"),
        ("data/x", {"format": 1, "about": {}, "files": {}}, "does not name"),
        ("../x", {"format": 1, "about": {}, "files": {"../x": ["", 1]}}, "does not name"),
        ("data/x", {"format": 1, "about": {}, "files": {"data/x": ["0", 1]}}, "is damaged"),
    ],
)
def test_an_archive_that_is_none_of_ours_is_refused(
    name: str, manifest: dict[str, object], says: str, company: Company, tmp_path: Path
) -> None:
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as tar:
        for member, content in ((name, b"x"), ("MANIFEST.json", json.dumps(manifest).encode())):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, BytesIO(content))

    with pytest.raises(TouchstoneError, match=says):
        restored(company, path, tmp_path)


def test_who_was_erased_after_the_backup_is_erased_again_by_the_next_night(
    company: Company, backup: Path, tmp_path: Path
) -> None:
    again = restored(company, backup, tmp_path)
    erase(again.settings, Asked(["members:1"], False, "dpo"), night_time(1), quiet)
    receipt = json.loads((again.settings.data / "receipts/erasure-000001.json").read_text())
    restore(again.settings, backup, NOW, over=True)

    again.night(2)

    assert [one["name"] for one in receipt["backups"]] == ["all.tar"]
    assert [one.state for one in Erasures(again.settings.raw).all()] == ["done"]
    assert again.ask("select count(*) from customers where last_name = 'Ashworth'").item() == 0


@pytest.fixture(scope="module")
def undisturbed(
    company: Company, backup: Path, tmp_path_factory: pytest.TempPathFactory
) -> Company:
    """The company lives on for three nights from the backup, with decisions after each of two."""
    one = restored(company, backup, tmp_path_factory.mktemp("undisturbed"))
    for night in (2, 3):
        deliver_after(one, night)
        one.night(night)
        one.decide("value", records=["members:1"], field="city", value=f"Place {night}")
    one.decide("different", records=["members:1", "partner:p2"])
    one.decide("undo", decision_id=1)
    one.night(4)
    return one


def deliver_after(company: Company, night: int) -> None:
    rows = {2: [{"op": "upsert", "id": "p1", **BEN}], 3: [{"op": "upsert", "id": "p2", **ANN}]}
    company.drop("partner", rows[night], name=f"after{night}")


@pytest.mark.parametrize("kind", ["archive", "database"])
def test_decisions_replayed_onto_an_older_backup_make_the_tables_of_an_undisturbed_company(
    kind: str, company: Company, backup: Path, undisturbed: Company, tmp_path: Path
) -> None:
    newer = undisturbed.settings.data / "decisions" / "decisions.sqlite"
    if kind == "archive":
        newer = tmp_path / "newer.tar"
        back_up(undisturbed.settings, newer, NOW, days=30)
    again = restored(company, backup, tmp_path, decisions=newer)

    for night in (2, 3):
        deliver_after(again, night)
        again.night(night)
    again.night(4)

    assert differences(undisturbed.tables(), again.tables()) == {}
    assert (
        again.ask("select city from customers where last_name = 'Ashworth'")
        .to_series()[0]
        .startswith("Place")
    )
    with (
        open_decisions(again.settings.log_url) as here,
        open_decisions(undisturbed.settings.log_url) as there,
    ):
        assert here.read().equals(there.read())


def test_decisions_of_another_company_are_not_replayed_and_nothing_is_put_in_place(
    company: Company, backup: Path, tmp_path: Path
) -> None:
    other = found(tmp_path / "other")
    other.decide("different", records=["members:1", "members:2"])
    log = other.settings.data / "decisions" / "decisions.sqlite"

    with pytest.raises(TouchstoneError, match="do not begin alike"):
        restored(company, backup, tmp_path, decisions=log)
    with pytest.raises(TouchstoneError, match="not there"):
        restored(company, backup, tmp_path, decisions=tmp_path / "none.tar")

    assert not (tmp_path / "data" / "warehouse.duckdb").exists()
