"""The desk shows the end of a person's number, and the API matches by it."""

from pathlib import Path

import pytest

from rules.reach import Reach
from steward.api.matchers import open_matcher
from steward.api.matching import Answer, Question
from store.rulebook import read_rulebook
from store.scoped import scoped_to
from store.snapshot import current_run
from tests.flows.builders import Company
from tests.flows.numbered import BEFORE, OTHER, SINCE, numbered, send
from tests.steward.desks import office


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Beatrix, who changed all but her number, and four strangers who share one."""
    company = numbered(tmp_path_factory.mktemp("numbered"))
    strangers = [
        {**OTHER, "id": str(number), "first": first, "last": last, "email": f"{first}@{last}.org"}
        for number, (first, last) in enumerate(
            [("Rufus", "Amberley"), ("Olga", "Brandt"), ("Tim", "Cole"), ("Una", "Dorn")], 10
        )
    ]
    send(company, "tax_office", BEFORE, SINCE, *strangers)
    company.night(1)
    return company


def asked(company: Company, **record: str) -> Answer:
    """What the API answers to a record."""
    run_id = current_run(company.settings) or ""
    matcher = open_matcher(company.settings, read_rulebook(company.settings.rules), run_id)
    try:
        return matcher.answer([Question(record, scoped_to(Reach(is_all=True)), 5)])[0]
    finally:
        matcher.database.close()


def test_a_record_is_matched_by_its_number(company: Company) -> None:
    answer = asked(company, first_name="Beatrix", last_name="Vane", person_number="tax:402 11 7788")

    (customer,) = answer["customers"]
    assert "person_number" in customer["found_by"]
    said = {part["comparison"]: part["level"] for part in customer["evidence"]}
    assert said["person_number"] == "same person number"


def test_a_number_that_too_many_share_matches_nobody(company: Company) -> None:
    alone = asked(company, first_name="Zoe", last_name="Quist", person_number="tax:555120099")
    named = asked(company, first_name="Rufus", last_name="Amberley", person_number="tax:555120099")

    assert alone["customers"] == []
    (customer,) = named["customers"]
    assert "person_number" not in {part["comparison"] for part in customer["evidence"]}


def test_a_customers_page_shows_the_end_of_the_number(company: Company, tmp_path: Path) -> None:
    name = company.ask("select customer_id from customers where last_name = 'Hartnell'").item()

    with office(company.twin(tmp_path).settings) as desk:
        page = desk.person("adam", "administrator").get(f"/customers/{name}").text

    assert "tax:***788" in page
    assert "402117788" not in page
