"""Customers that are companies: who is one, and what the desk shows of two."""

import pytest

from flows.cli import main
from steward.desk.comparison import Comparison, compare
from steward.desk.seen import see_records
from steward.permission import Actor
from tests.flows.builders import Company, csv_of, found
from tests.steward.desks import office

COLUMNS = ("id", "name", "phone", "street", "city", "contact")
FEED = """
source  = "traders"
title   = "Traders"
channel = "bulk_list"
mode    = "append"
owner   = "traders@example.com"
trust   = 60
[read]
format    = "csv"
path      = "traders/*.csv"
delimiter = ","
encoding  = "utf-8"
key       = "id"
[columns]
"id"      = "source_key"
"name"    = "company"
"contact" = "last_name"
"phone"   = "phone"
"street"  = "address"
"city"    = "city"
[parse]
region = "US"
"""


COUNTER = ("404 555 0142", "2290 Peachtree Rd")
OFFICE = ("212 555 0187", "99 E 52nd St")


def row(
    key: str, name: str, place: tuple[str, str] = COUNTER, city: str = "Atlanta", contact: str = ""
) -> dict[str, str]:
    return dict(zip(COLUMNS, (key, name, *place, city, contact), strict=True))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The Georgia Grille twice, who else is at its counter, and two people of one office."""
    company = found(tmp_path_factory.mktemp("traders"))
    (company.settings.rules / "feeds" / "traders").mkdir()
    (company.settings.rules / "feeds" / "traders" / "feed.toml").write_text(FEED, "utf-8")
    rows = [
        row("1", "Georgia Grille Ltd"),
        row("2", "The Georgia Grille", city="Buckhead"),
        row("3", "Nordwind Reisen"),
        row("4", "Hansa Bau", OFFICE, "New York", "Amberley"),
        row("5", "Hansa Bau", OFFICE, "New York", "Okonkwo"),
    ]
    company.drop_file("traders/all.csv", csv_of(COLUMNS, rows))
    company.night(1)
    return company


def customers(company: Company) -> dict[str, str]:
    found = company.ask("select source_key, customer_id from crosswalk order by source_key")
    return dict(found.rows())


def table_of(company: Company, one: str, other: str) -> Comparison:
    with office(company.settings) as desk, desk.desk.snapshots.reading() as snapshot:
        records = {"record_ids": [f"traders:{one}", f"traders:{other}"], "item_id": "x"}
        rulebook = desk.desk.rulebook
        seen = see_records(snapshot, records, Actor("adam", "administrator"), rulebook)
        sides = (seen.record(key) for key in records["record_ids"])
        return compare(seen, *sides, rulebook)


def test_two_companies_at_one_counter_are_two_customers(company: Company) -> None:
    found = customers(company)

    assert found["1"] == found["2"]
    assert len({found[key] for key in "1345"}) == 4


@pytest.mark.parametrize(("other", "said"), [("2", "same company"), ("3", "another company")])
def test_what_two_companies_are_called_is_shown_once_and_weighed(
    company: Company, other: str, said: str
) -> None:
    table = table_of(company, "1", other)

    assert [line.said for line in table.lines if line.title == "Company"] == [said]
    assert not [line for line in table.lines if line.title == "Account"]
    assert table.household is not None
    assert "companies of one address" in table.household.said


def test_the_company_of_people_is_shown_once(company: Company) -> None:
    table = table_of(company, "4", "5")

    assert [line.said for line in table.lines if line.title == "Company"] == ["same company"]


def test_why_two_companies_are_two_is_explained_in_their_words(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    places = [f"--{name}={getattr(company.settings, name)}" for name in ("data", "rules")]

    assert main(["explain", "traders:1", "traders:3", *places]) == 0

    told = capsys.readouterr().out
    assert "account: another company" in told
    assert "two companies of one address" in told
    assert " company: a value is missing" not in told
