"""A person corrects a row in quarantine: it enters as it should have come, until taken back."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.cli import main
from flows.nightly import Night
from tests.flows import laws
from tests.flows.builders import Company, differences, found, person

TOM = person("Tom", "Baker", email="tom.baker@mail.org", phone="07911 123403", city="York")
NOBODY = {"no": "7", "city": "York"}
TEST = {"no": "8", **person("Test", "Test", email="test@test.com")}


def item(company: Company, row_number: int) -> dict[str, Any]:
    """The question about a row in quarantine."""
    asked = "from review_items where kind = 'quarantine' and row_number = "
    return company.ask(f"{asked}{row_number}").row(0, named=True)


def names(company: Company) -> list[tuple[str | None, str | None, str | None]]:
    """First name, last name and e-mail of every customer."""
    return company.ask("select first_name, last_name, email from customers order by all").rows()


def states(company: Company) -> list[tuple[str, str, str]]:
    """What came of each corrected field, and who corrected it."""
    told = "select field, state, decided_by from corrections order by field"
    return company.ask(told).rows()


def is_as_a_rebuild(company: Company, folder: Path, number: int) -> bool:
    """Whether a rebuild from nothing makes the same tables."""
    anew = company.anew(folder)
    anew.rebuild(number)
    return differences(company.tables(), anew.tables()) == {}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Row 3 names nobody, row 4 is a test entry."""
    company = found(tmp_path_factory.mktemp("pristine"))
    company.drop("members", [{"no": "1", **TOM}, NOBODY, TEST], name="1")
    company.night(1)
    return company


@pytest.fixture
def company(pristine: Company, tmp_path: Path) -> Company:
    return pristine.twin(tmp_path / "chain")


@pytest.fixture(scope="module")
def corrected(pristine: Company, tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, Night]:
    """A night later, in which row 3 enters with a name and an address."""
    company = pristine.twin(tmp_path_factory.mktemp("corrected"))
    company.correct(item(company, 3), first_name=" ada ", last_name="Lace", email="Ada@Lace.org")
    return company, company.night(2)


def test_a_corrected_row_is_a_version_of_its_record(
    corrected: tuple[Company, Night], tmp_path: Path
) -> None:
    company, night = corrected

    assert not night.run.is_rebuild
    assert ("Ada", "Lace", "ada@lace.org") in names(company)
    ada = company.ask("select city from customers where last_name = 'Lace'")
    assert ada.item() == "York"  # what the sender said besides stands
    assert company.ask("select row_number from quarantine")["row_number"].to_list() == [4]
    assert states(company) == [(name, "applied", "anna") for name in
                               ("email", "first_name", "last_name")]  # fmt: skip
    assert set(company.ask("select record_id from corrections")["record_id"]) == {"members:7"}
    laws.counts_add_up(company)
    assert is_as_a_rebuild(company, tmp_path / "anew", 2)


def test_an_undone_correction_puts_the_row_back(
    pristine: Company, corrected: tuple[Company, Night], tmp_path: Path
) -> None:
    company = corrected[0].twin(tmp_path)
    assert differences(pristine.tables(), company.tables()) != {}
    company.decide("undo", decision_id=1)

    night = company.night(3)

    assert night.run.is_rebuild
    assert differences(pristine.tables(), company.tables()) == {}


def test_a_correction_that_does_not_help_says_so(company: Company, tmp_path: Path) -> None:
    company.correct(item(company, 3), email="no address")
    company.night(2)
    asked = item(company, 3)

    assert asked["why"] == "record_has_a_name_or_contact, correction_mends_the_row"
    assert states(company) == [("email", "failing", "anna")]

    company.correct(asked, last_name="Lace")
    company.night(3)

    assert states(company) == [("email", "applied", "anna"), ("last_name", "applied", "anna")]
    assert company.ask("select row_number from quarantine")["row_number"].to_list() == [4]
    assert is_as_a_rebuild(company, tmp_path / "anew", 3)


def test_a_correction_of_a_row_that_was_another_is_asked_again(company: Company) -> None:
    seen = item(company, 3)
    row = {"sha256": seen["delivery_id"], "row_number": 3}
    company.decide("correct", **row, seen="0" * 64, cells=[{"field": "last_name", "value": "X"}])

    night = company.night(2)

    assert not night.run.is_rebuild
    assert states(company) == [("last_name", "outdated", "anna")]
    assert item(company, 3)["item_id"] == seen["item_id"]


def test_what_came_after_a_corrected_row_still_comes_after_it(company: Company) -> None:
    asked = item(company, 3)
    company.drop(
        "members", [{"no": "1", **TOM}, {"no": "7", "first": "Ada", "email": "ada@lace.org"}]
    )
    company.night(2)
    company.correct(asked, first_name="Eve", last_name="Lace", email="ada@lace.org")

    night = company.night(3)

    assert night.run.is_rebuild
    told = (
        "select value from history where field = 'first_name' and value <> 'Tom' "
        "order by valid_from"
    )
    assert company.ask(told)["value"].to_list()[-2:] == ["Eve", "Ada"]


def test_a_row_without_its_key_and_one_that_cannot_be_read_enter_corrected(
    tmp_path: Path,
) -> None:
    company = found(tmp_path / "chain")
    rows = [{"op": "upsert", "id": "1", **TOM}, {"op": "upsert", **TOM, "last": "Cook"}, "a,b"]
    company.drop("partner", rows)
    company.drop("forms", [TOM | {"last": "Lane"}, "a,b,c"])
    company.night(1)
    company.correct(item(company, 4), source_key="P4", last_name="Ragged", phone="020 7946 0123")
    keyless = company.ask("select item_id from review_items where row_number = 3 and "
                          "why = 'row_has_a_source_key'").item()  # fmt: skip
    asked = company.ask(f"from review_items where item_id = '{keyless}'").row(0, named=True)
    company.correct(asked, source_key="P3")
    company.night(2)

    known = "select source_key, last_name from customers join crosswalk using (customer_id) "
    partner = company.ask(known + "where source = 'partner' order by all")

    assert {"P3", "P4"} <= set(partner["source_key"])
    laws.counts_add_up(company)
    assert is_as_a_rebuild(company, tmp_path / "anew", 2)


Items = list[dict[str, Any]]


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, Items]:
    """Two deliveries of a partner, each with a row of one person without a key, after two nights;
    with the questions about the two rows."""
    company, items = found(tmp_path_factory.mktemp("keyless")), pl.DataFrame()
    for night, last in enumerate(["Baker", "Bakers"], 1):
        rows = [{"op": "upsert", "id": str(night), **person("Eva", f"Lane{night}")}]
        company.drop("partner", [*rows, {"op": "upsert", **TOM, "last": last}])
        company.night(night)
        told = company.ask("from review_items where why = 'row_has_a_source_key'")
        items = pl.concat([items, told]).unique("item_id", maintain_order=True)
    return company, items.rows(named=True)


@pytest.fixture
def keyless(two_nights: tuple[Company, Items], tmp_path: Path) -> tuple[Company, Items]:
    return two_nights[0].twin(tmp_path / "chain"), two_nights[1]


def leads(company: Company) -> list[tuple[str, str, str]]:
    told = "select old_customer_id, customer_id, why from redirects order by 1"
    return company.ask(told).rows()


def toms(company: Company) -> list[str]:
    told = "select customer_id from customers where first_name = 'Tom'"
    return company.ask(told)["customer_id"].to_list()


def test_the_name_of_a_record_that_two_corrections_share_leads_on_when_the_first_is_taken_back(
    keyless: tuple[Company, Items], tmp_path: Path
) -> None:
    company, (first, second) = keyless
    company.correct(first, source_key="P7")
    company.correct(second, source_key="P7")
    company.night(3)
    (before,) = toms(company)
    company.decide("undo", decision_id=1)

    night = company.night(4)

    assert night.run.is_rebuild
    (now,) = toms(company)
    assert now != before
    assert leads(company) == [(before, now, "corrected")]
    company.night(5)
    assert leads(company) == [(before, now, "corrected")]
    assert is_as_a_rebuild(company, tmp_path / "anew", 5)


def test_the_name_of_a_record_leads_on_when_an_earlier_row_is_given_its_key(
    keyless: tuple[Company, Items], tmp_path: Path
) -> None:
    company, (first, second) = keyless
    company.correct(second, source_key="P7")
    company.night(3)
    (before,) = toms(company)
    company.correct(first, source_key="P7")
    company.night(4)

    (now,) = toms(company)

    assert now != before
    assert leads(company) == [(before, now, "corrected")]
    assert is_as_a_rebuild(company, tmp_path / "anew", 4)


def test_a_record_that_goes_on_by_its_own_rows_is_led_to_as_well(
    keyless: tuple[Company, Items], tmp_path: Path
) -> None:
    company, (first, _) = keyless
    company.correct(first, source_key="P7")
    company.night(3)
    (before,) = toms(company)
    company.drop("partner", [{"op": "upsert", "id": "P7", **TOM, "city": "Leeds"}])
    company.night(4)
    assert toms(company) == [before]
    company.decide("undo", decision_id=1)

    company.night(5)

    (now,) = toms(company)
    assert leads(company) == [(before, now, "corrected")]
    company.decide("undo", decision_id=2)
    company.night(6)
    assert toms(company) == [before]
    assert leads(company) == [(now, before, "corrected")]
    assert is_as_a_rebuild(company, tmp_path / "anew", 6)


def test_the_newest_word_on_a_row_holds(company: Company) -> None:
    company.correct(item(company, 4), first_name="Theo", last_name="Test", email="theo@mail.org")
    seen = item(company, 4)
    company.decide("reject", sha256=seen["delivery_id"], row_number=4)

    company.night(2)

    assert company.ask("from corrections").is_empty()
    assert company.ask("from review_items where row_number = 4").is_empty()
    assert sorted(company.ask("select row_number from quarantine")["row_number"]) == [3, 4]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["correct"], "FIELD=VALUE"),
        (["reject", "email=a@b.org"], "FIELD=VALUE"),
        (["correct", "email"], "write FIELD=VALUE"),
        (["correct", "mail=a@b.org"], "no field of ours is called mail"),
        (["correct", "source_key=9", "email=a@b.org"], "leave source_key"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_with_what_would_do(
    company: Company, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    code = decide(company, item(company, 3)["item_id"], *words)

    assert code != 0
    assert says in capsys.readouterr().err


def test_the_command_stores_a_correction(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    code = decide(company, item(company, 3)["item_id"], "correct", "email=ada@lace.org")

    assert code == 0
    assert "enters as corrected" in capsys.readouterr().out
    company.night(2)
    told = company.ask("select value, decided_by, because, state from corrections")
    assert told.rows() == [("ada@lace.org", "Eva", "asked them", "applied")]


def decide(company: Company, *words: str) -> int:
    """Run `touchstone decide`; its exit code."""
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    try:
        return main(["decide", *words, "--by", "Eva", "--because", "asked them", *places])
    except SystemExit as left:
        return int(left.code or 0)


def test_fields_are_named_once_and_rows_are_told_apart(company: Company) -> None:
    one, other = item(company, 3), item(company, 4)
    company.correct(one, email="ada@lace.org")
    company.correct(other, first_name="Theo", last_name="Lamb", email="theo@mail.org", phone="")

    company.night(2)

    assert company.ask("from quarantine").is_empty()
    assert ("Theo", "Lamb", "theo@mail.org") in names(company)
    kept = company.ask("select distinct row_number from corrections order by all")
    assert kept.equals(pl.DataFrame({"row_number": [3, 4]}))


def test_the_corrected_value_and_the_report_name_who_and_what(
    corrected: tuple[Company, Night], capsys: pytest.CaptureFixture[str]
) -> None:
    company, _ = corrected
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    capsys.readouterr()

    main(["explain", "members:7", *places])
    lines = capsys.readouterr().out.splitlines()
    main(["report", "1", "--json", *places])
    report = json.loads(capsys.readouterr().out)

    values = {line.split()[0]: line for line in lines if "from members:7" in line}
    assert values["email"].endswith("corrected by anna")
    assert "corrected by" not in values["city"]
    assert report["corrected_count"] == 1
    examples = [row for reason in report["quarantine"] for row in reason["examples"]]
    assert {row["item_id"] for row in examples} == {item(company, 4)["item_id"]}
    assert any("touchstone decide ITEM correct" in words for words in report["do"])
