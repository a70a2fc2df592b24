"""An empty list of conflicts leads to what joined by itself in the last run."""

from collections.abc import Iterator

import pytest

from tests.flows.builders import Company, found, person
from tests.steward.desks import Office, office
from tests.steward.test_desk import follow

ANNA = person("Anna", "Stone", email="anna@stone.org", phone="07911 123401", born="1980-02-01")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A customer of spring who is given a town and another number, and one who moves."""
    founded = found(tmp_path_factory.mktemp("joined"))
    feed = founded.settings.rules / "feeds" / "partner" / "feed.toml"
    text = feed.read_text("utf-8").replace("trust ", 'campaign = "spring"\ntrust ', 1)
    feed.write_text(text, "utf-8")
    bert = person("Bert", "Lang", email="bert@lang.org", city="York")
    early = {"op": "upsert", "changed": "2026-01-01"}
    founded.drop("partner", [{**early, "id": "P1", **ANNA}, {**early, "id": "P2", **bert}])
    founded.night(1)
    late = {"op": "upsert", "changed": "2026-02-01"}
    other = ANNA | {"phone": "07911 123499", "city": "Leeds"}
    founded.drop("partner", [{**early, "id": "P3", **other},
                             {**late, "id": "P2", **bert, "city": "Hull"}])  # fmt: skip
    founded.night(2)
    return founded


@pytest.fixture
def desk(company: Company) -> Iterator[Office]:
    with office(company.settings) as started:
        with started.desk.state.engine.begin() as connection:
            connection.exec_driver_sql("update items set state = 'decided'")
        yield started


def test_additions_are_told_apart_from_what_a_rule_chose(desk: Office) -> None:
    sam = desk.person("sam", campaigns=("spring",), functions=("data_steward",))

    empty = follow(sam, "/conflicts").text
    page = sam.get("/joined").text

    additions, _, chosen = page.partition("Chosen by a rule")
    assert "No conflicts" in empty
    assert '<a class="link" href="/joined"' in empty
    assert "Leeds" in additions
    assert "07911 123499" in additions.replace("\u202f", " ").replace("+44 ", "0")
    assert "Hull" in chosen
    assert "York" in chosen
    assert "its source says so now" in chosen


def test_nothing_is_told_of_customers_out_of_scope(desk: Office) -> None:
    eve = desk.person("eve", campaigns=("autumn",), functions=("data_steward",))

    empty = follow(eve, "/conflicts").text
    page = eve.get("/joined").text

    assert "Nothing joined by itself in the last run" in empty
    assert "Leeds" not in page
    assert "Hull" not in page


def test_who_decides_no_conflicts_has_no_such_page(desk: Office) -> None:
    vera = desk.person("vera", "viewer", campaigns=("spring",))

    assert vera.get("/joined").status_code == 403
