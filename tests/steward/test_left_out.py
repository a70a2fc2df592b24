"""Two people leave a value out of matching together; nobody learns of customers out of scope."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules.reach import Reach
from steward.api.matchers import open_matcher
from steward.api.matching import Question
from store.rulebook import read_rulebook
from store.scoped import scoped_to
from store.snapshot import current_run
from tests.flows.builders import Company, found, person
from tests.steward.desks import Office, Person, office
from tests.steward.test_desk import follow

OFFICE = "0113 496 0000"
NUMBER = "4960000"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Two of the spring campaign and one of autumn, all with one telephone."""
    founded = found(tmp_path_factory.mktemp("pristine"))
    for source, campaign in (("members", "spring"), ("partner", "autumn")):
        feed = founded.settings.rules / "feeds" / source / "feed.toml"
        text = feed.read_text("utf-8").replace("trust ", f'campaign = "{campaign}"\ntrust ', 1)
        feed.write_text(text, "utf-8")
    founded.drop("members", [{"no": "M1", **person("Ida", "Moss", phone=OFFICE)}])
    founded.night(1)
    founded.drop("members", [
        {"no": "M1", **person("Ida", "Moss", phone=OFFICE)},
        {"no": "M2", **person("Zed", "Quark", phone="0113 496 0999", city="York")},
    ])  # fmt: skip
    change = {"op": "upsert", "id": "P1", **person("Ira", "Voss", phone=OFFICE)}
    founded.drop("partner", [change])
    founded.night(2)
    return founded


@pytest.fixture
def company(pristine: Company, tmp_path: Path) -> Company:
    return pristine.twin(tmp_path / "company")


@pytest.fixture
def desk(company: Company) -> Iterator[Office]:
    with office(company.settings) as started:
        yield started


def steward(desk: Office, name: str, *campaigns: str) -> Person:
    return desk.person(name, "editor", campaigns=campaigns, functions=("data_steward",))


def propose(who: Person, because: str = "a switchboard", field: str = "phone") -> str:
    answer = who.post("/left-out/new", record="members:M1", field=field, because=because, key="1")
    return answer.headers.get("location", str(answer.status_code))


def topic(page: str) -> str:
    named = re.search(r'name="topic" value="([^"]+)"', page)
    return named[1] if named else ""


def decided(desk: Office) -> list[str]:
    return desk.desk.state.decisions.read()["kind"].to_list()


def test_two_people_leave_a_value_out_and_the_next_night_obeys(
    company: Company, desk: Office
) -> None:
    sam, ann = steward(desk, "sam", "spring"), desk.person("ann", "administrator")
    asked = sam.get("/left-out/new?record=members:M1&field=phone").text

    proposed = propose(sam)
    none = decided(desk)
    waiting = ann.get("/left-out").text
    agreed = ann.post("/left-out/agree", topic=topic(waiting), key="2")
    company.night(3)

    assert NUMBER in asked.replace(" ", "")
    assert proposed.endswith("saved=second")
    assert none == []
    assert "a switchboard" in waiting
    assert agreed.headers["location"].endswith("saved=decided")
    assert decided(desk) == ["ignore"]
    usage = company.ask("select distinct usage from contact_points where value like '%0000'")
    assert usage["usage"].to_list() == ["ignored"]
    assert "left out of matching" in ann.get("/customers/C1-2").text
    assert "left a value out of matching" in ann.get("/customers/C1-2").text


def test_nobody_agrees_to_their_own_or_beyond_their_campaigns(desk: Office) -> None:
    sam, sue = steward(desk, "sam", "spring"), steward(desk, "sue", "spring")
    both = steward(desk, "bo", "spring", "autumn")
    propose(sam)
    named = topic(both.get("/left-out").text)

    own = sam.post("/left-out/agree", topic=named, key="2")
    narrow = sue.post("/left-out/agree", topic=named, key="3")
    hers = propose(sue, "a hotel")
    wide = both.post("/left-out/agree", topic=named, key="4")

    assert own.status_code == narrow.status_code == 404
    assert named not in sue.get("/left-out").text
    assert hers.endswith("saved=second")
    assert wide.headers["location"].endswith("saved=decided")
    assert decided(desk) == ["ignore"]


def test_who_has_it_is_told_no_further_than_ones_campaigns(desk: Office) -> None:
    sam, ann = steward(desk, "sam", "spring"), desk.person("ann", "administrator")

    narrow = sam.get("/left-out/new?record=members:M1&field=phone").text
    wide = ann.get("/left-out/new?record=members:M1&field=phone").text

    assert "Voss" not in narrow
    assert "1 customer in your campaigns" in narrow
    assert "Voss" in wide


@pytest.mark.parametrize(
    ("role", "functions", "status"),
    [("viewer", (), 403), ("editor", (), 403), ("editor", ("account_manager",), 403)],
)
def test_others_may_not(desk: Office, role: str, functions: tuple[str, ...], status: int) -> None:
    vera = desk.person("vera", role, campaigns=("spring",), functions=functions)  # type: ignore[arg-type]

    assert vera.get("/left-out").status_code == status
    assert propose(vera) == str(status)


@pytest.mark.parametrize(
    ("record", "field", "because", "status"),
    [
        ("members:M1", "phone", "", 422),
        ("members:M1", "email", "says none", 404),
        ("members:M1", "city", "no contact", 404),
        ("partner:P1", "phone", "another campaign", 404),
        ("members:M9", "phone", "nobody", 404),
    ],
)
def test_what_cannot_be_left_out_is_said_and_nothing_is_stored(
    desk: Office, record: str, field: str, because: str, status: int
) -> None:
    sam = steward(desk, "sam", "spring")

    answer = sam.post("/left-out/new", record=record, field=field, because=because, key="1")

    assert answer.status_code == status
    assert desk.desk.state.proposals.of_kind("ignore") == []


def test_a_proposal_is_withdrawn_and_a_decision_taken_back(company: Company, desk: Office) -> None:
    sam, ann = steward(desk, "sam", "spring"), desk.person("ann", "administrator")
    propose(sam)
    sam.post("/left-out/withdraw", topic=topic(sam.get("/left-out").text))
    gone = topic(sam.get("/left-out").text) == ""
    sam.post("/left-out/new", record="members:M1", field="phone", because="again", key="5")
    ann.post("/left-out/new", record="partner:P1", field="phone", because="yes", key="6")
    standing = ann.get("/left-out/new?record=members:M1&field=phone").text
    company.night(3)

    undone = ann.post("/left-out/undo", decision="1")
    company.night(4)

    assert gone
    assert "has left it out" in standing
    assert undone.headers["location"].endswith("saved=undone")
    assert decided(desk) == ["ignore", "undo"]
    assert company.ask("from ignored_values").is_empty()


def test_neither_log_nor_trail_has_the_value(
    desk: Office, caplog: pytest.LogCaptureFixture
) -> None:
    sam, ann = steward(desk, "sam", "spring"), desk.person("ann", "administrator")
    propose(sam)
    ann.post("/left-out/agree", topic=topic(ann.get("/left-out").text), key="2")

    with desk.desk.state.engine.connect() as connection:
        told = [
            str(row)
            for table in ("decisions", "verdicts", "audit")
            for row in connection.exec_driver_sql(f"select * from {table}")
        ]

    assert not [row for row in told if NUMBER in row]
    assert NUMBER not in caplog.text


def test_a_second_person_finds_what_waits_for_them(desk: Office) -> None:
    sam, ann = steward(desk, "sam", "spring"), desk.person("ann", "administrator")
    before = ann.get("/customers").text
    propose(sam)
    with desk.desk.state.engine.begin() as connection:
        connection.exec_driver_sql("update items set state = 'decided'")

    listed, own = ann.get("/customers").text, sam.get("/customers").text
    empty = follow(ann, "/queue").text

    link = 'href="/left-out">Left out of matching'
    assert f"{link}</a>" in before
    assert f'{link} <b class="num">1</b></a>' in listed
    assert f"{link}</a>" in own
    assert "to leave out of matching" in empty


def test_pairs_and_clusters_lead_to_it(company: Company, desk: Office) -> None:
    ann, vera = desk.person("ann", "administrator"), steward(desk, "vera", "winter")
    (item,) = company.ask("from review_items where kind = 'match'").iter_rows(named=True)

    pair = follow(ann, f"/items/{item['item_id']}").text
    cluster = ann.get(f"/items/{item['item_id']}?view=cluster").text

    link = "/left-out/new?record=members%3AM1&amp;field=phone"
    assert link in pair
    assert link in cluster
    assert "Both have" in cluster
    assert follow(vera, f"/items/{item['item_id']}").status_code == 404


def test_a_pair_says_what_is_left_out(company: Company, desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    company.decide("different", records=["members:M1", "partner:P1"])
    company.ignore("members:M1", "phone")
    company.night(3)

    page = ann.get("/customers/C1-2").text

    assert '<span class="chip warn">left out of matching</span>' in page
    assert "field=phone" not in page


def test_the_read_api_matches_nobody_by_it_either(company: Company) -> None:
    asked = {"first_name": "Ivo", "last_name": "Mossy", "phone": "+44 113 496 0000"}

    before = matched(company, asked)
    company.ignore("members:M1", "phone")
    company.night(3)

    assert before
    assert matched(company, asked) == []


def matched(company: Company, record: dict[str, str]) -> list[str]:
    """The customers that the read API finds for a record."""
    run_id = current_run(company.settings)
    assert run_id is not None
    matcher = open_matcher(company.settings, read_rulebook(company.settings.rules), run_id)
    try:
        (answer,) = matcher.answer([Question(record, scoped_to(Reach(is_all=True)), 5)])
    finally:
        matcher.database.close()
    return [found["customer_id"] for found in answer["customers"]]
