"""The desk takes a person's number and shows its end, and the API matches by it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules.number_kinds import NumberKinds
from rules.reach import Reach
from steward.api.matchers import open_matcher
from steward.api.matching import Answer, Question
from steward.desk.comparison import compare
from steward.desk.numbered import shown, shown_whole
from steward.desk.seen import see_records
from steward.permission import Actor
from store.rulebook import read_rulebook
from store.scoped import scoped_to
from store.snapshot import current_run
from tests.flows.builders import OWN, Company, person
from tests.flows.numbered import BEFORE, OTHER, SINCE, numbered, send
from tests.steward.desks import Office, office


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


def test_a_customers_pages_show_the_kind_in_words_and_the_end_of_the_number(
    company: Company, tmp_path: Path
) -> None:
    name = company.ask("select customer_id from customers where last_name = 'Hartnell'").item()

    with office(company.twin(tmp_path).settings) as desk:
        adam = desk.person("adam", "administrator")
        paths = (f"/customers/{name}", f"/customers/{name}/value?field=person_number")
        pages = [adam.get(path).text for path in paths]
        adam.post(f"/customers/{name}/value", field="person_number", offer="typed",
                  typed="passport:X5550123", because="seen at the counter")  # fmt: skip
        pending = adam.get(f"/customers/{name}").text

    for page in pages:
        assert "tax number ***788" in page
        assert "402117788" not in page
    assert "set person number to <b>passport number ***123</b>" in pending
    assert "X5550123" not in pending


def test_a_kind_without_a_title_is_called_by_its_code_in_words() -> None:
    kinds = NumberKinds(titles={"tax": "tax number"})

    assert shown("person_number", "tax:402117788", kinds) == "tax number ***788"
    assert shown("person_number", "member_card:402117788", kinds) == "member card ***788"
    assert shown("person_number", "402117788", kinds) == "***788"
    assert shown("email", "tax:402117788", kinds) == "tax:402117788"
    assert shown_whole("person_number", "tax:402117788", kinds) == "tax number 402117788"
    assert shown("person_number", "", kinds) == ""


def test_a_pair_shows_the_kinds_of_both_numbers(company: Company, tmp_path: Path) -> None:
    """And a row in quarantine the kind that its feed says."""
    twin = company.twin(tmp_path)
    vane = person("Ottoline", "Vanebrook", id="30", email="o@vanebrook.org", tax="700-11-2233")
    send(twin, "tax_office", vane)
    send(twin, "club", {**vane, "id": "31", "email": "ottoline@club.org", "tax": "88-4411-902"})
    send(twin, "tax_office", person("", "", id="32", tax="701-22-3344", born="not a day"))
    twin.night(2)
    items = dict(twin.ask("select kind, min(item_id) from review_items group by kind").rows())
    one, other = twin.ask(
        "select record_id from records where last_name = 'Vanebrook' order by record_id"
    )["record_id"]
    with office(twin.settings) as desk:
        adam = desk.person("adam", "administrator")
        held = adam.get(f"/items/{items['quarantine']}").text
        with desk.desk.snapshots.reading() as snapshot:
            seen = see_records(
                snapshot, {"record_ids": [one, other], "item_id": "x"},
                Actor("adam", "administrator"), desk.desk.rulebook,
            )  # fmt: skip
            table = compare(seen, seen.record(one), seen.record(other), desk.desk.rulebook)

    line = next(line for line in table.lines if line.title == "Person number")
    sides = ["".join(part.text for part in side.parts) for side in (line.one, line.other)]
    assert sides == ["customer card number ***902", "tax number ***233"]
    assert "person_number: tax number" in held


@pytest.fixture(scope="module")
def desk(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A desk where customers are entered."""
    twin = company.twin(tmp_path_factory.mktemp("desk"))
    shutil.copytree(OWN / "feeds" / "desk_entry", twin.settings.rules / "feeds" / "desk_entry")
    with office(twin.settings) as started:
        yield started


ENTRY = {"first_name": "Ulla", "last_name": "Nyberg", "email": "ulla@nyberg.org", "campaign": "any"}


def test_the_kinds_of_all_feeds_are_offered_and_that_of_entries_is_chosen(desk: Office) -> None:
    page = desk.person("kim", "administrator").get("/customers/new").text

    assert page.index('value="tax" selected') < page.index('value="card"')


def test_who_has_the_number_is_shown_while_it_is_typed_and_the_number_masked(desk: Office) -> None:
    ada = desk.person("ada", "administrator")

    typed = {"person_number": "402 117 788", "number_kind": "tax"}
    shown = ada.post("/customers/new/check", **typed).text
    other_kind = ada.post("/customers/new/check", **typed | {"number_kind": "card"}).text

    assert "same person number" in shown
    assert "tax number ***788" in shown
    assert "402117788" not in shown
    assert "same person number" not in other_kind
    assert "customer card number ***788" in other_kind


@pytest.mark.parametrize("number", ["12-3", "111111111", "none"])
def test_what_can_be_no_number_is_told_at_once_and_not_saved(desk: Office, number: str) -> None:
    ana = desk.person("ana", "administrator")

    shown = ana.post("/customers/new/check", person_number=number).text
    saved = ana.post("/customers/new", key=number, **ENTRY, person_number=number)

    assert "cannot be one" in shown
    assert saved.status_code == 422


def test_a_number_is_kept_behind_the_kind_that_was_chosen(desk: Office) -> None:
    eve = desk.person("eve", "administrator")

    number = {"person_number": "88-4411-902", "number_kind": "card"}
    saved = eve.post("/customers/new", key="eve", **ENTRY, **number)

    spooled = "".join(
        path.read_text("utf-8") for path in desk.desk.settings.spool.glob("desk_entry/*")
    )
    assert saved.status_code == 303
    assert '"person_number": "card:884411902"' in spooled
    assert "number_kind" not in spooled
