"""A person's number goes the whole line: it joins, is published, is masked, and goes when asked."""

import json
from pathlib import Path

import polars as pl
import pytest

from flows.erasing.erase import Asked, erase
from tests.flows.builders import (
    Company,
    differences,
    night_time,
    person,
    quiet,
    touchstone_here,
)
from tests.flows.numbered import BEFORE, OTHER, SINCE, numbered, send
from tests.flows.searching import places_of


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Beatrix by her number alone, and somebody who says another one in a second feed."""
    company = numbered(tmp_path_factory.mktemp("numbered"))
    send(company, "tax_office", BEFORE, OTHER)
    company.night(1)
    send(company, "tax_office", SINCE)
    send(company, "club", {**BEFORE, "id": "9", "tax": "88 77 66 55"})
    company.night(2)
    return company


def test_a_number_joins_and_is_published_with_its_kind(company: Company) -> None:
    told = company.ask("select last_name, person_number, record_count from customers order by all")

    assert told.rows() == [("Amberley", "tax:555120099", 1), ("Hartnell", "tax:402117788", 3)]
    conflicts = company.ask("from review_items where field = 'person_number'")
    assert conflicts.is_empty()  # the card is another kind of number


def test_another_number_of_the_kind_is_a_question(company: Company, tmp_path: Path) -> None:
    company = company.twin(tmp_path)
    send(company, "tax_office", {**BEFORE, "id": "4", "tax": "402-11-7789"})
    company.night(3)

    asked = company.ask("select value, rival_value from review_items where kind = 'conflict'")

    assert asked.rows() == [("tax:402117788", "tax:402117789")]


def test_explain_masks_the_number(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("tax_office:1",), ("tax_office:1", "tax_office:3")):
        told = touchstone_here(company, capsys, "explain", *words)
        data = touchstone_here(company, capsys, "explain", *words, "--json")

        assert told.returncode == data.returncode == 0
        assert "402117788" not in told.stdout + data.stdout
    assert "tax:***788" in touchstone_here(company, capsys, "explain", "tax_office:1").stdout


def test_a_person_is_erased_with_the_number_and_known_by_it_again(
    company: Company, tmp_path: Path
) -> None:
    company = company.twin(tmp_path)
    company.drop_file("club/odd.csv", "what is this\n402-11-7788\n")
    company.night(3)
    told = ["402117788", "402-11-7788"]
    before = places_of(company.settings.data, told)
    name = company.ask("select customer_id from customers where last_name = 'Hartnell'").item()

    erase(company.settings, Asked([name], False, "dpo"), night_time(3), quiet)
    after = places_of(company.settings.data, told)
    back = person("Beatrix", "Hartnell", id="77", email="new@mail.org", tax="402 11 7788")
    send(company, "tax_office", back, {**OTHER, "id": "78", "tax": "402 11 7788"})
    company.night(4)

    assert [text for text, places in before.items() if not places] == []
    assert after == {text: [] for text in told}
    names = company.ask("select distinct last_name from customers")["last_name"].to_list()
    assert names == ["Amberley"]


def test_a_request_finds_a_person_by_number_and_name(
    company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    requests = tmp_path / "requests.csv"
    requests.write_text("full_name,person_number\nBeatrix Okonkwo,402-11-7788\n", "utf-8")

    told = touchstone_here(company, capsys, "erase", "--from", str(requests), "--check")

    assert "person number and name" in told.stdout + told.stderr


def test_a_number_that_too_many_come_to_share_speaks_for_nobody_in_any_order(
    tmp_path: Path,
) -> None:
    """Here a block has three records: the fourth makes a number nobody's, also where it joined."""
    family = [
        person(first, "Quill", id=str(number), email=f"{first.lower()}@quill.net", tax="70010002")
        for number, first in enumerate(("Ann", "Anna", "Bob", "Cy", "Dee"), 1)
    ]
    company = numbered(tmp_path / "nights")
    for night, row in enumerate(family, 1):
        send(company, "tax_office", row)
        company.night(night)

    anew = company.anew(tmp_path / "anew")
    anew.rebuild(len(family))

    assert differences(company.tables(), anew.tables()) == {}
    pairs = company.ask("from pairs")
    assert pairs.filter(pl.col("level_person_number") >= 0).is_empty()


def test_a_model_from_before_is_extended_by_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    company = numbered(tmp_path)
    (folder,) = (company.settings.rules / "weights").iterdir()
    whole = json.loads((folder / "model.json").read_text("utf-8"))
    nothing = touchstone_here(company, capsys, "train", "--extend")
    old = json.loads((folder / "model.json").read_text("utf-8"))
    old["comparisons"].pop()
    for kind in ("shares", "contact_shares"):
        del old["kinship"][kind]["person_number"]
    (folder / "model.json").write_text(json.dumps(old), "utf-8")

    refused = touchstone_here(company, capsys, "nightly")
    told = touchstone_here(company, capsys, "train", "--extend", "--to", str(tmp_path / "new"))

    assert (nothing.returncode, refused.returncode, told.returncode) == (1, 1, 0)
    assert "nothing to add" in nothing.stderr
    assert "--extend" in refused.stderr
    assert "person_number" in told.stdout
    assert json.loads((tmp_path / "new" / "model.json").read_text("utf-8")) == whole
