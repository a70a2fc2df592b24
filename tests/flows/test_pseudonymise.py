"""Deliveries for testing hold nobody's values, and make the customers that the real ones made."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.cli import main
from flows.nightly import nightly
from flows.sharing.pseudonymous import pseudonymise
from store.settings import Settings
from store.snapshot import open_snapshot
from store.state.audit import Asked
from store.state.open import open_state
from tests.flows.builders import Company, found, person, quiet
from tests.flows.searching import places_of

ANN = person(
    "Annabelle",
    "Ashworth-Quill",
    email="annabelle@quillfeather.org",
    phone="07911 123401",
    born="1980-02-17",
    postcode="LS14 4AP",
    city="Leeds",
    news="yes",
)
HANA = person("花子山", "田中佐藤", email="hanako.tanaka@sato.org", phone="07911 123402")
JOSE = person("Zoë-Renée", "Muñóz-Großmann", email="zoe@munoz.net", born="1991-07-23")
SAID = ["annabelle", "ashworth", "quill", "123401", "123402", "1980-02-17", "14 4ap", "leeds",
        "tanaka", "hanako", "renée", "muñóz", "munoz", "großmann", "1991-07-23",
        "partner-key-1", "member-key-1"]  # fmt: skip


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Three people: one is known to two sources, one twice to one."""
    company = found(tmp_path_factory.mktemp("company"))
    rows = [{"op": "upsert", "id": f"partner-key-{n}", **one} for n, one in enumerate((ANN, HANA))]
    company.drop("partner", rows)
    company.drop("forms", [JOSE | {"sent": "2026-02-01"}, JOSE | {"sent": "2026-02-02"}])
    company.drop("members", [{"no": "member-key-1", **ANN}])
    company.night(1)
    return company


def customers(settings: Settings) -> list[int]:
    with open_snapshot(settings) as con:
        counts = con.sql("select record_count from customers order by 1").fetchall()
    return [count for (count,) in counts]


def test_no_value_of_anybody_is_in_the_bytes_and_a_night_finds_the_same_duplicates(
    company: Company, tmp_path: Path
) -> None:
    folder = tmp_path / "test"
    assert all(places_of(company.settings.data, SAID).values())

    counts = pseudonymise(company.settings, folder)

    assert counts == {"forms": 2, "members": 1, "partner": 2}
    assert places_of(folder / "data", SAID) == {text: [] for text in SAID}
    assert places_of(folder / "rules" / "feeds", SAID) == {text: [] for text in SAID}
    settings = Settings(data=folder / "data", rules=folder / "rules", threads=1)
    nightly(settings, datetime(2026, 4, 1, tzinfo=UTC), quiet)
    assert customers(settings) == customers(company.settings) == [1, 2, 2]
    assert places_of(folder / "data", SAID) == {text: [] for text in SAID}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_equal_values_stay_equal_and_twice_is_never_the_same(
    company: Company, tmp_path: Path
) -> None:
    def ann(folder: Path) -> pl.DataFrame:
        pseudonymise(company.settings, folder)
        home = folder / "data" / "inbox"
        named = ["first_name", "last_name", "email", "phone", "birth_date", "postcode"]
        members, partner = (
            pl.read_csv(home / source / "records.csv", infer_schema=False).select(named)
            for source in ("members", "partner")
        )
        assert members.row(0) == partner.row(0)
        return members

    one, other = ann(tmp_path / "one"), ann(tmp_path / "other")

    assert not set(one.row(0)) & set(other.row(0))
    assert one.item(0, "last_name").count("-") == 1
    partner = (tmp_path / "one" / "data" / "inbox" / "partner" / "records.csv").read_text("utf-8")
    assert partner.isascii()
    assert one.item(0, "email").endswith(".org")
    assert one.item(0, "phone").startswith("+44791")
    assert one.item(0, "birth_date").startswith("1980-")


def test_the_command_is_in_the_audit_trail_and_overwrites_nothing(
    company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    order = ["pseudonymise", *words, "--by", "ann", "--out", str(tmp_path / "out")]

    assert main(order) == 0
    assert "touchstone nightly --data" in capsys.readouterr().out
    assert main(order) == 1
    assert "is not empty" in capsys.readouterr().err
    with open_state(company.settings) as state:
        trail = state.audit.find(Asked("ann", "pseudonymise", "", 10))
    assert [(row.user_name, row.action) for row in trail] == [("ann", "pseudonymise")]
