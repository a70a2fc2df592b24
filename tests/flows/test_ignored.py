"""A value that people left out of matching holds nobody together, from the next night on."""

from pathlib import Path

import duckdb
import pytest

from flows.erasing.erase import Asked, erase
from flows.leaving_out import value_of
from flows.nightly import nightly
from store.decisions import open_decisions
from store.errors import TouchstoneError
from store.snapshot import current_run
from tests.flows.builders import (
    Company,
    differences,
    found,
    night_time,
    person,
    quiet,
    touchstone_here,
)

OFFICE = "0113 496 0000"
BOX = {"email": "box@firm.org", "city": "Hull"}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Two whom a telephone alone holds together, two whom it makes a question, two with a box."""
    company = found(tmp_path_factory.mktemp("pristine"))
    rows = [
        person("Zed", "Quark", phone="0113 496 0999", city="York"),
        person("Z", "Quarck", phone="0113 496 0999"),
        person("Ida", "Moss", phone=OFFICE),
        person("Ira", "Voss", phone=OFFICE),
        person("Max", "Bold", phone="0113 496 0777", **BOX | {"email": "m.box@gmail.com"}),
        person("M", "Bolt", **BOX | {"email": "mbox+shop@gmail.com"}),
    ]
    changes = [{"op": "upsert", "id": f"P{n}", **row} for n, row in enumerate(rows, 1)]
    company.drop("partner", changes)
    company.night(1)
    return company


@pytest.fixture
def company(pristine: Company, tmp_path: Path) -> Company:
    return pristine.twin(tmp_path / "chain")


def undo(company: Company, decision: int) -> None:
    run_id = current_run(company.settings)
    with open_decisions(company.settings.log_url) as log:
        log.undo(decision, "anna", "taken back", snapshot_run_id=run_id)


def subjects(company: Company) -> str:
    with open_decisions(company.settings.log_url) as log:
        return " ".join(log.read()["subject"])


def are_one(company: Company, *records: str) -> bool:
    named = ", ".join(f"'partner:{record}'" for record in records)
    query = f"select count(distinct customer_id) as n from crosswalk where record_id in ({named})"
    return bool(company.ask(query).item() == 1)


def usage(company: Company, value: str) -> list[str]:
    query = f"select distinct usage from contact_points where value = '{value}'"
    return company.ask(query)["usage"].to_list()


def asked(company: Company) -> list[list[str]]:
    return company.ask("select record_ids from review_items where kind = 'match'")[
        "record_ids"
    ].to_list()


def test_records_that_only_such_a_value_held_together_fall_apart(company: Company) -> None:
    before = are_one(company, "P1", "P2")
    company.ignore("partner:P1", "phone")

    company.night(2)

    assert before
    assert not are_one(company, "P1", "P2")
    assert usage(company, "+441134960999") == ["ignored"]
    assert usage(company, "+441134960000") != ["ignored"]


def test_an_item_that_it_settles_closes(company: Company) -> None:
    before = asked(company)
    company.ignore("partner:P4", "phone")

    company.night(2)

    assert ["partner:P3", "partner:P4"] in before
    assert ["partner:P3", "partner:P4"] not in asked(company)


def test_every_spelling_of_the_value_is_left_out(company: Company) -> None:
    before = are_one(company, "P5", "P6")
    company.ignore("partner:P6", "email")

    company.night(2)

    told = company.ask("select value, usage from contact_points where value like '%box%'")
    assert before
    assert set(told["usage"]) == {"ignored"}
    assert set(told["value"]) == {"m.box@gmail.com", "mbox+shop@gmail.com"}
    level = "select level_email from pairs where record_id_b = 'partner:P6'"
    assert company.ask(level)["level_email"].to_list() in ([], [-1])


def test_it_is_undone_like_any_decision(company: Company, tmp_path: Path) -> None:
    before = company.tables()
    decision = company.ignore("partner:P1", "phone")
    company.night(2)
    undo(company, decision)

    company.night(3)

    assert set(differences(before, company.tables())) <= {"redirects"}
    assert are_one(company, "P1", "P2")


def test_whoever_comes_later_with_the_value_is_not_put_together_by_it(company: Company) -> None:
    company.ignore("partner:P1", "phone")
    company.night(2)
    late = person("Zeb", "Quack", phone="+44 113 496 0999")
    company.drop("partner", [{"op": "upsert", "id": "P7", **late}])

    company.night(3)

    assert not are_one(company, "P1", "P7")
    assert not are_one(company, "P2", "P7")


def test_the_published_tables_say_who_and_why_and_not_what(company: Company) -> None:
    company.ignore("partner:P1", "phone")

    company.night(2)

    told = company.ask("from ignored_values").row(0, named=True)
    assert (told["contact"], told["decided_by"], told["decision_id"]) == ("phone", "anna", 1)
    assert "4960999" not in str(told)


def test_a_chain_of_nights_with_it_equals_a_rebuild(company: Company, tmp_path: Path) -> None:
    first = company.ignore("partner:P1", "phone")
    company.ignore("partner:P6", "email")
    nightly(company.settings, night_time(2), quiet, takes_in=False)
    undo(company, first)
    company.ignore("partner:P3", "phone")
    company.drop("partner", [{"op": "upsert", "id": "P8", **person("Ida", "Moss", phone=OFFICE)}])
    company.night(3)
    company.night(4)

    anew = company.anew(tmp_path / "anew")
    anew.rebuild(5)

    assert differences(company.tables(), anew.tables()) == {}


def test_an_address_is_left_out_with_its_place(tmp_path: Path) -> None:
    company = found(tmp_path)
    feed = company.settings.rules / "feeds" / "partner" / "feed.toml"
    text = feed.read_text("utf-8").replace('"city"     = "city"', '"city"     = "address"')
    feed.write_text(text, "utf-8")
    home = {"postcode": "LS1 4AP", "city": "12 Office Park"}
    company.drop("partner", [
        {"op": "upsert", "id": "P1", **person("Bo", "Lang", **home, email="bo@a.org")},
        {"op": "upsert", "id": "P2", **person("Bo", "Lang", **home, email="lang@b.org")},
    ])  # fmt: skip
    company.night(1)
    before = company.ask("select level_address from pairs")["level_address"].to_list()
    company.ignore("partner:P1", "address")

    company.night(2)

    assert before == [0]
    assert company.ask("select level_address from pairs")["level_address"].to_list() in ([], [-1])


def test_an_erasure_leaves_the_decision_to_the_others_who_have_the_value(company: Company) -> None:
    company.ignore("partner:P3", "phone")
    company.night(2)

    erase(company.settings, Asked(["partner:P3"], True, "dpo"), night_time(2), quiet)

    assert usage(company, "+441134960000") == ["ignored"]
    assert "partner:P3" not in subjects(company)


def test_an_erasure_of_the_last_who_had_the_value_takes_the_decision_along(
    company: Company,
) -> None:
    company.ignore("partner:P1", "phone")
    company.night(2)
    digest = company.ask("select digest from ignored_values").item()
    erase(company.settings, Asked(["partner:P1"], True, "dpo"), night_time(2), quiet)
    still = digest in subjects(company)

    erase(company.settings, Asked(["partner:P2"], True, "dpo"), night_time(2), quiet)

    assert still
    assert digest not in subjects(company)
    assert company.ask("from ignored_values").is_empty()


def test_the_command_leaves_a_value_out_once_and_explain_names_it(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("decide", "--ignore", "partner:P1", "phone", "--by", "ann", "--because", "a workshop")
    first = touchstone_here(company, capsys, *words).stdout
    again = touchstone_here(company, capsys, *words).stdout
    company.night(2)

    told = touchstone_here(company, capsys, "explain", "partner:P1", "partner:P2").stdout

    assert "the phone of partner:P1 is left out of matching" in first
    assert "nothing was added" in again
    assert "the phone of partner:P2: decision 1 of ann (a workshop)" in told
    assert "phone: a value is missing" in told


@pytest.mark.parametrize("asked", [("partner:P9", "phone"), ("partner:P1", "city")])
def test_the_command_says_what_cannot_be_left_out(company: Company, asked: tuple[str, str]) -> None:
    with pytest.raises(TouchstoneError, match=r"no record|cannot be left out"):
        value_of(company.settings, *asked)


def test_a_name_that_ends_when_it_is_taken_back_leads_on(company: Company, tmp_path: Path) -> None:
    decision = company.ignore("partner:P1", "phone")
    company.night(2)
    old = company.ask("select customer_id from crosswalk where record_id = 'partner:P2'").item()
    undo(company, decision)
    company.night(3)

    anew = company.anew(tmp_path / "anew")
    anew.rebuild(4)

    leads = company.ask(f"select customer_id, why from redirects where old_customer_id = '{old}'")
    home = company.ask("select customer_id from crosswalk where record_id = 'partner:P1'").item()
    assert leads.rows() == [(home, "decided")]
    assert differences(company.tables(), anew.tables()) == {}


def test_what_is_taken_back_before_a_night_changes_nothing(
    company: Company, tmp_path: Path
) -> None:
    undo(company, company.ignore("partner:P1", "phone"))
    company.night(2)

    anew = company.anew(tmp_path / "anew")
    anew.rebuild(3)

    assert company.ask("from redirects").is_empty()
    assert differences(company.tables(), anew.tables()) == {}


def test_tables_of_a_version_without_it_are_given_it(company: Company) -> None:
    with duckdb.connect(str(company.settings.golden)) as con:
        con.execute("drop table ignored_values")
    company.ignore("partner:P1", "phone")

    company.night(2)

    said = "select comment from duckdb_tables() where table_name = 'ignored_values'"
    assert company.ask("from ignored_values").height == 1
    assert "left out of matching" in company.ask(said).item()
