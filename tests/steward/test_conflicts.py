"""What a steward can answer to a conflict, and what the log then holds."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from rules.survivorship import FieldRule
from steward.desk.seen import Seen
from steward.desk.values import newer, offers
from store.settings import Settings
from store.snapshot import open_snapshot
from tests.flows.builders import Company, found, person
from tests.steward.desks import Office, Person, office
from tests.steward.test_desk import follow, item_of, say

DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def desk(seeded: Settings) -> Iterator[Office]:
    with office(seeded) as started:
        yield started


def conflict(desk: Office, where: str) -> dict[str, Any]:
    """A conflict of the last night."""
    query = f"select * from review_items i where kind = 'conflict' and {where} order by item_id"
    with open_snapshot(desk.desk.settings) as con:
        return con.sql(query).pl().row(0, named=True)


def settle(desk: Office, item: dict[str, Any], answer: str) -> dict[str, Any]:
    """The decision about an item of which one person says this, and a second where it takes two."""
    for name in ("ann", "bob"):
        if desk.desk.state.decisions.read().is_empty():
            said = say(ask(desk, name, item), ask(desk, name, item, page=True), answer)
            assert said.status_code == 303, said.text
    (stored,) = desk.desk.state.decisions.read().iter_rows(named=True)
    return dict(json.loads(stored["subject"]))


def ask(desk: Office, name: str, item: dict[str, Any], *, page: bool = False) -> Any:
    person = desk.person(name, "administrator")
    return follow(person, f"/items/{item['item_id']}") if page else person


def offered(page: httpx.Response) -> dict[str, str]:
    """By key, what it answers."""
    found = re.findall(r'name="answer(?:_\S+)?" value="([^"]+)" data-key="(.)"', page.text)
    return {key: answer for answer, key in reversed(found)}  # the first conflict of a page


def test_of_contact_points_both_are_kept_with_the_newer_first(desk: Office) -> None:
    item = conflict(desk, "field = 'phone'")
    page = ask(desk, "ann", item, page=True)

    subject = settle(desk, item, "both")

    assert offered(page)["3"] == "both"
    assert "Keep both <kbd>3</kbd>" in page.text
    assert subject["value"] in {item["value"], item["rival_value"]}
    shown = re.search(r"The newer first: <bdi[^>]*>([^<]*)<", page.text)
    assert shown is not None
    assert subject["value"] == shown[1]


def test_a_value_that_a_third_record_says_is_taken_with_the_next_key(desk: Office) -> None:
    several = "select count(distinct email) from records r where r.customer_id ="
    item = conflict(desk, f"field = 'email' and ({several} i.customer_ids[1]) > 2")
    answer = offered(ask(desk, "ann", item, page=True))["4"]

    subject = settle(desk, item, answer)

    assert subject["value"] not in {item["value"], item["rival_value"]}
    assert {*item["record_ids"], subject["record_id"]} == set(subject["records"])
    with open_snapshot(desk.desk.settings) as con:
        query = "select email, email_2 from records where record_id = $one"
        assert subject["value"] in con.execute(query, {"one": subject["record_id"]}).fetchall()[0]


@pytest.mark.parametrize("answer", ["other-1", "other-", "other-x", "both", "all"])
def test_what_is_not_offered_is_refused_and_nothing_is_decided(desk: Office, answer: str) -> None:
    item = conflict(desk, "field = 'birth_date'")

    said = say(ask(desk, "ann", item), ask(desk, "ann", item, page=True), answer)

    assert said.status_code == 422
    assert desk.desk.state.decisions.read().is_empty()


def record(number: int, **said: Any) -> dict[str, Any]:
    """A record of the customer C1-1."""
    at = DAY + timedelta(days=number)
    row = {"record_number": number, "record_id": f"crm:{number}", "customer_id": "C1-1"}
    return row | {"updated_at": at, "received_at": at, "birth_date": None} | said


def test_of_one_value_the_third_comes_third_and_the_latest_record_says_it_first() -> None:
    days = ["1980-01-01", "1981-01-01", "1982-01-01", "1980-01-01", "1983-01-01", "1982-01-01"]
    records = [record(number, birth_date=day) for number, day in enumerate(days)]
    foreign = record(9, birth_date="1999-09-09", customer_id="C2-2")
    item = {
        "field": "birth_date", "value": days[0], "rival_value": days[1],
        "record_ids": ["crm:0", "crm:1"], "customer_ids": ["C1-1"],
    }  # fmt: skip
    seen = Seen(item, [*records, foreign], [], {})

    found = offers(seen, FieldRule(order=["most_recent"]))

    assert [(one.value, one.record["record_number"]) for one in found] == [
        ("1982-01-01", 5),
        ("1983-01-01", 4),
    ]
    assert newer(seen) == "1981-01-01"


def test_of_a_group_a_third_record_is_offered_whole() -> None:
    rule = FieldRule(
        order=["most_recent"], group=("address", "city", "postcode", "country"), core=("address",)
    )
    homes = [("1 Elm Rd", "York"), ("2 Oak Rd", "York"), ("3 Ash Rd", "Hull"), (None, "Leeds")]
    records = [record(n, address=a, city=c, postcode=None, country=None)
               for n, (a, c) in enumerate(homes)]  # fmt: skip
    item = {
        "field": "place", "value": "1 Elm Rd York", "rival_value": "2 Oak Rd York",
        "record_ids": ["crm:0", "crm:1"], "customer_ids": ["C1-1"],
    }  # fmt: skip

    found = offers(Seen(item, records, [], {}), rule)

    assert [(one.value, one.record["record_number"]) for one in found] == [("3 Ash Rd Hull", 2)]


def test_a_third_address_is_taken_whole_and_the_next_night_obeys(tmp_path: Path) -> None:
    company = founded_on(tmp_path, "York", "Hull", "Bath")
    (place,) = company.ask("from review_items where field = 'place'").iter_rows(named=True)
    golden = company.ask("select city from customers").item()
    third = ({"York", "Hull", "Bath"} - {part for name in ("value", "rival_value")
                                           for part in place[name].split()}).pop()  # fmt: skip
    with office(company.settings) as desk:
        page = ask(desk, "ann", place, page=True)
        say(ask(desk, "ann", place), page, offered(page)["3"])
    company.night(3)

    assert golden != third
    assert company.ask("select city from customers").item() == third
    assert company.ask("from review_items where field = 'place'").is_empty()


def founded_on(folder: Path, *towns: str) -> Company:
    """One customer of three records that came together and live in three towns."""
    company = found(folder)
    who = person("Anna", "Stone", email="anna@stone.org", phone="07911 123401")
    same = {"op": "upsert", "changed": "2026-01-01"}
    company.drop("partner", [{**same, "id": f"P{n}", **who, "city": town}
                             for n, town in enumerate(towns)])  # fmt: skip
    company.night(1)
    company.decide("same", records=[f"partner:P{n}" for n in range(len(towns))])
    company.night(2)
    return company


def past(page: httpx.Response) -> list[str]:
    table = page.text[page.text.index("All past values</caption>") :].partition("</table>")[0]
    return re.findall(r"<tr><td><bdi>([^<]*)</bdi>", table)


def test_all_past_values_are_shown_when_they_are_asked_for(desk: Office) -> None:
    item = conflict(desk, "field = 'birth_date'")
    ann: Person = ask(desk, "ann", item)
    with desk.desk.snapshots.reading() as snapshot:
        told = snapshot.rows(
            "select birth_date::varchar as said from records where customer_id = $one "
            "and birth_date is not null",
            {"one": item["customer_ids"][0]},
        )

    plain = ask(desk, "ann", item, page=True)
    asked = ann.get(f"/items/{item['item_id']}?past=yes")

    assert "All past values</caption>" not in plain.text
    assert f'href="/items/{item_of(plain)}?past=yes" data-key="v"' in plain.text
    assert sorted(past(asked)) == sorted(row["said"] for row in told)


def test_what_the_other_record_adds_without_contradiction_is_shown(tmp_path: Path) -> None:
    company = found(tmp_path)
    anna = person("Anna", "Stone", email="anna@stone.org", phone="07911 123401")
    company.drop("partner", [
        {"op": "upsert", "id": "P1", **anna, "changed": "2026-01-01", "city": "York"},
        {"op": "upsert", "id": "P2", **anna | {"born": "1980-02-01"}, "changed": "2026-01-01",
         "city": "Hull"},
    ])  # fmt: skip
    company.night(1)
    (place,) = company.ask("from review_items where field = 'place'").iter_rows(named=True)

    with office(company.settings) as desk:
        page = ask(desk, "ann", place, page=True).text

    assert place["record_ids"][1] == "partner:P2"
    assert page.count("adds to the record") == 1
    assert '<span class="val"><bdi>1980-02-01</bdi></span>' in page
