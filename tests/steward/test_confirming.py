"""A contact point is confirmed from the customer's page and from an entry's, by a code."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.cli import main
from tests.flows.builders import Company
from tests.shared import Shared
from tests.steward.desks import Office, Person, office
from tests.steward.entering import with_codes
from tests.steward.test_customers import FOREIGN
from tests.steward.test_records import ENTRY


@pytest.fixture
def company(shared: Shared, tmp_path: Path) -> Company:
    return with_codes(shared, tmp_path / "company")


@pytest.fixture
def desk(company: Company) -> Iterator[Office]:
    with office(company.settings) as started:
        yield started


@pytest.fixture
def eve(desk: Office) -> Person:
    return desk.person("eve", "editor", campaigns=("spring",))


def outbox(company: Company) -> list[dict[str, str]]:
    """The messages, the oldest first."""
    files = company.settings.outbox.glob("*.json")
    by_age = sorted(files, key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(path.read_text("utf-8")) for path in by_age]


def code_of(message: dict[str, str]) -> str:
    found = re.search("[0-9]{6}", message["text"])
    assert found is not None
    return found[0]


def annas(company: Company) -> tuple[str, str]:
    """Her record of the spring campaign, and her customer."""
    row = company.ask(
        "select record_id, customer_id from crosswalk where customer_id = (select customer_id "
        "from crosswalk where record_id = 'members:M1') and campaign = 'spring'"
    ).row(0)
    return str(row[0]), str(row[1])


def send(person: Person, record: str, field: str = "email") -> str:
    """Where the code is typed."""
    answer = person.post("/codes", record=record, field=field)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def points(company: Company, customer_id: str) -> dict[str, str]:
    rows = company.ask(
        f"select value, verification from contact_points where customer_id = '{customer_id}'"
    )
    return dict(rows.iter_rows())


def test_a_customers_address_is_confirmed_by_the_code_that_was_sent_there(
    company: Company, desk: Office, eve: Person
) -> None:
    record, customer = annas(company)
    shown = eve.get(f"/customers/{customer}").text
    place = send(eve, record)
    message = outbox(company)[-1]

    answer = eve.post(place, code=f" {code_of(message)[:3]} {code_of(message)[3:]}")
    after = eve.get(answer.headers["location"]).text
    company.night(3)

    assert 'action="/codes"' in shown
    assert message["to"] == "anna@post.org"
    assert "anna" not in place
    assert answer.headers["location"] == f"/customers/{customer}?saved=confirmed"
    assert "confirmed an e-mail address" in after
    assert points(company, customer)["anna@post.org"] == "confirmed"
    assert "✓ confirmed" in html.unescape(eve.get(f"/customers/{customer}").text)
    trail = [action for name, action in desk.noted() if name == "eve"]
    assert "send_code" in trail
    assert "confirm" in trail


def test_a_wrong_code_is_said_with_the_tries_that_are_left(
    company: Company, desk: Office, eve: Person
) -> None:
    place = send(eve, annas(company)[0])
    right = code_of(outbox(company)[-1])
    wrong = f"{(int(right) + 1) % 10**6:06}"

    pages = [eve.post(place, code=wrong) for _ in range(5)]

    assert [page.status_code for page in pages] == [422] * 5
    assert "4 tries" in pages[0].text
    assert "1 try" in pages[3].text
    assert "This code is over" in pages[4].text
    assert eve.post(place, code=right).status_code == 422
    assert desk.desk.state.decisions.read().filter(kind="confirm").is_empty()


def test_an_entry_is_confirmed_before_a_run_has_it(company: Company, eve: Person) -> None:
    entered = eve.post("/customers/new", key="one", **ENTRY).headers["location"]
    before = eve.get(entered).text
    place = send(eve, "desk_entry:desk-one")
    answer = eve.post(place, code=code_of(outbox(company)[-1]))
    after = eve.get(answer.headers["location"]).text
    company.night(3)

    assert "zoe@nagy.hu" in html.unescape(re.sub("<[^>]+>", "", before))
    assert answer.headers["location"] == f"{entered}?saved=confirmed"
    assert "✓ confirmed" in html.unescape(after)
    customer = str(company.ask(
        "select customer_id from crosswalk where source = 'desk_entry'").item())  # fmt: skip
    assert points(company, customer)["zoe@nagy.hu"] == "confirmed"
    assert eve.get(entered).headers["location"] == f"/customers/{customer}"


def test_nobody_sends_to_what_they_may_not_add_to(
    company: Company, desk: Office, eve: Person
) -> None:
    vera = desk.person("vera", "viewer", campaigns=("spring",))
    dora = desk.person("dora", "editor", campaigns=("dach",))
    record = annas(company)[0]
    eve.post("/customers/new", key="one", **ENTRY)
    entered = "/customers/entered/desk-one"

    told = [
        eve.post("/codes", record="members:M2", field="phone").status_code,
        eve.post("/codes", record=record, field="address").status_code,
        eve.post("/codes", record=record, field="nonsense").status_code,
        eve.post("/codes", record="desk_entry:nobody", field="email").status_code,
        vera.post("/codes", record=record, field="email").status_code,
        dora.post("/codes", record="desk_entry:desk-one", field="email").status_code,
    ]

    assert told == [404, 404, 404, 404, 403, 404]
    assert not company.settings.outbox.exists()
    assert "zoe" not in dora.get(entered).text
    assert FOREIGN not in eve.get(entered).text


def test_a_code_is_shown_to_nobody_else(company: Company, desk: Office, eve: Person) -> None:
    place = send(eve, annas(company)[0])
    adam = desk.person("adam", "administrator")

    assert adam.get(place).status_code == 404
    assert adam.post(place, code=code_of(outbox(company)[-1])).status_code == 404


def test_so_many_codes_and_no_more(company: Company, eve: Person) -> None:
    record = annas(company)[0]
    for _ in range(3):
        send(eve, record)

    answer = eve.post("/codes", record=record, field="email")

    assert answer.status_code == 429
    assert len(outbox(company)) == 3


def test_where_nobody_sends_codes_there_is_no_button(company: Company) -> None:
    record, customer = annas(company)
    quiet = company.settings.model_copy(update={"code_sender": None})
    with office(quiet) as desk:
        eve = desk.person("eve", "editor", campaigns=("spring",))

        assert "/codes" not in eve.get(f"/customers/{customer}").text
        assert eve.post("/codes", record=record, field="email").status_code == 404


def test_what_cannot_be_sent_is_said_and_is_no_code(company: Company) -> None:
    record = annas(company)[0]
    broken = company.settings.model_copy(update={"code_sender": "program:/nowhere"})
    with office(broken) as desk:
        eve = desk.person("eve", "editor", campaigns=("spring",))
        answers = [eve.post("/codes", record=record, field="email") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [503] * 4
    assert "was not sent" in answers[0].text


def test_an_erasure_ends_what_is_under_way_and_what_was_confirmed(
    company: Company, desk: Office, eve: Person
) -> None:
    record = annas(company)[0]
    send(eve, record)
    message = outbox(company)[-1]
    done = send(eve, record, "phone")
    eve.post(done, code=code_of(outbox(company)[-1]))
    words = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]

    assert main(["erase", record, "--by", "ann", *words]) == 0

    log = desk.desk.state.decisions.read().filter(kind="confirm")
    with desk.desk.state.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from codes").scalar() == 0
    assert json.loads(log["subject"].item())["digest"] == "erased"
    assert not company.settings.outbox.exists()
    assert message["to"] == "anna@post.org"
    assert main(["nightly", *words]) == 0
