"""A customer is taken apart and a value is pinned as a decision, which the next run obeys."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.builders import Company, found, person
from tests.steward.desks import Office, Person, office
from tests.steward.test_customers import id_of

ANNA = person("Anna", "Stone", email="anna@stone.org", phone="07911 123401", born="1980-02-01")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    founded = found(tmp_path_factory.mktemp("pristine"))
    for source in ("forms", "members", "partner"):
        feed = founded.settings.rules / "feeds" / source / "feed.toml"
        text = feed.read_text("utf-8").replace("trust ", 'campaign = "spring"\ntrust ', 1)
        feed.write_text(text, "utf-8")
    founded.drop("forms", [ANNA | {"sent": "2026-02-01"}])
    founded.drop("members", [{"no": "M1", **ANNA, "city": "Leeds"}])
    founded.drop("partner", [{"op": "upsert", "id": "P1", **ANNA, "city": "York"},
                             {"op": "upsert", "id": "P2", **ANNA, "city": "Hull"}])  # fmt: skip
    founded.night(1)
    records = founded.ask("select record_id from crosswalk")["record_id"].to_list()
    founded.decide("same", records=records)
    founded.night(2)
    return founded


@pytest.fixture
def company(pristine: Company, tmp_path: Path) -> Company:
    return pristine.twin(tmp_path / "company")


@pytest.fixture
def desk(company: Company) -> Iterator[Office]:
    with office(company.settings) as started:
        yield started


def steward(desk: Office, name: str) -> Person:
    return desk.person(name, "editor", campaigns=("spring",), functions=("data_steward",))


def form_key(page: str) -> str:
    found_key = re.search(r'name="key" value="([^"]+)"', page)
    assert found_key is not None
    return found_key[1]


def test_one_record_is_taken_out_by_one_person_and_put_back(company: Company, desk: Office) -> None:
    sam = steward(desk, "sam")
    anna = id_of(sam, "/customers?q=anna")
    page = sam.get(f"/customers/{anna}/unmerge?record=partner:P2").text
    form = {"key": form_key(page), "because": "another Anna", "r1": "partner:P2"}

    shown = sam.post(f"/customers/{anna}/unmerge/parts", r1="partner:P2").text
    saved = sam.post(f"/customers/{anna}/unmerge", **form)
    again = sam.post(f"/customers/{anna}/unmerge", **form)
    waiting = sam.get(f"/customers/{anna}").text
    company.night(3)
    apart = company.ask("select count(distinct customer_id) as n from crosswalk").item()
    log = desk.desk.state.decisions.read()
    undone = sam.post(f"/customers/{anna}/undo", decision="2")
    company.night(4)

    assert "Hull" in shown
    assert shown.count("customer on its own") == 0
    assert saved.headers["location"] == again.headers["location"]
    assert saved.headers["location"].endswith("saved=unmerged")
    assert log["kind"].to_list() == ["same", "different"]
    assert "Pending" in waiting
    assert "another Anna" in waiting
    assert apart == 2
    assert undone.status_code == 303
    assert company.ask("select count(distinct customer_id) as n from crosswalk").item() == 1


def test_where_both_sides_stand_on_several_records_two_people_must_agree(desk: Office) -> None:
    sam, sue = steward(desk, "sam"), steward(desk, "sue")
    anna = id_of(sam, "/customers?q=anna")
    form = {"because": "two Annas", "a": "partner:P1", "b": "partner:P2"}

    first = sam.post(f"/customers/{anna}/unmerge", key="1", **form)
    twice = sam.post(f"/customers/{anna}/unmerge", key="2", **form)
    none = desk.desk.state.decisions.read().height
    seen = sue.get(f"/customers/{anna}/unmerge").text
    other = sue.post(f"/customers/{anna}/unmerge", key="3", because="only one", a="partner:P1")
    second = sue.post(f"/customers/{anna}/unmerge", key="4", **form)

    assert first.headers["location"].endswith("saved=second")
    assert twice.headers["location"].endswith("saved=second")
    assert none == 1
    assert "two Annas" in seen
    assert other.headers["location"].endswith("saved=unmerged")
    assert second.headers["location"].endswith("saved=unmerged")
    assert desk.desk.state.decisions.read()["decided_by"].to_list() == ["anna", "sue", "sue"]


@pytest.mark.parametrize(
    "form",
    [
        {"because": "no tick"},
        {"because": "", "a": "partner:P1"},
        {"because": "unknown", "a": "partner:P9"},
        {"because": "all", "a": "partner:P1", "b": "partner:P2", "c": "members:M1"},
    ],
)
def test_what_cannot_be_taken_apart_is_said_and_nothing_is_stored(
    desk: Office, form: dict[str, str]
) -> None:
    sam = steward(desk, "sam")
    anna = id_of(sam, "/customers?q=anna")
    all_of_them = {"d": first_record(desk)} if form["because"] == "all" else {}

    answer = sam.post(f"/customers/{anna}/unmerge", **form, **all_of_them)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert desk.desk.state.decisions.read().height == 1


def first_record(desk: Office) -> str:
    with desk.desk.snapshots.reading() as snapshot:
        row = snapshot.row("select record_id from crosswalk where source = 'forms'")
    assert row is not None
    return str(row["record_id"])


def test_an_editor_without_a_function_may_pin_a_value_and_take_nothing_out(desk: Office) -> None:
    edda = desk.person("edda", "editor", campaigns=("spring",))
    vera = desk.person("vera", "viewer", campaigns=("spring",))
    anna = id_of(edda, "/customers?q=anna")

    assert edda.get(f"/customers/{anna}/unmerge").status_code == 403
    assert edda.get(f"/customers/{anna}/value").status_code == 200
    assert vera.get(f"/customers/{anna}/value").status_code == 403
    assert "Edit a value" not in vera.get(f"/customers/{anna}").text


def test_a_value_that_is_typed_is_checked_pinned_and_obeyed(company: Company, desk: Office) -> None:
    sam = steward(desk, "sam")
    anna = id_of(sam, "/customers?q=anna")
    form = {"field": "phone", "offer": "typed", "because": "she rang"}

    wrong = sam.post(f"/customers/{anna}/value", typed="12", **form)
    right = sam.post(f"/customers/{anna}/value", typed="+44 7911 123 455", **form)
    company.night(3)
    page = sam.get(f"/customers/{anna}").text

    assert wrong.status_code == 422
    assert right.status_code == 303
    assert company.ask("select phone from customers").item() == "+447911123455"
    assert "chosen by sam" in page
    assert "+44 7911 123401" in page
    assert "pinned" in page


def test_a_value_of_a_record_is_chosen_with_its_record(company: Company, desk: Office) -> None:
    sam = steward(desk, "sam")
    anna = id_of(sam, "/customers?q=anna")
    page = sam.get(f"/customers/{anna}/value?field=place").text
    york = re.search(r'name="offer" value="(\d)"[^>]*data-does="York', page)
    assert york is not None

    sam.post(f"/customers/{anna}/value", field="place", offer=york[1], because="she moved")
    typed = sam.post(f"/customers/{anna}/value", field="place", typed="Rome", because="she moved")
    company.night(3)

    assert typed.status_code == 422
    assert company.ask("select city from customers").item() == "York"
