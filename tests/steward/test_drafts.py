"""A customer who is not complete yet is kept as a draft, and becomes a record when saved."""

import html
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.cli import main
from tests.flows.builders import Company
from tests.shared import Shared
from tests.steward.desks import Office, Person, office
from tests.steward.entering import with_entries
from tests.steward.test_customers import XSS
from tests.steward.test_handing import ANNA, spooled

PART = {"last_name": "Nagy", "city": XSS, "key": "one"}


@pytest.fixture
def company(shared: Shared, tmp_path: Path) -> Company:
    return with_entries(shared, tmp_path / "company")


@pytest.fixture
def desk(company: Company) -> Iterator[Office]:
    with office(company.settings) as started:
        yield started


@pytest.fixture
def eve(desk: Office) -> Person:
    return desk.person("eve", "editor", campaigns=("spring",))


def test_what_is_not_complete_is_taken_up_where_it_was_left(desk: Office, eve: Person) -> None:
    kept = eve.post("/customers/drafts", **PART)
    listed = eve.get(kept.headers["location"]).text
    form = eve.get("/customers/drafts/one").text

    assert "Kept as a draft" in listed
    assert "/customers/drafts/one" in listed
    assert 'value="Nagy"' in form
    assert 'name="key" value="one"' in form
    assert "Still a draft: it needs a contact that is valid, a campaign." in form
    assert XSS not in listed + form
    assert XSS in html.unescape(form)
    assert spooled(desk) == ""
    assert ("eve", "keep_draft") in desk.noted()


def test_a_draft_that_is_saved_is_a_record_and_no_draft_any_more(desk: Office, eve: Person) -> None:
    eve.post("/customers/drafts", **PART)

    saved = eve.post("/customers/new", **(PART | {"email": "z@nagy.hu", "campaign": "spring"}))

    assert saved.status_code == 303
    assert spooled(desk).count("z@nagy.hu") == 1
    assert eve.get("/customers/drafts/one").status_code == 404


def test_a_draft_that_equals_a_customer_is_handed_over(eve: Person) -> None:
    eve.post("/customers/drafts", key="one", **ANNA)

    assert "Ask a steward" in eve.get("/customers/drafts/one").text
    assert eve.post("/customers/new/ask", key="one", **ANNA).status_code == 303
    assert eve.get("/customers/drafts/one").status_code == 404


def test_an_empty_form_is_no_draft(eve: Person) -> None:
    answer = eve.post("/customers/drafts", key="one", campaign="spring")

    assert answer.status_code == 422
    assert "nothing to keep yet" in answer.text


def test_a_draft_is_its_authors_alone(desk: Office, eve: Person) -> None:
    eve.post("/customers/drafts", **PART)
    adam = desk.person("adam", "administrator")

    seen = adam.get("/customers/drafts/one").status_code
    adam.post("/customers/drafts/one/discard")

    assert seen == 404
    assert "Nagy" not in adam.get("/customers/typed").text
    assert eve.get("/customers/drafts/one").status_code == 200
    assert eve.post("/customers/drafts/one/discard").status_code == 303
    assert eve.get("/customers/drafts/one").status_code == 404


def test_a_draft_goes_when_the_person_is_erased(company: Company, eve: Person) -> None:
    eve.post("/customers/drafts", key="one", last_name="Gross", email="anna@post.org")
    eve.post("/customers/drafts", key="two", last_name="Other")
    words = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]

    assert main(["erase", "members:M1", "--by", "ann", *words]) == 0

    assert eve.get("/customers/drafts/one").status_code == 404
    assert eve.get("/customers/drafts/two").status_code == 200
