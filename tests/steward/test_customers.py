"""Customers are found and shown no further than the reader's campaigns reach."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from steward.desk.searches import Searches
from tests.flows.builders import Company, found, person
from tests.shared import Shared
from tests.steward.desks import Office, Person, office

FOREIGN = "Zwergenstein"
"""Is in a record of another campaign and nowhere else."""
XSS = "<script>alert(1)</script>"


def a_company(folder: Path) -> Company:
    """Anna is known to two campaigns, Bert to the first, a stranger to the second."""
    company = found(folder)
    for source, campaign in (("forms", "spring"), ("members", "dach")):
        feed = company.settings.rules / "feeds" / source / "feed.toml"
        text = feed.read_text("utf-8").replace("trust ", f'campaign = "{campaign}"\ntrust ', 1)
        feed.write_text(text, "utf-8")
    company.drop(
        "forms",
        [
            person("Anna", "Großmann", email="anna@post.org", phone="07911 123401",
                   born="1980-02-01", sent="2026-02-01", news="yes"),
            person("Bert", "Stone", email="bert@stone.org", phone="07911 123402",
                   born="1971-02-01", sent="2026-02-01"),
            person("Mark", "Markson", email="mark@stone.org", born="1971-02-03", city=XSS,
                   sent="2026-02-01"),
            person("Nele", "Numberless", born="1972-02-03", city="Bonn", sent="2026-02-01"),
        ],
    )  # fmt: skip
    company.drop(
        "members",
        [
            {"no": "M3", **person("Nele", "Numberless", born="1972-02-03",
             phone="07911 123477")},
            {"no": "M1", **person("Anna", "Großmann", email="anna@post.org",
             phone="07911 123401", born="1980-02-01", city=FOREIGN, postcode="99999", news="no")},
            {"no": "M2", **person("Otto", FOREIGN, email=f"otto@{FOREIGN.lower()}.org",
             phone="07911 123499", born="1955-05-05")},
        ],
    )  # fmt: skip
    company.night(1)
    two = company.ask("select record_id from records where first_name ilike 'nele'")
    company.decide("same", records=two["record_id"].to_list())
    company.night(2)
    return company


@pytest.fixture(scope="module")
def desk(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    company = shared.company(a_company, tmp_path_factory.mktemp("customers"))
    with office(company.settings) as started:
        yield started


@pytest.fixture(scope="module")
def spring(desk: Office) -> Person:
    return desk.person("sam", "editor", campaigns=("spring",), functions=("data_steward",))


@pytest.fixture(scope="module")
def adam(desk: Office) -> Person:
    return desk.person("adam", "administrator")


def names(person: Person, query: str) -> list[str]:
    page = person.search(query).text
    return [html.unescape(name) for name in re.findall(r'class="name"[^>]*>([^<]*)<', page)]


def search_of(person: Person, text: str) -> str:
    return str(person.post("/customers", q=text).headers["location"])


def id_of(person: Person, query: str) -> str:
    found = re.search(r'class="name" href="/customers/(C[0-9-]+)"', person.search(query).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    "typed",
    [
        "anna", "GROSSMANN", "großmann anna", "gross an", "anna@post", "ANNA@post.org",
        "07911 123401", "+44 7911 123401",
    ],
)  # fmt: skip
def test_a_customer_is_found_by_what_people_type(spring: Person, typed: str) -> None:
    assert names(spring, f"?q={typed.replace('+', '%2B')}") == ["Anna Großmann"]


def test_a_customer_is_found_by_the_id_of_a_record_or_of_the_customer(adam: Person) -> None:
    assert names(adam, "?q=members:M1") == names(adam, "?q=m1") == ["Anna Großmann"]
    named = id_of(adam, "/customers?q=m1")
    assert (
        adam.post("/customers", q=f" {named.lower()} ").headers["location"] == f"/customers/{named}"
    )


def test_all_words_of_a_name_must_be_in_one_record(adam: Person) -> None:
    assert names(adam, "?q=bert+stone") == ["Bert Stone"]
    assert names(adam, "?q=anna+stone") == []


def test_nobody_finds_what_is_out_of_scope(spring: Person, adam: Person) -> None:
    for typed in ("otto", FOREIGN, "07911 123499", f"otto@{FOREIGN}", "members:M2", "M1", "M2"):
        assert names(spring, f"?q={typed}") == []
    assert names(adam, "?q=otto") == [f"Otto {FOREIGN}"]


def test_filters_narrow_and_never_widen(spring: Person, adam: Person) -> None:
    assert names(spring, "?campaign=dach") == names(spring, "?source=members") == []
    assert names(adam, "?campaign=dach&q=anna") == ["Anna Großmann"]
    assert names(adam, "?since=2031-01-01") == []
    assert names(adam, "?since=nonsense&after=x-y&q=bert") == ["Bert Stone"]


def test_customers_are_narrowed_to_the_active_and_to_those_with_a_verified_contact(
    adam: Person,
) -> None:
    every = set(names(adam, ""))

    assert names(adam, "?q=stone&contact=verified") == ["Bert Stone"]
    assert names(adam, "?q=mark&contact=verified") == []
    assert names(adam, "?contact=unverified") == ["Mark Markson"]
    assert set(names(adam, "?contact=verified")) == every - {"Mark Markson"}
    assert set(names(adam, "?state=active")) == every
    assert names(adam, "?state=incomplete") == []
    assert names(adam, "?q=anna&state=active&contact=verified&campaign=dach") == ["Anna Großmann"]
    assert set(names(adam, "?state=nonsense&contact=nonsense")) == every


def test_a_filter_tells_nobody_what_another_campaign_knows(spring: Person, adam: Person) -> None:
    assert names(adam, "?q=nele&state=active") == ["Nele Numberless"]
    assert names(adam, "?q=nele&contact=verified") == ["Nele Numberless"]

    assert names(spring, "?q=nele&state=active") == names(spring, "?q=nele&contact=verified") == []
    assert names(spring, "?state=incomplete") == ["Nele Numberless"]
    assert names(spring, "?q=nele&contact=unverified") == ["Nele Numberless"]


def test_filters_are_kept_in_the_address_and_in_the_form(adam: Person) -> None:
    page = adam.search("?q=anna&state=active&contact=verified&after=0-1").text

    assert '<option value="active" selected>' in page
    assert '<option value="verified" selected>' in page
    assert re.search(
        r'href="/customers\?found=[0-9a-f]{32}&amp;state=active&amp;contact=verif', page
    )


def test_what_is_searched_for_is_in_no_address(adam: Person) -> None:
    answer = adam.post("/customers", q="anna@post.org", campaign="dach")
    page = adam.get(answer.headers["location"]).text

    assert answer.status_code == 303
    assert "anna" not in answer.headers["location"]
    assert not re.findall(r'(?:href|action)="[^"]*anna', page)
    assert '<form class="search" method="post"' in page


def test_a_search_is_the_one_of_who_typed_it(adam: Person, spring: Person) -> None:
    where = search_of(adam, "anna")

    assert search_of(adam, "anna") == where != search_of(spring, "anna")
    page = spring.get(where).text
    assert "is not known any more" in page
    assert 'value="anna"' not in page


def test_so_many_searches_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steward.desk.searches.MOST", 2)
    searches = Searches()

    names = [searches.keep("ann", text) for text in ("one", "two", "three")]

    assert [searches.find("ann", name) for name in names] == [None, "two", "three"]
    assert searches.find("bob", names[1]) is None


def test_a_customer_out_of_scope_is_not_there(spring: Person, adam: Person) -> None:
    otto = id_of(adam, "/customers?q=otto")

    answers = [spring.get(f"/customers/{name}") for name in (otto, "C9-9", "x", "C1-1%00")]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text.replace(otto, "") for answer in answers}) <= 2
    assert adam.get(f"/customers/{otto}").status_code == 200


def test_a_golden_record_is_worked_out_from_the_records_in_scope(
    spring: Person, adam: Person
) -> None:
    anna = id_of(adam, "/customers?q=anna")

    here, whole = spring.get(f"/customers/{anna}").text, adam.get(f"/customers/{anna}").text

    assert FOREIGN in whole
    assert "members:M1" in whole
    for word in (FOREIGN, FOREIGN.lower(), "members", "M1", "dach", "99999"):
        assert word not in here
    assert "of the records in your campaigns" in here


def test_a_refusal_holds_for_who_sees_only_the_consent(spring: Person, adam: Person) -> None:
    anna = id_of(adam, "/customers?q=anna")

    for reader in (spring, adam):
        page = reader.get(f"/customers/{anna}").text
        consent = page[page.index("Consent to e-mail") :][:400]

        assert ">no<" in consent
        assert ">yes<" not in consent.split("Other")[0]


def test_a_viewer_of_a_dataset_sees_what_that_source_says(desk: Office, adam: Person) -> None:
    vera = desk.person("vera", "viewer", datasets=("members",))

    assert names(vera, "?q=otto") == [f"Otto {FOREIGN}"]
    assert names(vera, "?q=bert") == []


def test_who_has_no_campaign_finds_nobody(desk: Office) -> None:
    nobody = desk.person("nils", "editor")

    page = nobody.get("/customers")

    assert "You have no campaigns yet" in page.text
    assert "spring" not in page.text


def test_markup_in_a_name_is_shown_and_never_run(adam: Person) -> None:
    marked = id_of(adam, "/customers?q=mark@stone.org")

    for path in (search_of(adam, "mark"), f"/customers/{marked}", search_of(adam, XSS)):
        page = adam.get(path).text
        assert XSS not in page.lower()
        assert "<b>x" not in page.lower()
    assert "alert(1)" in adam.get(f"/customers/{marked}").text.lower()


def test_looking_at_a_customer_is_noted(desk: Office, adam: Person) -> None:
    adam.get(f"/customers/{id_of(adam, '/customers?q=bert')}")

    assert desk.noted()[-1] == ("adam", "look")
