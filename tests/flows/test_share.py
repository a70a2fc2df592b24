"""A share holds what its person may have: in scope, as clear as they may see, and whole."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl
import pytest

from flows.cli import main
from flows.sharing.share import MANIFEST, check
from rules.access import Role
from store.errors import TouchstoneError
from store.state.audit import Audit
from store.state.open import open_state
from store.state.people import User
from tests.flows.builders import Company, found, person

FOREIGN = "Zwergenstein"
TABLES = {"customers", "crosswalk", "contact_points", "lineage", "summary"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Anna is known to spring and dach, fourteen others to spring, Otto to dach alone."""
    company = found(tmp_path_factory.mktemp("share"))
    for source, campaign in (("forms", "spring"), ("members", "dach")):
        feed = company.settings.rules / "feeds" / source / "feed.toml"
        text = feed.read_text("utf-8").replace("trust ", f'campaign = "{campaign}"\ntrust ', 1)
        feed.write_text(text, "utf-8")
    anna: dict[str, Any] = person("Anna", "Moor", email="anna@moor.org", phone="07911 123401",
                                  born="1980-02-01", postcode="SW1A 1AA")  # fmt: skip
    others = [
        person(f"=Cmd{letter}", f"Stone{letter}", email=f"{letter}@stone{letter}.org".lower(),
               born=f"19{number + 50}-03-01", sent="2026-02-01")
        for number, letter in enumerate("ABCDEFGHIJKLMN")
    ]  # fmt: skip
    company.drop("forms", [{**anna, "sent": "2026-02-01", "news": "yes"}, *others])
    company.drop(
        "members",
        [
            {"no": "M1", **anna, "city": FOREIGN, "news": "no"},
            {"no": "M2", **person("Otto", FOREIGN, email="otto@dach.org", born="1955-05-05")},
        ],
    )
    company.night(1)
    people = {"vera": "viewer", "ed": "editor", "adam": "administrator"}
    with open_state(company.settings) as state:
        for name, role in people.items():
            state.people.add(_user(name, role))  # type: ignore[arg-type]
        state.people.add(_user("nobody", "viewer")._replace(campaigns=frozenset()))
    return company


def _user(name: str, role: Role) -> User:
    return User(name, role, True, frozenset({"spring"}), frozenset(), frozenset())


def share(company: Company, folder: Path, name: str, *words: str) -> tuple[int, Path]:
    out = folder / f"{name}{len(words)}"
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    given = ["--by", "adam", "--because", "a test", "--out", str(out)]
    return main(["share", name, *given, *words, *places]), out


def tables(folder: Path) -> dict[str, pl.DataFrame]:
    return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}


def customers_of(company: Company, campaign: str) -> int:
    """How many published customers have a record of this campaign."""
    return int(
        company.ask(
            "select count(distinct customer_id) from crosswalk semi join customers "
            f"using (customer_id) where campaign = '{campaign}'"
        ).item()
    )


def test_a_share_of_a_campaign_is_made_of_its_records_alone(
    company: Company, tmp_path: Path
) -> None:
    code, folder = share(company, tmp_path, "ed")

    shared = tables(folder)
    assert code == 0
    assert set(shared) == TABLES
    assert shared["customers"].height == customers_of(company, "spring")
    for name, table in shared.items():
        assert FOREIGN not in table.write_json(), name
        assert "members" not in table.write_json(), name
    row = shared["customers"].filter(first_name="Anna").row(0, named=True)
    assert (row["record_count"], row["city"], row["email"]) == (1, None, "anna@moor.org")


def test_a_refusal_out_of_scope_holds_in_a_share(company: Company, tmp_path: Path) -> None:
    _, folder = share(company, tmp_path, "ed")

    shared = tables(folder)
    assert shared["customers"].filter(first_name="Anna")["consent_email"].to_list() == [False]
    said = shared["lineage"].filter(field="consent_email").row(0, named=True)
    assert (said["record_id"], said["decided_by"]) == (None, "refused")


def test_who_has_everything_is_given_what_is_published(company: Company, tmp_path: Path) -> None:
    _, folder = share(company, tmp_path, "adam")

    shared = tables(folder)
    published = company.ask("from customers order by customer_id")
    assert shared["customers"].sort("customer_id").equals(published)
    wanted = company.ask("select * exclude valid_from from lineage order by all")
    assert (
        shared["lineage"]
        .sort(pl.all())
        .equals(wanted.select(shared["lineage"].columns).sort(pl.all()))
    )


def test_who_may_not_see_identifiers_is_given_them_masked(
    company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, folder = share(company, tmp_path, "vera")

    shared = tables(folder)
    assert code == 0
    row = shared["customers"].filter(first_name="A***").row(0, named=True)
    assert (row["email"], row["phone"], row["birth_date"], row["postcode"]) == (
        "a***@moor.org", "+44***01", "1980", "SW",
    )  # fmt: skip
    text = "".join(table.write_json() for table in shared.values())
    for said in ("anna@moor", "7911123401", "1980-02-01", "SW1A", "Moor"):
        assert said not in text, said
    assert share(company, tmp_path, "vera", "--personal", "clear")[0] == 1
    assert "may not see identifiers in clear" in capsys.readouterr().err


def test_pseudonyms_join_within_a_share_and_not_between_two(
    company: Company, tmp_path: Path
) -> None:
    words = ("--personal", "pseudonymised")
    one = tables(share(company, tmp_path / "1", "ed", *words)[1])
    other = tables(share(company, tmp_path / "2", "ed", *words)[1])

    text = "".join(table.write_json() for table in one.values())
    for said in ("anna", "moor", "7911123401", "C1-", "forms:"):
        assert said not in text.lower(), said
    customers, points = one["customers"], one["contact_points"]
    mailboxes = points.filter(kind="email").rename({"value": "email"})
    joined = customers.join(mailboxes, on=["customer_id", "email"])
    assert joined.height == customers_of(company, "spring")
    assert (
        one["lineage"]["record_id"]
        .drop_nulls()
        .is_in(one["crosswalk"]["record_id"].implode())
        .all()
    )
    assert not set(customers["email"]) & set(other["customers"]["email"])
    assert not set(customers["customer_id"]) & set(other["customers"]["customer_id"])


def test_small_counts_are_not_told(company: Company, tmp_path: Path) -> None:
    summary = tables(share(company, tmp_path, "adam")[1])["summary"]

    count = customers_of(company, "spring")
    spring, dach = (summary.filter(campaign=name).row(0, named=True) for name in ("spring", "dach"))
    assert (spring["customers"], spring["with_email"], spring["with_phone"]) == (count, count, None)
    assert (dach["customers"], dach["is_suppressed"]) == (None, True)


def test_spreadsheets_find_no_formula_in_a_share(company: Company, tmp_path: Path) -> None:
    _, csv = share(company, tmp_path / "csv", "ed", "--format", "csv")
    _, book = share(company, tmp_path / "xlsx", "ed", "--format", "xlsx")

    text = (csv / "customers.csv").read_text("utf-8")
    assert "'=Cmd" in text or "'=cmd" in text.lower()
    assert ",=" not in text
    sheet = fastexcel.read_excel(book / "customers.xlsx").load_sheet(0).to_polars()
    assert sheet["first_name"].str.starts_with("=").any()
    with zipfile.ZipFile(book / "customers.xlsx") as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_the_manifest_tells_what_was_shared_and_the_audit_that_it_was(
    company: Company, tmp_path: Path
) -> None:
    _, folder = share(company, tmp_path, "ed", "--days", "7")

    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    assert (manifest["for"], manifest["by"], manifest["personal"]) == ("ed", "adam", "clear")
    assert manifest["scope"]["campaigns"] == ["spring"]
    rows = manifest["files"]["customers.parquet"]["rows"]
    assert rows == customers_of(company, "spring") > 10
    assert (folder / "customers.parquet").stat().st_mode & 0o077 == 0
    with open_state(company.settings) as state:
        noted = state.audit.about(manifest["run_id"])
    assert noted[-1].action == "share"
    assert manifest["share_id"] in noted[-1].detail


def test_a_share_that_was_changed_or_is_too_old_is_found_out(
    company: Company, tmp_path: Path
) -> None:
    _, folder = share(company, tmp_path, "ed")
    now = datetime.now(UTC)

    assert check(folder, now) == []
    assert "expired" in check(folder, now + timedelta(days=31))[0]
    with (folder / "lineage.parquet").open("ab") as file:
        file.write(b"x")
    assert check(folder, now) == ["lineage.parquet is not as it was shared."]
    assert main(["share", "--check", str(folder)]) == 1


def test_nobody_is_given_what_is_not_theirs(
    company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, words, says in (
        ("ed", ("--campaign", "dach"), "may not be given that"),
        ("stranger", (), "Nobody called stranger"),
        ("nobody", (), "may export nothing"),
        ("ed", ("--days", "0"), "1 to 366 days"),
    ):
        code, folder = share(company, tmp_path, name, *words)

        assert code == 1
        assert says in capsys.readouterr().err
        assert not folder.exists()


def test_nothing_is_handed_out_that_the_audit_trail_could_not_take(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise TouchstoneError("The disk is full.")

    monkeypatch.setattr(Audit, "note", full)
    code, folder = share(company, tmp_path, "ed")

    assert code == 1
    assert not folder.exists()
